package checkers

import (
	"maps"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// FailoverBound is within which time after the last heal a write of every client must be taken: sessions are found again
// or expire, twice (one session may be found dead only when another has begun), and then a monitor finds its service
// healthy, a controller fences, writes its breadcrumb and makes its service active, each within half a session timeout.
func FailoverBound(s spec.Spec) time.Duration { return 2*SettlingBound(s) + 5*s.Timing.Session.D() }

// Available wants a write of every client to be taken after the final heal within FailoverBound.
func Available(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpWrite, object: "a write", bound: FailoverBound(in.Spec), who: in.Spec.Of("client")})
}

// ElectionFloors is what must have happened in a run of the election workload for a pass: somebody was elected and
// writes were taken; under faults the lead changed hands; every fault that must end a term was followed by an election; every step of
// the plan was applied. Why terms ended by the controllers' own account is told.
func ElectionFloors(in Input) []Floor {
	elected, failovers, writes, fenced := 0, 0, 0, 0
	causes := map[string]int{}
	last := ""
	for i := range in.History {
		e := &in.History[i]
		switch {
		case e.Type == history.OK && e.F == OpWrite:
			writes++
		case e.Type != history.Note:
		case e.F == history.NoteElected:
			elected++
			if last != "" && last != e.Node {
				failovers++
			}
			last = e.Node
		case e.F == history.NoteDeposed:
			causes[e.Text]++
		case e.F == NoteFenced:
			fenced++
		}
	}
	caused := in.electionCauses()
	ended, replaced := 0, 0 // terms, by faults
	for _, f := range caused {
		ended += f.Want
		if f.Name != electionsAfter+wasKilled { // who comes back soon may lead again
			replaced += f.Want
		}
	}
	floors := []Floor{
		{Name: "elections", Want: 1 + min(1, ended), Got: elected},
		{Name: "writes taken", Want: 20, Got: writes},
		{Name: "failovers", Want: min(1, replaced), Got: failovers},
		{Name: "fencings", Got: fenced},
	}
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		floors = append(floors, Floor{Name: "terms ended: " + cause, Got: causes[cause]})
	}
	floors = append(floors, caused...)
	none := func(string) bool { return false }
	return append(floors, in.allFaultFloors(usage{served: "writes", serves: none, exempt: func(string) bool { return true }, through: none})...)
}
