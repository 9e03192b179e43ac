package checkers

import (
	"fmt"
	"strings"

	"riven/harness/history"
)

// Exclusion holds the resource's own record against mutual exclusion: in the order in which the resource numbered
// them, no hold's access is accepted again once another hold's was. It needs no clock and has no preconditions.
//
// It is an error rather than a violation where all it rests on are round trips longer than RoundTripMargin that no
// fault explains, and inconclusive where the record has gaps (a gap can hide a violation, it can not make one).
func Exclusion(in Input) Check {
	var (
		log    = readAccesses(in)
		h      = in.History
		f      findings
		last   = map[string]int32{}      // hold → its last accepted access, for every hold but the present one
		reused map[string]bool           // made when first needed
		owns   = len(in.Spec.Roles) == 0 // whose accesses they are made them; else a node of its own stands between
	)
	for k := 1; k < len(log.accepted); k++ {
		j, i := log.accepted[k-1], log.accepted[k]
		if h[j].Hold == h[i].Hold {
			if owns && of(&h[j]) != of(&h[i]) && log.broken == "" {
				log.broken = shared(&h[j], &h[i])
			}
			continue
		}
		last[h[j].Hold] = j
		earlier, back := last[h[i].Hold]
		if !back {
			continue
		}
		if reused == nil {
			reused = acquiredTwice(h)
		}
		doubt := log.slow(earlier, j, i)
		switch {
		case reused[h[i].Hold]:
			doubt = "hold " + h[i].Hold + " was acquired twice"
		case owns && of(&h[earlier]) != of(&h[i]):
			doubt = shared(&h[earlier], &h[i])
		}
		sort := violation
		if doubt != "" {
			sort = suspect
		}
		f.add(sort, h[i].Hold, h[j].Hold, func() Anomaly { return in.returned(earlier, j, i, doubt) })
	}
	c := Check{Claim: ClaimExclusion, Rule: in.promise(ClaimExclusion).Rule, Engine: "access order"}
	c.Detail = log.counted()
	return f.close(c, log.broken, log.missing)
}

// shared says that two incarnations use one hold, so that holds do not tell tenures apart.
func shared(a, b *history.Event) string {
	return fmt.Sprintf("hold %s is used by %v and by %v", a.Hold, of(a), of(b))
}

// acquiredTwice are the holds that do not name one tenure.
func acquiredTwice(h []history.Event) map[string]bool {
	out := map[string]bool{}
	for i := range h {
		if e := &h[i]; e.Type == history.OK && e.F == OpAcquire {
			_, again := out[e.Hold]
			out[e.Hold] = again
		}
	}
	return out
}

// holder is the participant whose hold an access was made under: the one that made it, unless a node of its own stands
// before the resource. Then the hold's name tells it.
func (in Input) holder(e *history.Event) string {
	if len(in.Spec.Roles) == 0 {
		return e.Node
	}
	node, _, _ := strings.Cut(e.Hold, ".")
	return node
}

// returned is the anomaly of a hold whose access was accepted again although another's had been in between.
func (in Input) returned(earlier, between, again int32, doubt string) Anomaly {
	h := in.History
	a, b, c := &h[earlier], &h[between], &h[again]
	zero := RunStart(h)
	when := span{min(a.Time, b.Time, c.Time), max(a.Time, b.Time, c.Time)}
	nodes := in.scene(int(again), in.holder(c), in.holder(b))
	return Anomaly{
		Claim: ClaimExclusion,
		Sentence: fmt.Sprintf("%s of %s wrote at %s (%s) after %s of %s had written at %s (%s); it had written before at %s (%s); %s",
			c.Hold, in.holder(c), seconds(c.Time-zero), access(c),
			b.Hold, in.holder(b), seconds(b.Time-zero), access(b),
			seconds(a.Time-zero), access(a), in.meanwhile(nodes, when)),
		Proof: []int{int(earlier), int(between), int(again)},
		Holds: []string{c.Hold, b.Hold},
		Nodes: nodes,
		From:  when.from, To: when.to,
		Place: in.blame(),
		Why:   doubt,
	}
}
