package checkers

import (
	"fmt"

	"riven/harness/history"
)

// Epochs holds elections against single leadership: no epoch has two leaders, and no node is elected with an epoch that
// is not above those of its elections before. It needs no clock: notes of different nodes are not put in order, since a
// node may be paused between what it did and what it says. That old leaders do no harm is for Exclusion and Tokens.
func Epochs(in Input) Check {
	var (
		p     = in.promise(ClaimEpoch)
		f     findings
		first = map[int64]int32{}  // epoch → its election
		last  = map[string]int32{} // node → its latest election
		n     int
	)
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.Note || e.F != history.NoteElected {
			continue
		}
		n++
		if j, taken := first[e.Token]; taken {
			f.add(violation, in.History[j].Hold, e.Hold, func() Anomaly { return in.elected(j, int32(i), "both became leader in epoch %d: %s at %s, %s at %s") })
		} else {
			first[e.Token] = int32(i)
		}
		if j, before := last[e.Node]; before && in.History[j].Token > e.Token {
			f.add(violation, in.History[j].Hold, e.Hold, func() Anomaly {
				return in.elected(j, int32(i), "was elected with epoch %d after a higher one: %s at %s, %s at %s")
			})
		}
		last[e.Node] = int32(i)
	}
	c := Check{Claim: ClaimEpoch, Rule: p.Rule, Engine: "epoch map", Detail: plural(n, "election", "elections")}
	lacking := ""
	if n == 0 {
		lacking = "nobody was elected"
	}
	return f.close(c, "", p.lack(lacking))
}

// elected is the anomaly of two elections that can not both have been.
func (in Input) elected(a, b int32, format string) Anomaly {
	x, y := &in.History[a], &in.History[b]
	zero := RunStart(in.History)
	who := x.Node
	if y.Node != x.Node {
		who += " and " + y.Node
	}
	return Anomaly{
		Claim:    ClaimEpoch,
		Sentence: who + " " + fmt.Sprintf(format, y.Token, x.Hold, seconds(x.Time-zero), y.Hold, seconds(y.Time-zero)),
		Proof:    ordered(a, b), Holds: []string{x.Hold, y.Hold}, Nodes: in.scene(int(b), x.Node, y.Node),
		From: min(x.Time, y.Time), To: max(x.Time, y.Time), Place: in.blame(),
	}
}
