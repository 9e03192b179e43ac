package web

import (
	"net/http"
	"net/url"
	"slices"

	"riven/results"
)

// nights are as many as the grid shows.
const nights = 30

type gridPage struct {
	Tab  string
	Days []string
	Rows []gridRow
	More int // days before
}

type gridRow struct {
	Cell  string
	Link  string // to its trends
	Spots []spot
}

// spot is one cell in one night: the worst verdict, and how many runs of each there were.
type spot struct {
	Link   string
	Runs   int
	Worst  string
	Detail string
}

func (s *Server) grid(w http.ResponseWriter, _ *http.Request) {
	all, _, err := s.index()
	if err != nil {
		problem(w, err)
		return
	}
	s.show(w, "grid", gridOf(all))
}

func gridOf(all []results.Digest) gridPage {
	p := gridPage{Tab: "grid", Days: distinct(all, results.Digest.Day)}
	if p.More = max(0, len(p.Days)-nights); p.More > 0 {
		p.Days = p.Days[p.More:]
	}
	type at struct{ cell, day string }
	by := map[at][]results.Digest{}
	for _, d := range all {
		k := at{d.Cell, d.Day()}
		by[k] = append(by[k], d)
	}
	for _, cell := range distinct(all, func(d results.Digest) string { return d.Cell }) {
		row := gridRow{Cell: cell, Link: "/trends?" + url.Values{"cell": {cell}}.Encode()}
		runs := 0
		for _, day := range p.Days {
			spot := spotOf(by[at{cell, day}])
			spot.Link = "/?" + url.Values{"cell": {cell}, "day": {day}}.Encode()
			runs += spot.Runs
			row.Spots = append(row.Spots, spot)
		}
		if runs > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}

func spotOf(runs []results.Digest) spot {
	s := spot{Runs: len(runs)}
	counts := make([]int, len(outcomes))
	worst := 0
	for _, d := range runs {
		counts[rank(d.Outcome)]++
		worst = max(worst, rank(d.Outcome))
	}
	if len(runs) > 0 {
		s.Worst = outcomes[worst]
	}
	for i, n := range slices.Backward(counts) {
		if n > 0 {
			s.Detail += plural(n, outcomes[i]) + " "
		}
	}
	return s
}
