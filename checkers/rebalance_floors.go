package checkers

import (
	"maps"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// RebalanceBound is within which time after the last heal everything must be consumed: sessions are found again or
// expire, twice, and then members register, wait for each other and claim.
func RebalanceBound(s spec.Spec) time.Duration { return 2*SettlingBound(s) + 6*s.Timing.Session.D() }

// Drained wants everything that was produced to be consumed after the final heal within RebalanceBound.
func Drained(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpDrain, object: "everything to be consumed", bound: RebalanceBound(in.Spec), who: in.Spec.Of("producer")})
}

// RebalanceFloors is what must have happened in a run of the rebalance workload for a pass: partitions changed hands and
// messages were consumed, every step of the plan was applied, and a session expired while it owned something if owners
// were kept from the servers for long enough. Why members rebalanced is told, how often two of them
// went by different views (a claim met another's), how often a session expired while it owned something, and the herd: how many
// replies to reads a rebalance costs, and how many rebalances a change.
func RebalanceFloors(in Input) []Floor {
	var rebalances, assigned, consumed, conflicts, expired, reads, left, changes int
	causes := map[string]int{}
	owned := map[string]int{}
	held := map[string]bool{} // owns, or did when a server answered last: it may give up what it owned before it learns of the expiry
	for i := range in.History {
		e := &in.History[i]
		if changesGroup(e) {
			changes++
		}
		switch {
		case e.Type == history.Access && !e.Rejected && e.Text == VerbFetch:
			consumed++
		case e.Type == history.Wire && e.F == "reply" && spec.RoleOf(e.Node) == "consumer":
			if slices.Contains([]string{"getData", "getChildren2", "exists"}, e.Text) {
				reads++
			}
			held[e.Node] = owned[e.Node] > 0
		case e.Type == history.Exit:
			owned[e.Node], held[e.Node] = 0, false
		case e.Type != history.Note:
		case e.F == history.NoteRebalance:
			rebalances++
			causes[e.Text]++
		case e.F == history.NoteAssigned:
			assigned++
			owned[e.Node]++
			held[e.Node] = true
		case e.F == history.NoteRevoked:
			owned[e.Node]--
		case e.F == NoteConflict:
			conflicts++
		case e.F == NoteLeft:
			left++
		case e.F == history.NoteExpired && held[e.Node]:
			expired++
			held[e.Node] = false
		}
	}
	floors := []Floor{
		{Name: "rebalances", Want: 2 * in.Spec.Participants, Got: rebalances},
		{Name: "messages consumed", Want: 50, Got: consumed},
		{Name: "partitions assigned", Want: in.Spec.Participants, Got: assigned},
		{Name: "members left in good order", Got: left},
		{Name: "claims that met another's", Got: conflicts},
		{Name: "expiries while owning", Want: min(1, in.ownersLost()), Got: expired},
		{Name: "reads a rebalance (the herd)", Got: reads / max(rebalances, 1)},
	}
	if changes > 0 {
		floors = append(floors, Floor{Name: "rebalances that ten changes of the group cost (the herd)", Got: 10 * rebalances / changes})
	}
	demanded := in.demandedCauses()
	for cause := range demanded {
		causes[cause] += 0
	}
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		f := Floor{Name: "rebalances: " + cause, Got: causes[cause]}
		if demanded[cause] {
			f.Want = 1
		}
		floors = append(floors, f)
	}
	none := func(string) bool { return false }
	return append(floors, in.allFaultFloors(usage{served: "messages", serves: none, exempt: func(string) bool { return true }, through: none})...)
}

// changesGroup tells whether members, partitions or brokers change with the event: every member is woken by it. That a
// member dies shows as the expiry of a session that nobody is told of, so it counts when the member is registered again.
func changesGroup(e *history.Event) bool {
	switch e.Type {
	case history.Note:
		return e.F == NoteMember || e.F == NoteLeft
	case history.OK:
		return e.F == OpGrow || e.F == OpBroker
	}
	return false
}

// ownersLost counts the faults that kept an owner from every server until its session must have expired, with no other
// fault meanwhile that could have put the expiry off.
func (in Input) ownersLost() int {
	n := 0
	last := lastReceipts(in)
	for _, s := range in.Plan.Steps {
		r := last[s.ID]
		if r == nil || r.Status != nemesis.Applied || len(r.Nodes) == 0 {
			continue
		}
		f := r.Step.Fault
		away := f.Kind == nemesis.Pause || f.Kind == nemesis.Partition && (f.Shape == nemesis.FromServers || f.Shape == nemesis.Isolate)
		if away && in.outlasts(r) && in.ownsAt(r.Nodes[0], r.Begin) {
			n++
		}
	}
	return n
}

// ownsAt tells whether the node owned a partition by its own account.
func (in Input) ownsAt(node string, at int64) bool {
	owned := 0
	for i := range in.History {
		e := &in.History[i]
		switch {
		case e.Time > at:
			return owned > 0
		case e.Node != node:
		case e.Type == history.Exit:
			owned = 0
		case e.Type == history.Note && e.F == history.NoteAssigned:
			owned++
		case e.Type == history.Note && e.F == history.NoteRevoked:
			owned--
		}
	}
	return owned > 0
}
