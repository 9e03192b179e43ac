package election

import (
	"math/rand/v2"
	"time"

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
		Doc:          "Failover controllers elect the active one of their services; clients write to it, and a journal takes the writes. Or ZooKeeper's own servers elect their leader.",
		Recipes:      []workloads.Recipe{zkfcRecipe(), ensembleRecipe()},
		Participants: 2,
		Roles: func(recipe string, n int) []spec.Role {
			if recipe == Ensemble {
				return nil
			}
			return []spec.Role{{Name: Controller, Count: n}, {Name: Service, Count: n}, {Name: Journal, Count: 1}, {Name: Client, Count: clients}}
		},
		Ops:      ops,
		Quiet:    quiet,
		Bound:    bound,
		Settled:  func(history.Event) bool { return true },
		Resource: newJournal,
		Judge:    judge,
		Floors:   floors,
	}
}

func bound(s spec.Spec) time.Duration {
	if s.Recipe == Ensemble {
		return checkers.PutBound(s)
	}
	return checkers.FailoverBound(s)
}

func floors(in checkers.Input) []checkers.Floor {
	if in.Spec.Recipe == Ensemble {
		return checkers.EnsembleFloors(in)
	}
	return checkers.ElectionFloors(in)
}

func judge(in checkers.Input) []checkers.Check {
	if in.Spec.Recipe == Ensemble {
		return judgeEnsemble(in)
	}
	return []checkers.Check{
		checkers.Exclusion(in), checkers.Tokens(in), checkers.Epochs(in), checkers.Fence(in), checkers.Acked(in), checkers.Belief(in), checkers.Available(in),
	}
}

// values of one client's stream: no two clients write the same.
const valuesOfOne = 1_000_000

// A client writes as many times as this before it rests, and the first client asks for a failover once in so many rests,
// about every ten seconds: seldom enough for terms to be ended by faults too.
const (
	burst         = 20
	perFailover   = 70
	restMS        = 50
	restSpreadsMS = 100
)

// stream writes, rests, and now and then asks for a failover.
type stream struct {
	rng   *rand.Rand
	cedes bool
	next  int64
	step  int
}

func ops(s spec.Spec, participant string, r *rand.Rand) workloads.Stream {
	if s.Recipe == Ensemble {
		return newPuts(s, participant, r)
	}
	for i, name := range s.Of(Client) {
		if name == participant {
			return &stream{rng: r, cedes: i == 0, next: int64(i+1) * valuesOfOne}
		}
	}
	return nil
}

// Next gives the next op.
func (s *stream) Next() history.Op {
	s.step++
	switch {
	case s.cedes && s.step%(perFailover*(burst+1)) == 0:
		return history.Op{F: Failover}
	case s.step%(burst+1) == 0:
		return history.Op{F: Rest, N: restMS + s.rng.Int64N(restSpreadsMS)}
	}
	s.next++
	return history.Op{F: Write, N: s.next}
}

// Rest is nothing: a write that was made is over.
func (s *stream) Rest() []history.Op { return nil }

// quiet is a write that no stream makes.
func quiet(s spec.Spec, participant string) []history.Op {
	if s.Recipe == Ensemble {
		return []history.Op{{F: Put, N: -1}, {F: Get}}
	}
	for i, name := range s.Of(Client) {
		if name == participant {
			return []history.Op{{F: Write, N: -int64(i + 1)}}
		}
	}
	return nil
}
