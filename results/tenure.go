package results

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"riven/harness/history"
)

// tenureRow is something that at most one node should be at a time (or what is said of nodes' health): who was it when,
// by the nodes' own account. Two at once lie in two tracks.
type tenureRow struct {
	Name   string
	Tracks [][]tenure
}

// tenure is one time in which a node was it.
type tenure struct {
	interval
	Node  string
	Token int64
	Hold  string
	Text  string // what else is to be said
}

// label is what is written on it.
func (t tenure) label() string {
	label := t.Node
	if t.Token != 0 {
		label += " · " + strconv.FormatInt(t.Token, 10)
	}
	if t.Text != "" {
		label += " " + t.Text
	}
	return label
}

const (
	rowActive = "active"
	rowHealth = "health"
)

// tenureKey is what one open tenure can be.
type tenureKey struct{ row, node, hold string }

// tenures are the rows: the active one, health, then partitions by name.
func tenures(events []history.Event) []tenureRow {
	t := tenureReader{open: map[tenureKey]tenure{}, all: map[string][]tenure{}}
	for _, e := range events {
		t.read(e)
	}
	end := span(events).To
	t.endAll(func(tenureKey) bool { return true }, end)
	return t.rows()
}

type tenureReader struct {
	open map[tenureKey]tenure
	all  map[string][]tenure
}

func (t *tenureReader) read(e history.Event) {
	switch {
	case e.Type == history.Exit:
		t.endAll(func(k tenureKey) bool { return k.node == e.Node }, e.Time)
	case e.Type != history.Note:
	case e.F == history.NoteElected:
		t.begin(tenureKey{rowActive, e.Node, e.Hold}, e, "")
	case e.F == history.NoteDeposed:
		t.end(tenureKey{rowActive, e.Node, e.Hold}, e.Time)
	case e.F == history.NoteAssigned:
		t.begin(tenureKey{e.Key, e.Node, ""}, e, "")
	case e.F == history.NoteRevoked:
		t.end(tenureKey{e.Key, e.Node, ""}, e.Time)
	case e.F == history.NoteHealth:
		t.end(tenureKey{rowHealth, e.Node, e.Key}, e.Time)
		if e.Text != "healthy" {
			t.begin(tenureKey{rowHealth, e.Node, e.Key}, e, fmt.Sprintf("says %s is %s", e.Key, e.Text))
		}
	}
}

func (t *tenureReader) begin(k tenureKey, e history.Event, text string) {
	t.end(k, e.Time)
	t.open[k] = tenure{interval: interval{From: e.Time}, Node: e.Node, Token: e.Token, Hold: e.Hold, Text: text}
}

func (t *tenureReader) end(k tenureKey, at int64) {
	if x, is := t.open[k]; is {
		delete(t.open, k)
		x.To = at
		t.all[k.row] = append(t.all[k.row], x)
	}
}

func (t *tenureReader) endAll(which func(tenureKey) bool, at int64) {
	for k := range t.open { // their order does not matter: rows are sorted
		if which(k) {
			t.end(k, at)
		}
	}
}

func (t *tenureReader) rows() []tenureRow {
	var out []tenureRow
	for name, all := range t.all {
		slices.SortFunc(all, func(a, b tenure) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Node, b.Node)) })
		row := tenureRow{Name: name}
		for _, x := range all {
			row.add(x)
		}
		out = append(out, row)
	}
	rank := func(r tenureRow) int { return slices.Index([]string{rowHealth, rowActive}, r.Name) }
	slices.SortFunc(out, func(a, b tenureRow) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// add puts the tenure into the first track that is free.
func (r *tenureRow) add(x tenure) {
	for i, track := range r.Tracks {
		if track[len(track)-1].To <= x.From {
			r.Tracks[i] = append(track, x)
			return
		}
	}
	r.Tracks = append(r.Tracks, []tenure{x})
}

// tenureView is a row of the table behind the lanes.
type tenureView struct{ Row, Node, Token, Hold, Span, Link, Text string }

// maxTenures are told in the table.
const maxTenures = 500

func tenureViews(rows []tenureRow, zero int64) (out []tenureView, more int) {
	for _, r := range rows {
		all := slices.Concat(r.Tracks...)
		slices.SortStableFunc(all, func(a, b tenure) int { return cmp.Compare(a.From, b.From) })
		for _, x := range all {
			v := tenureView{Row: r.Name, Node: x.Node, Hold: x.Hold, Span: millis(x.From-zero) + " to " + millis(x.To-zero), Link: moment(x.From-zero, x.To-zero), Text: x.Text}
			if x.Token != 0 {
				v.Token = strconv.FormatInt(x.Token, 10)
			}
			out = append(out, v)
		}
	}
	shown := min(len(out), maxTenures)
	return out[:shown], len(out) - shown
}
