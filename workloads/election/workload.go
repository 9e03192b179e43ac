package election

import (
	"math/rand/v2"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Roles of the nodes.
const (
	Controller = "controller" // elects, and watches over the service of the same number
	Service    = "service"    // is active or standby
	Journal    = "journal"    // takes the writes of the active service
	Client     = "client"     // writes
)

// Ops of clients.
const (
	Write    = checkers.OpWrite // N, unique in the run; OK: it is in the journal
	Failover = "failover"       // the active service is asked to hand over in good order
	Rest     = "rest"           // N ms without anything
)

// JournalResource is the name of the resource behind the journal's node.
const JournalResource = "journal"

const clients = 2

// Workload is the election workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "election",
		Doc:          "Failover controllers elect the active one of their services; clients write to it, and a journal takes the writes.",
		Recipes:      []workloads.Recipe{zkfcRecipe()},
		Participants: 2,
		Roles: func(_ string, n int) []spec.Role {
			return []spec.Role{{Name: Controller, Count: n}, {Name: Service, Count: n}, {Name: Journal, Count: 1}, {Name: Client, Count: clients}}
		},
		Ops:      ops,
		Quiet:    quiet,
		Bound:    checkers.FailoverBound,
		Settled:  func(history.Event) bool { return true },
		Resource: newJournal,
		Judge:    judge,
		Floors:   checkers.ElectionFloors,
	}
}

func judge(in checkers.Input) []checkers.Check {
	return []checkers.Check{
		checkers.Exclusion(in), checkers.Tokens(in), checkers.Epochs(in), checkers.Fence(in), checkers.Acked(in), checkers.Belief(in), checkers.Available(in),
	}
}

// values of one client's stream: no two clients write the same.
const valuesOfOne = 1_000_000

// A client writes as many times as this before it rests, and asks for a failover about once in so many writes: seldom
// enough for terms to be ended by faults too.
const (
	burst         = 20
	perFailover   = 4000
	restMS        = 50
	restSpreadsMS = 100
)

// stream writes, rests, and now and then asks for a failover.
type stream struct {
	rng  *rand.Rand
	next int64
	step int
}

func ops(s spec.Spec, participant string, r *rand.Rand) workloads.Stream {
	for i, name := range s.Of(Client) {
		if name == participant {
			return &stream{rng: r, next: int64(i+1) * valuesOfOne}
		}
	}
	return nil
}

// Next gives the next op.
func (s *stream) Next() history.Op {
	s.step++
	switch {
	case s.step%(burst+1) == 0:
		return history.Op{F: Rest, N: restMS + s.rng.Int64N(restSpreadsMS)}
	case s.rng.IntN(perFailover) == 0:
		return history.Op{F: Failover}
	}
	s.next++
	return history.Op{F: Write, N: s.next}
}

// Rest is nothing: a write that was made is over.
func (s *stream) Rest() []history.Op { return nil }

// quiet is a write that no stream makes.
func quiet(s spec.Spec, participant string) []history.Op {
	for i, name := range s.Of(Client) {
		if name == participant {
			return []history.Op{{F: Write, N: -int64(i + 1)}}
		}
	}
	return nil
}
