package checkers

import (
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// ServedBound is within which time after the last heal an addition of every participant must be acknowledged: everyone
// reconnects or opens another session, and every participant's ops go twice before, for two ticks each.
func ServedBound(s spec.Spec) time.Duration {
	return SettlingBound(s) + time.Duration(2*s.Participants)*2*s.Timing.Tick()
}

// Served wants an addition of every participant to be acknowledged after the final heal within ServedBound. What counts
// as waiting, and what is inconclusive, is as for HandOver.
func Served(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpAdd, object: "an addition", bound: ServedBound(in.Spec)})
}

// CounterFloors is what must have happened in a run of the counter workload for a pass: everyone added and read, every
// step of the plan was applied, and the faults did to service what their receipts expect. Reads are no service: a server
// that is cut off may still answer them.
func CounterFloors(in Input) []Floor {
	adds, reads := 0, 0
	adders := map[string]bool{}
	for i := range in.History {
		e := &in.History[i]
		switch {
		case e.Type == history.OK && e.F == OpAdd:
			adds++
			adders[e.Node] = true
		case e.Type == history.OK && e.F == OpRead:
			reads++
		}
	}
	n := in.Spec.Participants
	floors := []Floor{
		{Name: "additions", Want: 10 * n, Got: adds},
		{Name: "reads", Want: n, Got: reads},
		{Name: "participants that added", Want: n, Got: len(adders)},
	}
	return append(floors, in.allFaultFloors(usage{
		served:  "additions",
		serves:  func(op string) bool { return op == OpAdd },
		exempt:  func(op string) bool { return op != OpAdd },
		through: func(string) bool { return true },
	})...)
}
