package checkers

import (
	"fmt"

	"riven/harness/history"
)

// KeyAppend is what an access that writes is for.
const KeyAppend = "append"

// Acked wants every acknowledged write in the resource's own record: an accepted access with its value. Values are unique.
func Acked(in Input) Check {
	p := in.promise(ClaimAcked)
	log := in.accesses()
	taken := map[int64]bool{}
	for _, a := range log.accepted {
		if e := &in.History[a.at]; e.F == KeyAppend {
			taken[e.N] = true
		}
	}
	var f findings
	acked := 0
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.OK || e.F != OpWrite {
			continue
		}
		acked++
		if !taken[e.N] {
			kind, why := violation, ""
			if log.missing != "" {
				kind, why = suspect, log.missing
			}
			f.add(kind, e.Node, fmt.Sprint(e.N), func() Anomaly { return in.lostWrite(int32(i), why) })
		}
	}
	c := Check{Claim: ClaimAcked, Rule: p.Rule, Engine: "record lookup"}
	c.Detail = fmt.Sprintf("%s acknowledged, %d taken", plural(acked, "write", "writes"), len(taken))
	lacking := log.missing
	if acked == 0 {
		lacking = sentences(lacking, "no write was acknowledged")
	}
	return f.close(c, log.broken, p.lack(lacking))
}

func (in Input) lostWrite(i int32, why string) Anomaly {
	e := &in.History[i]
	return Anomaly{
		Claim: ClaimAcked,
		Sentence: fmt.Sprintf("%s was told at %s by %s that %d was written, and the resource never took it",
			e.Node, seconds(e.Time-RunStart(in.History)), e.Text, e.N),
		Proof: ordered(i), Nodes: []string{e.Node}, From: e.Time, To: e.Time, Place: in.blame(), Why: why,
	}
}
