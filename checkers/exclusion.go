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
		log    = in.accesses()
		h      = in.History
		f      findings
		reused map[string]bool           // made when first needed
		owns   = len(in.Spec.Roles) == 0 // whose accesses they are made them; else a node of its own stands between
	)
	broken := log.broken
	if owns && log.mixed && broken == "" {
		broken = log.findShared()
	}
	for _, r := range log.returns() {
		again, between := &h[r.again], &h[r.between]
		if reused == nil {
			reused = acquiredTwice(h)
		}
		doubt := log.slow(r.earlier, r.between, r.again)
		switch {
		case reused[again.Hold]:
			doubt = "hold " + again.Hold + " was acquired twice"
		case owns && of(&h[r.earlier]) != of(again):
			doubt = shared(&h[r.earlier], again)
		}
		sort := violation
		if doubt != "" {
			sort = suspect
		}
		f.add(sort, again.Hold, between.Hold, func() Anomaly { return in.returned(r, doubt) })
	}
	c := Check{Claim: ClaimExclusion, Rule: in.promise(ClaimExclusion).Rule, Engine: "access order"}
	c.Detail = log.counted()
	return f.close(c, broken, log.missing)
}

// comeback is three accesses of which the first and the last have one hold, and the one before the last another.
type comeback struct{ earlier, between, again int32 }

// returns are the accesses of holds that had been followed by another one.
func (l *accessLog) returns() (out []comeback) {
	last := make([]int32, l.holds) // hold → the last of its accesses, + 1, for every hold but the present one
	for k := 1; k < len(l.accepted); k++ {
		j, i := l.accepted[k-1], l.accepted[k]
		if j.hold == i.hold {
			continue
		}
		last[j.hold] = j.at + 1
		if earlier := last[i.hold]; earlier > 0 {
			out = append(out, comeback{earlier - 1, j.at, i.at})
		}
	}
	return out
}

// findShared looks for two incarnations that used a hold one after the other.
func (l *accessLog) findShared() string {
	for k := 1; k < len(l.accepted); k++ {
		j, i := l.accepted[k-1], l.accepted[k]
		if a, b := &l.in.History[j.at], &l.in.History[i.at]; j.hold == i.hold && of(a) != of(b) {
			return shared(a, b)
		}
	}
	return ""
}

// shared says that two incarnations use one hold, so that holds do not tell tenures apart.
func shared(a, b *history.Event) string {
	return fmt.Sprintf("hold %s is used by %v and by %v", a.Hold, of(a), of(b))
}

// acquiredTwice are the holds that do not name one tenure.
func acquiredTwice(h []history.Event) map[string]bool {
	out := map[string]bool{}
	holds := newHoldTable(h)
	for i := range h {
		if e := &h[i]; e.Type == history.OK && e.F == OpAcquire {
			if first := holds.first[holds.number(int32(i))]; first != int32(i) {
				out[e.Hold] = true
			}
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
func (in Input) returned(r comeback, doubt string) Anomaly {
	h := in.History
	a, b, c := &h[r.earlier], &h[r.between], &h[r.again]
	zero := RunStart(h)
	when := span{min(a.Time, b.Time, c.Time), max(a.Time, b.Time, c.Time)}
	nodes := in.scene(int(r.again), in.holder(c), in.holder(b))
	return Anomaly{
		Claim: ClaimExclusion,
		Sentence: fmt.Sprintf("%s of %s wrote at %s (%s) after %s of %s had written at %s (%s); it had written before at %s (%s); %s",
			c.Hold, in.holder(c), seconds(c.Time-zero), access(c),
			b.Hold, in.holder(b), seconds(b.Time-zero), access(b),
			seconds(a.Time-zero), access(a), in.meanwhile(nodes, when)),
		Proof: []int{int(r.earlier), int(r.between), int(r.again)},
		Holds: []string{c.Hold, b.Hold},
		Nodes: nodes,
		From:  when.from, To: when.to,
		Place: in.blame(),
		Why:   doubt,
	}
}
