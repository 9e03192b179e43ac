package register

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Ops. Key is the register; OK carries its value N, as Token the node's version and one, and as Text the zxid since which the node is
// there, or missing. Fail carries as Text why it was refused, if it was.
const (
	Write   = checkers.OpWrite   // N, unique in the run; Text compared: on the condition that the version was still the one just read
	Create  = checkers.OpCreate  // N, unique in the run
	Delete  = checkers.OpDelete  //
	Read    = checkers.OpRead    // through a write in the same session: no older than this call
	Get     = checkers.OpGet     // as the session's server has it; Hold is the session
	SyncGet = checkers.OpSyncGet // after a sync
	Rest    = "rest"             // N ms without anything
)

// compared asks a write to be a compare-and-set.
const compared = "compared"

const registers = 3

// last is a register that is written after the heal alone: a turn that is repeated writes its value again, and a value that is
// written twice says less of when it was.
const last = "last"

// Workload is the register workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "register",
		Doc:          "Participants read, write, compare-and-set, create and delete a few nodes in ZooKeeper, each through a session of its own.",
		Recipes:      []workloads.Recipe{znodeRecipe()},
		Participants: 4,
		Ops: func(s spec.Spec, participant string, r *rand.Rand) workloads.Stream {
			return &stream{rng: r, next: int64(slices.Index(s.ParticipantNames(), participant)+1) * valuesOfOne}
		},
		Quiet: func(s spec.Spec, participant string) []history.Op {
			turn := []history.Op{{F: Write, Key: last, N: int64(slices.Index(s.ParticipantNames(), participant) + 1)}}
			for k := range registers {
				turn = append(turn, history.Op{F: Read, Key: keyOf(k)})
			}
			return turn
		},
		Bound:    checkers.ServedBound,
		Settled:  func(history.Event) bool { return true },
		Resource: func(spec.Spec) workloads.Resource { return nothing{} },
		Judge: func(in checkers.Input) []checkers.Check {
			return []checkers.Check{checkers.Register(in), checkers.SessionOrder(in), checkers.Written(in)}
		},
		Floors: checkers.RegisterFloors,
	}
}

// nothing is guarded: the registers are in ZooKeeper.
type nothing struct{}

func (nothing) Decide(string, env.Request) env.Reply { return env.Reply{Text: "no resource"} }

// valuesOfOne are the values of one participant's stream: no two write the same.
const valuesOfOne = 10_000_000

type stream struct {
	rng   *rand.Rand
	next  int64
	step  int
	again string // key of a node that was just deleted, and is to be created at once
}

func keyOf(k int) string { return "k" + strconv.Itoa(k) }

// Next gives the next op: half of them write, and a rest keeps the history to some hundred a second. Few create and delete, so that
// versions are still compared for the most part; who deletes creates the node again half of the times, as most creates that come by chance
// find the node there.
func (s *stream) Next() history.Op {
	s.step++
	if s.step%12 == 0 {
		return history.Op{F: Rest, N: 20 + s.rng.Int64N(60)}
	}
	op := history.Op{Key: keyOf(s.rng.IntN(registers))}
	switch k := s.rng.IntN(100); {
	case s.again != "":
		op.F, op.Key, s.again = Create, s.again, ""
	case k < 3:
		op.F = Create
	case k < 6:
		if op.F = Delete; k%2 == 0 {
			s.again = op.Key
		}
	case k < 29:
		op.F = Write
	case k < 52:
		op.F, op.Text = Write, compared
	case k < 76:
		op.F = Read
	case k < 88:
		op.F = Get
	default:
		op.F = SyncGet
	}
	if op.F == Write || op.F == Create {
		s.next++
		op.N = s.next
	}
	return op
}

// Rest is nothing: every op is over by itself.
func (s *stream) Rest() []history.Op { return nil }
