package checkers

import (
	"maps"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// RebalanceBound is within which time after the last heal everything must be consumed: sessions are found again or
// expire, twice, and then members register, wait for each other and claim.
func RebalanceBound(s spec.Spec) time.Duration { return 2*SettlingBound(s) + 6*s.Timing.Session.D() }

// Drained wants everything that was produced to be consumed after the final heal within RebalanceBound.
func Drained(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpDrain, object: "everything to be consumed", bound: RebalanceBound(in.Spec), who: in.Spec.Of("producer")})
}

// RebalanceFloors is what must have happened in a run of the rebalance workload for a pass: partitions changed hands and
// messages were consumed, and every step of the plan was applied. Why members rebalanced is told, how often two of them
// went by different views (a claim met another's), how often a session expired while it owned something, and the herd: how many
// replies to reads a rebalance costs.
func RebalanceFloors(in Input) []Floor {
	var rebalances, assigned, consumed, conflicts, expired, reads, left int
	causes := map[string]int{}
	owned := map[string]int{}
	for i := range in.History {
		e := &in.History[i]
		switch {
		case e.Type == history.Access && !e.Rejected && e.Text == VerbFetch:
			consumed++
		case e.Type == history.Wire && e.F == "reply" && spec.RoleOf(e.Node) == "consumer":
			if slices.Contains([]string{"getData", "getChildren2", "exists"}, e.Text) {
				reads++
			}
		case e.Type == history.Exit:
			owned[e.Node] = 0
		case e.Type != history.Note:
		case e.F == history.NoteRebalance:
			rebalances++
			causes[e.Text]++
		case e.F == history.NoteAssigned:
			assigned++
			owned[e.Node]++
		case e.F == history.NoteRevoked:
			owned[e.Node]--
		case e.F == NoteConflict:
			conflicts++
		case e.F == NoteLeft:
			left++
		case e.F == history.NoteExpired && owned[e.Node] > 0:
			expired++
		}
	}
	floors := []Floor{
		{Name: "rebalances", Want: 2 * in.Spec.Participants, Got: rebalances},
		{Name: "messages consumed", Want: 50, Got: consumed},
		{Name: "partitions assigned", Want: in.Spec.Participants, Got: assigned},
		{Name: "members left in good order", Got: left},
		{Name: "claims that met another's", Got: conflicts},
		{Name: "expiries while owning", Got: expired},
		{Name: "reads a rebalance (the herd)", Got: reads / max(rebalances, 1)},
	}
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		floors = append(floors, Floor{Name: "rebalances: " + cause, Got: causes[cause]})
	}
	none := func(string) bool { return false }
	return append(floors, in.allFaultFloors(usage{served: "messages", serves: none, exempt: func(string) bool { return true }, through: none})...)
}
