package checkers

import (
	"cmp"
	"slices"

	"riven/harness/history"
	"riven/nemesis"
)

// tenure is the time in which a participant certainly believed that it held: both ends are evidence, not guesses.
type tenure struct {
	hold       string
	node       string
	span       span
	first, end int32 // positions of the acquire's completion and of the evidence for the end
	how        string
}

// tenures of a history, in order of their beginning. A tenure begins with the completion of an acquire. It ends with
// the invocation of the release: until then nobody told the participant to let go. Where it ended otherwise (a note,
// a death, the next acquire, the end of the run) it lasts to the hold's last stamped evidence, and never into a kill.
func tenures(in Input) []tenure {
	b := tenureBuilder{h: in.History, open: map[string]int{}, kills: in.kills()}
	for i := range in.History {
		b.see(int32(i))
	}
	for i := range b.all {
		b.clamp(&b.all[i])
	}
	slices.SortFunc(b.all, func(x, y tenure) int {
		return cmp.Or(cmp.Compare(x.span.from, y.span.from), cmp.Compare(x.first, y.first))
	})
	return b.all
}

type tenureBuilder struct {
	h     []history.Event
	all   []tenure
	open  map[string]int // participant, which does one op at a time → index in all + 1
	kills map[string][]span
}

func (b *tenureBuilder) see(i int32) {
	e := &b.h[i]
	switch e.Type {
	case history.OK:
		if e.F == OpAcquire && e.Hold != "" {
			b.begin(e, i, "its acquire")
		} else {
			b.last(e, i, "its last op")
		}
	case history.Access:
		b.last(e, i, "its last access")
	case history.Note:
		b.note(e, i)
	case history.Invoke:
		if e.F == OpRelease {
			if t := b.present(e.Node); t != nil {
				t.span.to, t.end, t.how = e.Time, i, "its release"
			}
			b.close(e.Node)
		}
	case history.Exit, history.Start:
		b.close(e.Node)
	}
}

// last takes an event in as evidence that the participant still acts under its hold.
func (b *tenureBuilder) last(e *history.Event, i int32, how string) {
	if t := b.present(e.Node); t != nil && t.hold == e.Hold {
		t.span.to, t.end, t.how = e.Time, i, how
	}
}

// note ends the tenure when it says that the hold is lost: at the time at which that became true, if the note has one.
func (b *tenureBuilder) note(e *history.Event, i int32) {
	if e.F == history.NoteElected && e.Hold != "" {
		b.begin(e, i, "its election")
		return
	}
	t := b.present(e.Node)
	if e.F != history.NoteLost && e.F != history.NoteDeposed || t == nil || t.hold != e.Hold {
		return
	}
	if e.Mono > 0 {
		t.span.to, t.end, t.how = min(e.Mono, e.Time), i, "its note of the loss"
	}
	b.close(e.Node)
}

// begin ends the participant's tenure before, if it still had one.
func (b *tenureBuilder) begin(e *history.Event, i int32, how string) {
	b.all = append(b.all, tenure{hold: e.Hold, node: e.Node, span: span{e.Time, e.Time}, first: i, end: i, how: how})
	b.open[e.Node] = len(b.all)
}

// present is the participant's tenure that has not ended, if it has one.
func (b *tenureBuilder) present(node string) *tenure {
	if n := b.open[node]; n > 0 {
		return &b.all[n-1]
	}
	return nil
}

func (b *tenureBuilder) close(node string) { b.open[node] = 0 }

// clamp ends the tenure where a kill of its participant may have been in force. The kill that matters is the first one
// that was not over when the tenure began.
func (b *tenureBuilder) clamp(t *tenure) {
	kills := b.kills[t.node]
	i, _ := slices.BinarySearchFunc(kills, t.span.from, func(k span, at int64) int { return cmp.Compare(k.to, at) })
	if i < len(kills) && kills[i].from < t.span.to {
		t.span.to, t.how = kills[i].from, "its kill"
	}
}

// kills are the times in which the children of nodes may have been killed, by node, in order.
func (in Input) kills() map[string][]span {
	out := map[string][]span{}
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		if r.Step.Fault.Kind != nemesis.Kill {
			continue
		}
		s, ok := inForce(r, r.Begin)
		if !ok {
			continue
		}
		s.to = max(r.Begin, s.from)
		for _, n := range r.Nodes {
			out[n] = append(out[n], s)
		}
	}
	for _, kills := range out {
		slices.SortFunc(kills, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	}
	return out
}
