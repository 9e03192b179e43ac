package web

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"riven/results"
)

type trendsPage struct {
	Tab    string
	Cell   string
	Cells  []string
	Charts []trend
}

// trend is a figure over the days, drawn and as a table.
type trend struct {
	Title, Note string
	Points      []point
	Ticks       []tick
	Line        string // points of the polyline
}

// point is one day: the figure with the interval that it lies in.
type point struct {
	Day, Link        string
	Value, Low, High string // in words
	Runs             int
	X, Y, Top, Under string // coordinates
}

type tick struct{ Y, Label string }

func (s *Server) trends(w http.ResponseWriter, r *http.Request) {
	all, _, err := s.index()
	if err != nil {
		problem(w, err)
		return
	}
	p := trendsPage{Tab: "trends", Cell: r.FormValue("cell"), Cells: distinct(all, func(d results.Digest) string { return d.Cell })}
	if p.Cell == "" && len(all) > 0 {
		p.Cell = all[0].Cell
	}
	var runs []results.Digest
	for _, d := range all {
		if d.Cell == p.Cell {
			runs = append(runs, d)
		}
	}
	p.Charts = trendsOf(runs)
	s.show(w, "trends", p)
}

// estimate is a figure of a day's runs with an interval.
type estimate struct{ value, low, high float64 }

func trendsOf(runs []results.Digest) (out []trend) {
	for _, f := range []struct {
		title, note, unit string
		of                func([]results.Digest) (estimate, bool)
	}{
		{"Passed", "Share of the runs that passed, with its 95 % interval (Wilson).", "%", passed},
		{"Throughput", "Ops a second that went well: the median of the runs, from the first to the third quartile.", "/s", figures(func(d results.Digest) []float64 {
			if d.Seconds == 0 {
				return nil
			}
			return []float64{d.PerSecond}
		})},
		{"Elections", "From the end of a server's lead to the next one's: median, quartiles.", "ms", figures(func(d results.Digest) []float64 { return d.Elections })},
		{"Recoveries", "From the end of a fault to the first op after it that went well: median, quartiles.", "ms", figures(func(d results.Digest) []float64 { return d.Recoveries })},
	} {
		t := trend{Title: f.title, Note: f.note}
		var values []estimate
		days := distinct(runs, results.Digest.Day)
		days = days[max(0, len(days)-nights):]
		for _, day := range days {
			var of []results.Digest
			for _, d := range runs {
				if d.Day() == day {
					of = append(of, d)
				}
			}
			if e, ok := f.of(of); ok {
				values = append(values, e)
				t.Points = append(t.Points, point{Day: day, Runs: len(of)})
			}
		}
		if len(values) == 0 {
			continue
		}
		t.draw(values, f.unit)
		out = append(out, t)
	}
	return out
}

func passed(runs []results.Digest) (estimate, bool) {
	k, n := 0, 0
	for _, d := range runs {
		if d.Outcome == "" {
			continue
		}
		n++
		if d.Outcome == "pass" {
			k++
		}
	}
	low, high := results.Wilson(k, n)
	return estimate{100 * float64(k) / float64(max(n, 1)), 100 * low, 100 * high}, n > 0
}

// figures are the median and the quartiles of all values of the runs.
func figures(of func(results.Digest) []float64) func([]results.Digest) (estimate, bool) {
	return func(runs []results.Digest) (estimate, bool) {
		var all []float64
		for _, d := range runs {
			all = append(all, of(d)...)
		}
		if len(all) == 0 {
			return estimate{}, false
		}
		slices.Sort(all)
		at := func(part float64) float64 { return all[int(math.Ceil(part*float64(len(all))))-1] }
		return estimate{at(.5), at(.25), at(.75)}, true
	}
}

// The drawing, in its own units.
const (
	left, right = 70.0, 1090.0
	top, bottom = 14.0, 150.0
)

func (t *trend) draw(values []estimate, unit string) {
	most := 0.0
	for _, e := range values {
		most = max(most, e.high)
	}
	step := niceStep(most)
	most = max(math.Ceil(most/step), 1) * step
	y := func(v float64) string { return fmt.Sprintf("%.1f", bottom-(bottom-top)*v/most) }
	for v := 0.0; v <= most+step/2; v += step {
		t.Ticks = append(t.Ticks, tick{y(v), say(v, unit)})
	}
	for i, e := range values {
		x := fmt.Sprintf("%.1f", left+(right-left)*(float64(i)+.5)/float64(len(values)))
		p := &t.Points[i]
		p.Value, p.Low, p.High = say(e.value, unit), say(e.low, unit), say(e.high, unit)
		p.X, p.Y, p.Top, p.Under = x, y(e.value), y(e.high), y(e.low)
		t.Line += x + "," + p.Y + " "
	}
}

// niceStep cuts 0 to most into at most five steps of 1, 2 or 5 times a power of ten.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(most/5)))
	for _, m := range []float64{1, 2, 5} {
		if most/(m*base) <= 5 {
			return m * base
		}
	}
	return 10 * base
}

func say(v float64, unit string) string {
	digits := 0
	if v < 10 && v != math.Trunc(v) {
		digits = 1
	}
	if unit == "/s" {
		return fmt.Sprintf("%.*f/s", digits, v)
	}
	return fmt.Sprintf("%.*f %s", digits, v, unit)
}
