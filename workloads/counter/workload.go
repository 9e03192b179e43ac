package counter

import (
	"fmt"
	"math/rand/v2"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

const (
	// Path of the node that is the counter.
	Path = "/counter"
	// Barrier is a node that is written for the sake of a write alone: what the same session reads after it is not older.
	Barrier = "/counter-barrier"
)

// Ops of the workload. Token is the zxid of the write that made the value, 0 where the server did not tell.
const (
	Add   = checkers.OpAdd   // N = 1; OK: N is the counter's value by this very addition; Fail: surely not added
	Read  = checkers.OpRead  // OK: N is a value that the counter had; sync does not make it the newest
	Total = checkers.OpTotal // OK: N is the counter's value, read through a write
	Rest  = "rest"           // N ms without anything
)

// Resolved is the text of an add whose reply was lost and whose op id was then found in the node.
const Resolved = "resolved"

// Workload is the counter workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "counter",
		Doc:          "Participants add one to a counter in ZooKeeper, each of them told the value that it made, and read it.",
		Recipes:      []workloads.Recipe{casRecipe()},
		Participants: 4,
		Ops:          func(_ spec.Spec, _ string, r *rand.Rand) workloads.Stream { return &stream{rng: r} },
		Quiet:        func(spec.Spec, string) []history.Op { return []history.Op{{F: Add, N: 1}, {F: Read}} },
		Bound:        checkers.ServedBound,
		Last:         history.Op{F: Total},
		Settled:      func(e history.Event) bool { return e.Type == history.OK },
		Resource:     func(spec.Spec) workloads.Resource { return &nothing{} },
		Judge:        judge,
		Floors:       checkers.CounterFloors,
	}
}

func judge(in checkers.Input) []checkers.Check {
	return []checkers.Check{checkers.Counter(in), checkers.Total(in), checkers.Order(in), checkers.Served(in)}
}

// nothing is the resource of a workload that protects none.
type nothing struct{ seq int64 }

func (n *nothing) Decide(_ string, q env.Request) env.Reply {
	n.seq++
	return env.Reply{Seq: n.seq, Text: fmt.Sprintf("no resource %q", q.Resource)}
}
