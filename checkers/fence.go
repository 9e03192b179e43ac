package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"riven/harness/history"
)

// What a leader's notes say besides history.NoteElected and NoteDeposed.
const (
	NoteFenced = "fenced"   // Key can write nothing any more with epochs up to Token
	Resigned   = "resigned" // text of a deposed note: in good order, nobody needs to be fenced
)

// Fence wants the leader before to be over when the next one begins, in order of their epochs: it has resigned in good
// order, or somebody has fenced it, with an epoch not below its own. A leader that follows itself fences nobody. (Hadoop,
// ActiveStandbyElector.fenceOldActive.) Whoever fences or resigns says so before it goes on, so what was said only after
// the next leader was elected does not count. Where clocks can not be compared, that is known of one node's notes alone.
func Fence(in Input) Check {
	p := in.promise(ClaimFence)
	var f findings
	terms, ends := in.terms()
	for k := 1; k < len(terms); k++ {
		a, b := terms[k-1], terms[k]
		before, next := &in.History[a], &in.History[b]
		over := func(i int32) bool { return in.ends(i, before, next) && in.saidBefore(i, b) }
		if before.Node != next.Node && !slices.ContainsFunc(ends[before.Node], over) {
			f.add(violation, before.Hold, next.Hold, func() Anomaly { return in.unfenced(a, b) })
		}
	}
	c := Check{Claim: ClaimFence, Rule: p.Rule, Engine: "epoch order", Detail: plural(len(terms), "term", "terms")}
	broken, lacking := noEpoch(in.History), ""
	if len(terms) == 0 && broken == "" {
		lacking = "nobody was elected"
	}
	return f.close(c, broken, p.lack(lacking))
}

// terms are the elections in order of their epochs, and the notes that may end a node's terms.
func (in Input) terms() (terms []int32, ends map[string][]int32) {
	ends = map[string][]int32{}
	for i := range in.History {
		e := &in.History[i]
		switch {
		case elects(e) && e.Token > 0:
			terms = append(terms, int32(i))
		case e.Type != history.Note:
		case e.F == history.NoteDeposed && e.Text == Resigned:
			ends[e.Node] = append(ends[e.Node], int32(i))
		case e.F == NoteFenced:
			ends[e.Key] = append(ends[e.Key], int32(i))
		}
	}
	slices.SortStableFunc(terms, func(a, b int32) int { return cmp.Compare(in.History[a].Token, in.History[b].Token) })
	return terms, ends
}

// ends tells whether the note says that the term before was over for the next one.
func (in Input) ends(note int32, before, next *history.Event) bool {
	e := &in.History[note]
	if e.F == NoteFenced {
		return e.Token >= before.Token && e.Token < next.Token
	}
	return e.Hold == before.Hold
}

// saidBefore tells whether a note was said before another one, or may have been.
func (in Input) saidBefore(note, other int32) bool {
	a, b := &in.History[note], &in.History[other]
	if a.Node == b.Node {
		return note < other
	}
	return in.Incomparable || said(a) <= said(b)
}

// said is when a note was said, by the participant itself where it told.
func said(e *history.Event) int64 {
	if e.Mono > 0 {
		return e.Mono
	}
	return e.Time
}

func (in Input) unfenced(a, b int32) Anomaly {
	before, next := &in.History[a], &in.History[b]
	zero := RunStart(in.History)
	when := span{min(before.Time, next.Time), max(before.Time, next.Time)}
	nodes := in.scene(int(b), before.Node, next.Node)
	return Anomaly{
		Claim: ClaimFence,
		Sentence: fmt.Sprintf("%s became active at %s (%s, epoch %d) and nobody had fenced %s, which was active before (%s, epoch %d, from %s) and had not resigned; %s",
			next.Node, seconds(next.Time-zero), next.Hold, next.Token, before.Node, before.Hold, before.Token, seconds(before.Time-zero), in.meanwhile(nodes, when)),
		Proof: ordered(a, b), Holds: []string{before.Hold, next.Hold}, Nodes: nodes, From: when.from, To: when.to, Place: in.blame(),
	}
}
