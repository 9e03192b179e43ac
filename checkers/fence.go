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
// ActiveStandbyElector.fenceOldActive.) It goes by epochs and by what was said, not by clocks.
func Fence(in Input) Check {
	p := in.promise(ClaimFence)
	var f findings
	terms, resigned, fenced := in.terms()
	for k := 1; k < len(terms); k++ {
		a, b := terms[k-1], terms[k]
		before, next := &in.History[a], &in.History[b]
		if before.Node == next.Node || resigned[before.Hold] {
			continue
		}
		done := slices.ContainsFunc(fenced[before.Node], func(epoch int64) bool { return epoch >= before.Token && epoch < next.Token })
		if !done {
			f.add(violation, before.Hold, next.Hold, func() Anomaly { return in.unfenced(a, b) })
		}
	}
	c := Check{Claim: ClaimFence, Rule: p.Rule, Engine: "epoch order", Detail: plural(len(terms), "term", "terms")}
	lacking := ""
	if len(terms) == 0 {
		lacking = "nobody was elected"
	}
	return f.close(c, "", p.lack(lacking))
}

// terms are the elections in order of their epochs; which holds resigned in good order; and the epochs up to which each
// node was fenced.
func (in Input) terms() (terms []int32, resigned map[string]bool, fenced map[string][]int64) {
	resigned, fenced = map[string]bool{}, map[string][]int64{}
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.Note {
			continue
		}
		switch e.F {
		case history.NoteElected:
			terms = append(terms, int32(i))
		case history.NoteDeposed:
			if e.Text == Resigned {
				resigned[e.Hold] = true
			}
		case NoteFenced:
			fenced[e.Key] = append(fenced[e.Key], e.Token)
		}
	}
	slices.SortStableFunc(terms, func(a, b int32) int { return cmp.Compare(in.History[a].Token, in.History[b].Token) })
	return terms, resigned, fenced
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
