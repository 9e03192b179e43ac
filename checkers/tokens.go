package checkers

import (
	"fmt"
)

// Tokens holds the resource's own record against the order of fencing tokens: no token is accepted below one accepted
// before. Token 0 means that the access carried none, and is the lowest: a writer without a token is fenced by nothing.
// Where no accepted access carried a token there is no order to judge, and the check is inconclusive.
//
// Doubtful round trips and gaps count as they do for Exclusion.
func Tokens(in Input) Check {
	var (
		log    = in.accesses()
		h      = in.History
		p      = in.promise(ClaimTokens)
		ground = survey(in)
		f      findings
		top    int32 = -1 // the first accepted access with the highest token so far
	)
	for _, a := range log.accepted {
		i := a.at
		switch {
		case top < 0 || h[i].Token > h[top].Token:
			top = i
		case h[i].Token < h[top].Token:
			newest := top
			doubt := log.slow(newest, i)
			sort, why := ground.sort(p, circumstance{nodes: []string{h[i].Node, h[newest].Node}, when: span{min(h[newest].Time, h[i].Time), max(h[newest].Time, h[i].Time)}}, doubt)
			f.add(sort, h[i].Hold, h[newest].Hold, func() Anomaly { return in.stale(newest, i, sort == hazard, why) })
		}
	}
	lacking := log.missing
	if top >= 0 && h[top].Token <= 0 {
		lacking = sentences(lacking, "no accepted access carried a token, so there is no order to judge")
	}
	if !p.made {
		lacking = ""
	}
	c := Check{Claim: ClaimTokens, Rule: p.Rule, Engine: "token order"}
	c.Detail = log.counted()
	return f.close(c, log.broken, lacking)
}

// stale is the anomaly of a token accepted after a newer one.
func (in Input) stale(newer, older int32, hazard bool, why string) Anomaly {
	a, b := &in.History[newer], &in.History[older]
	zero := RunStart(in.History)
	when := span{min(a.Time, b.Time), max(a.Time, b.Time)}
	nodes := in.scene(int(older), in.holder(b), in.holder(a))
	return Anomaly{
		Claim: ClaimTokens,
		Sentence: fmt.Sprintf("the resource accepted %s of %s at %s (%s) after it had accepted %s of %s at %s (%s); %s",
			b.Hold, in.holder(b), seconds(b.Time-zero), access(b),
			a.Hold, in.holder(a), seconds(a.Time-zero), access(a), in.meanwhile(nodes, when)),
		Proof: []int{int(newer), int(older)},
		Holds: []string{b.Hold, a.Hold},
		Nodes: nodes,
		From:  when.from, To: when.to,
		Place: in.blame(), Hazard: hazard, Why: why,
	}
}
