package checkers

import (
	"fmt"
	"maps"
)

// Belief looks for two participants that certainly believed at the same time that they held the lock: tenures of
// different participants that overlap. Where the claim's preconditions did not hold an overlap is a hazard.
//
// It compares times of different nodes, so it is inconclusive where these do not share a kernel.
func Belief(in Input) Check {
	p := in.promise(ClaimBelief)
	c := Check{Claim: ClaimBelief, Rule: p.Rule, Engine: "interval sweep"}
	if in.Incomparable {
		if p.made {
			c.Outcome = Inconclusive
		}
		c.Detail = "the nodes do not share a kernel, so their times can not be compared"
		return c
	}
	var (
		f      findings
		ground = survey(in)
		all    = tenures(in)
		latest *tenure // the one that ends last of those before; tenures of one participant never overlap
	)
	for i := range all {
		t := &all[i]
		if t.span.to <= t.span.from {
			continue
		}
		if o := latest; o != nil && o.span.to > t.span.from {
			when := span{t.span.from, min(o.span.to, t.span.to)}
			sort, why := ground.sort(p, circumstance{nodes: []string{o.node, t.node}, when: when}, "")
			f.add(sort, o.hold, t.hold, func() Anomaly { return in.both(o, t, when, sort == hazard, why) })
		}
		if latest == nil || t.span.to > latest.span.to {
			latest = t
		}
	}
	c.Detail = plural(len(all), "tenure", "tenures")
	return f.close(c, in.reusedHold(), "")
}

// reusedHold says which hold does not name one tenure.
func (in Input) reusedHold() string {
	twice := acquiredTwice(in.History)
	maps.DeleteFunc(twice, func(_ string, again bool) bool { return !again })
	if len(twice) == 0 {
		return ""
	}
	for i := range in.History {
		if e := &in.History[i]; twice[e.Hold] {
			return "hold " + e.Hold + " was acquired twice"
		}
	}
	return ""
}

// holding is what a participant believes in its tenure.
func (in Input) holding() string {
	if len(in.Spec.Roles) > 0 {
		return "were active"
	}
	return "held the lock"
}

// both is the anomaly of two participants that believed at the same time.
func (in Input) both(a, b *tenure, when span, hazard bool, why string) Anomaly {
	zero := RunStart(in.History)
	nodes := in.scene(int(b.first), a.node, b.node)
	return Anomaly{
		Claim: ClaimBelief,
		Sentence: fmt.Sprintf("%s and %s both believed that they %s, for %s from %s: %s from %s to %s at %s, %s from %s to %s at %s; %s",
			a.node, b.node, in.holding(), seconds(when.to-when.from), seconds(when.from-zero),
			a.hold, seconds(a.span.from-zero), a.how, seconds(a.span.to-zero),
			b.hold, seconds(b.span.from-zero), b.how, seconds(b.span.to-zero),
			in.meanwhile(nodes, when)),
		Proof: ordered(a.first, a.end, b.first, b.end),
		Holds: []string{a.hold, b.hold},
		Nodes: nodes,
		From:  when.from, To: when.to,
		Place: in.blame(), Hazard: hazard, Why: why,
	}
}
