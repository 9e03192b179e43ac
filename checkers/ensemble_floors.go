package checkers

import (
	"maps"
	"slices"

	"riven/harness/history"
	"riven/nemesis"
)

// EnsembleFloors is what must have happened in a run of the election workload's ensemble for a pass: a server was seen
// to lead, and another election was seen where a leader was killed; values were put; every step of the plan was applied,
// and the faults did to service what their receipts expect. What came before each election is told. Gets are no service:
// a server that is cut off may still answer them.
func EnsembleFloors(in Input) []Floor {
	puts := 0
	for i := range in.History {
		if e := &in.History[i]; e.Type == history.OK && e.F == OpPut {
			puts++
		}
	}
	causes, elections := in.elections()
	again := 0
	for _, s := range in.Plan.Steps {
		if s.Fault.Kind == nemesis.Kill && s.Fault.Target.Role == nemesis.Leader {
			again = 1
		}
	}
	floors := []Floor{
		{Name: "elections", Want: 1 + again, Got: elections},
		{Name: "puts", Want: 20, Got: puts},
	}
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		floors = append(floors, Floor{Name: "elections after " + cause, Got: causes[cause]})
	}
	return append(floors, in.allFaultFloors(usage{
		served:  "puts",
		serves:  func(op string) bool { return op == OpPut },
		exempt:  func(op string) bool { return op != OpPut },
		through: func(string) bool { return true },
	})...)
}

// elections counts the leads that were seen, and all but the first by what came before: the latest fault on the leader
// before, or else on any server, since that one was seen to lead.
func (in Input) elections() (causes map[string]int, n int) {
	causes = map[string]int{}
	faults := in.faults()
	var last *history.Event
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.Role || e.F != roleLeader || last != nil && last.Node == e.Node && last.Token == e.Token {
			continue
		}
		n++
		if last != nil {
			causes[in.cause(faults, last, e)]++
		}
		last = e
	}
	return causes, n
}

func (in Input) cause(faults []nemesis.Receipt, before, next *history.Event) string {
	of, other := "", ""
	for i := range faults {
		r := &faults[i]
		switch {
		case r.BeginFrom < before.Time || r.BeginFrom > next.Time:
		case hits(r, before.Node):
			of = "a " + string(r.Step.Fault.Kind) + " of the leader"
		case slices.ContainsFunc(in.Spec.ServerNames(), func(n string) bool { return hits(r, n) }):
			other = "a " + string(r.Step.Fault.Kind) + " of another server"
		}
	}
	switch {
	case of != "":
		return of
	case other != "":
		return other
	}
	return "no fault"
}
