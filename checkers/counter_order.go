package checkers

import (
	"fmt"

	"riven/harness/history"
)

// Order wants no start of a participant to be told less than it knew: a counter that is only added to never falls, so a
// lower value is an older state. It compares nothing but the ops of one process after another, so it needs no clock.
func Order(in Input) Check {
	p := in.promise(ClaimOrder)
	c := Check{Claim: ClaimOrder, Rule: p.Rule, Engine: "running maximum"}
	ground := survey(in)
	known := map[incarnation]int32{} // the position of the highest value that each was told
	reads := 0
	var f findings
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.OK || e.F != OpAdd && e.F != OpRead && e.F != OpTotal {
			continue
		}
		if e.F != OpAdd {
			reads++
		}
		who := of(e)
		high, before := known[who]
		if !before || e.N >= in.History[high].N {
			known[who] = int32(i)
			continue
		}
		when := span{in.History[high].Time, e.Time}
		sort, why := ground.sort(p, circumstance{nodes: []string{e.Node}, when: when}, "")
		f.add(sort, "", "", func() Anomaly { return in.fell(high, int32(i), sort == hazard, why) })
	}
	c.Detail = plural(reads, "read", "reads")
	return f.close(c, "", "")
}

// fell is the anomaly of a participant that was told less than it knew.
func (in Input) fell(high, low int32, hazard bool, why string) Anomaly {
	a, b := &in.History[high], &in.History[low]
	zero := RunStart(in.History)
	nodes := in.scene(int(low), b.Node)
	when := span{a.Time, b.Time}
	return Anomaly{
		Claim: ClaimOrder,
		Sentence: fmt.Sprintf("%s's %s was told %d at %s (process %d) after its %s had been told %d at %s; %s",
			b.Node, b.F, b.N, seconds(b.Time-zero), b.Process, a.F, a.N, seconds(a.Time-zero), in.meanwhile(nodes, when)),
		Proof: ordered(high, low),
		Nodes: nodes,
		From:  a.Time, To: b.Time,
		Hazard: hazard, Why: why,
	}
}
