package results

import (
	"cmp"
	"slices"

	"riven/harness/history"
	"riven/nemesis"
)

// timeline is what the page draws.
type timeline struct {
	interval
	Zero      int64
	Tenures   []tenureRow
	Lanes     []*lane
	Faults    []faultBand
	Anomalies []anomalyMark
}

// lane is one node.
type lane struct {
	Name     string
	Server   bool
	States   []nodeState
	Tracks   [][]op // ops of one track do not overlap
	Holds    []hold
	Accesses []history.Event
}

// nodeState is a time in which a node was something: leader, follower, none, down, paused.
type nodeState struct {
	interval
	State string
}

type faultBand struct {
	interval
	ID, Label string
	Nodes     []string
}

// anomalyMark is a violation or a hazard on the timeline.
type anomalyMark struct {
	interval
	Sentence string
	Hazard   bool
	Proof    []history.Event
}

func (b *Bundle) timeline() timeline {
	t := timeline{interval: span(b.History), Zero: zero(b.History)}
	for _, name := range b.Spec.ServerNames() {
		t.lane(name).Server = true
	}
	for _, name := range b.Spec.ParticipantNames() {
		t.lane(name)
	}
	for _, o := range joinOps(b.History) {
		t.lane(o.Node).addOp(o)
	}
	for _, h := range holds(b.History) {
		t.lane(h.Node).Holds = append(t.lane(h.Node).Holds, h)
	}
	for _, e := range b.History {
		if e.Type == history.Access {
			t.lane(e.Node).Accesses = append(t.lane(e.Node).Accesses, e)
		}
	}
	t.Tenures = tenures(b.History)
	t.addRoles(b.History)
	t.addPauses(b.Receipts)
	t.Faults = bands(b.Receipts, t.To)
	t.Anomalies = b.marks()
	return t
}

// lane of the node, which is made when it is first asked for.
func (t *timeline) lane(node string) *lane {
	i := slices.IndexFunc(t.Lanes, func(l *lane) bool { return l.Name == node })
	if i < 0 {
		i = len(t.Lanes)
		t.Lanes = append(t.Lanes, &lane{Name: node})
	}
	return t.Lanes[i]
}

// addOp puts the op into the first track that is free.
func (l *lane) addOp(o op) {
	for i, track := range l.Tracks {
		if track[len(track)-1].To <= o.From {
			l.Tracks[i] = append(track, o)
			return
		}
	}
	l.Tracks = append(l.Tracks, []op{o})
}

// addRoles derives from the history what the nodes were, and when they were down.
func (t *timeline) addRoles(events []history.Event) {
	now := map[string]nodeState{}
	change := func(node, state string, at int64) {
		was := now[node]
		if was.State == state {
			return
		}
		if was.State != "" && at > was.From {
			l := t.lane(node)
			l.States = append(l.States, nodeState{interval{was.From, at}, was.State})
		}
		now[node] = nodeState{interval{From: at}, state}
	}
	for _, e := range events {
		switch e.Type {
		case history.Role:
			change(e.Node, e.F, e.Time)
		case history.Exit:
			change(e.Node, "down", e.Time)
		case history.Start:
			change(e.Node, "", e.Time)
		}
	}
	for _, l := range slices.Clone(t.Lanes) {
		change(l.Name, "", t.To)
	}
}

func (t *timeline) addPauses(receipts []nemesis.Receipt) {
	for _, r := range receipts {
		if r.Step.Fault.Kind != nemesis.Pause || r.Begin == 0 {
			continue
		}
		for _, n := range r.Nodes {
			t.lane(n).States = append(t.lane(n).States, nodeState{interval{r.Begin, cmp.Or(r.End, t.To)}, "paused"})
		}
	}
}

func bands(receipts []nemesis.Receipt, end int64) []faultBand {
	var out []faultBand
	for _, r := range receipts {
		from := cmp.Or(r.BeginFrom, r.Begin)
		if from == 0 {
			continue
		}
		out = append(out, faultBand{interval{from, cmp.Or(r.EndBy, r.End, end)}, r.Step.ID, r.Step.ID + " " + faultWords(r.Step.Fault), r.Nodes})
	}
	slices.SortStableFunc(out, func(a, b faultBand) int { return cmp.Compare(a.From, b.From) })
	return out
}

// marks are the violations, then the hazards, those that are told in full, each with the events that prove it.
func (b *Bundle) marks() []anomalyMark {
	var out []anomalyMark
	violations, _ := first(anomalies(*b.Verdict, false))
	hazards, _ := first(anomalies(*b.Verdict, true))
	for _, a := range slices.Concat(violations, hazards) {
		m := anomalyMark{interval: interval{a.From, a.To}, Sentence: a.Sentence, Hazard: a.Hazard, Proof: b.events(a.Proof[:min(len(a.Proof), maxProof)])}
		for i, e := range m.Proof {
			if a.From == 0 && i == 0 {
				m.From = e.Time
			}
			if a.To == 0 {
				m.To = max(m.To, e.Time)
			}
		}
		out = append(out, m)
	}
	return out
}

// events looks indices of the history up; those that are not in it are left out.
func (b *Bundle) events(indices []int) []history.Event {
	var out []history.Event
	for _, i := range indices {
		if i >= 0 && i < len(b.History) {
			out = append(out, b.History[i])
		}
	}
	return out
}
