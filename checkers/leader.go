package checkers

import (
	"fmt"
	"strings"

	"riven/harness/history"
)

// Epochs holds elections against single leadership: no epoch has two leaders, and no node is elected with an epoch that
// is not above those of its elections before. Epochs begin with 1. It needs no clock: notes of different nodes are not put in order, since a
// node may be paused between what it did and what it says. That old leaders do no harm is for Exclusion and Tokens.
func Epochs(in Input) Check {
	var (
		p     = in.promise(ClaimEpoch)
		f     findings
		first = map[int64]int32{}  // epoch → its election
		last  = map[string]int32{} // node → its election with the highest epoch so far
		n     int
	)
	for i := range in.History {
		e := &in.History[i]
		if !elects(e) {
			continue
		}
		if n++; e.Token <= 0 {
			continue
		}
		if j, taken := first[e.Token]; taken {
			what := "became leader twice in epoch %d"
			if in.History[j].Node != e.Node {
				what = "both became leader in epoch %d"
			}
			f.add(violation, in.History[j].Hold, e.Hold, func() Anomaly { return in.elected(j, int32(i), what) })
		} else {
			first[e.Token] = int32(i)
		}
		if j, before := last[e.Node]; before && in.History[j].Token > e.Token {
			f.add(violation, in.History[j].Hold, e.Hold, func() Anomaly {
				return in.elected(j, int32(i), "was elected with epoch %d after a higher one")
			})
		} else {
			last[e.Node] = int32(i)
		}
	}
	c := Check{Claim: ClaimEpoch, Rule: p.Rule, Engine: "epoch map", Detail: plural(n, "election", "elections")}
	lacking := ""
	if n == 0 {
		lacking = "nobody was elected"
	}
	return f.close(c, noEpoch(in.History), p.lack(lacking))
}

func elects(e *history.Event) bool { return e.Type == history.Note && e.F == history.NoteElected }

// noEpoch tells of an election that says nothing of its epoch: there is nothing to hold it against.
func noEpoch(h []history.Event) string {
	for i := range h {
		if e := &h[i]; elects(e) && e.Token <= 0 {
			return fmt.Sprintf("the election of %s names no epoch (%s)", e.Node, e.Hold)
		}
	}
	return ""
}

// elected is the anomaly of two elections that can not both have been.
func (in Input) elected(a, b int32, what string) Anomaly {
	x, y := &in.History[a], &in.History[b]
	zero := RunStart(in.History)
	who := []string{x.Node}
	if y.Node != x.Node {
		who = append(who, y.Node)
	}
	return Anomaly{
		Claim:    ClaimEpoch,
		Sentence: fmt.Sprintf("%s "+what+": %s at %s, %s at %s", strings.Join(who, " and "), y.Token, x.Hold, seconds(x.Time-zero), y.Hold, seconds(y.Time-zero)),
		Proof:    ordered(a, b), Holds: []string{x.Hold, y.Hold}, Nodes: in.scene(int(b), who...),
		From: min(x.Time, y.Time), To: max(x.Time, y.Time), Place: in.blame(),
	}
}
