package register

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Ops. Key is the register; OK carries its value N and, as Token, the node's version and one.
const (
	Write   = checkers.OpWrite   // N, unique in the run; Text compared: on the condition that the version was still the one just read
	Read    = checkers.OpRead    // through a write in the same session: no older than this call
	Get     = checkers.OpGet     // as the session's server has it; Hold is the session
	SyncGet = checkers.OpSyncGet // after a sync
	Rest    = "rest"             // N ms without anything
)

// compared asks a write to be a compare-and-set.
const compared = "compared"

const registers = 3

// Workload is the register workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "register",
		Doc:          "Participants read, write and compare-and-set a few nodes in ZooKeeper, each through a session of its own.",
		Recipes:      []workloads.Recipe{znodeRecipe()},
		Participants: 4,
		Ops: func(s spec.Spec, participant string, r *rand.Rand) workloads.Stream {
			return &stream{rng: r, next: int64(slices.Index(s.ParticipantNames(), participant)+1) * valuesOfOne}
		},
		Quiet: func(s spec.Spec, participant string) []history.Op {
			return []history.Op{{F: Write, Key: "k0", N: -int64(slices.Index(s.ParticipantNames(), participant) + 1)}, {F: Read, Key: "k0"}}
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
	rng  *rand.Rand
	next int64
	step int
}

// Next gives the next op: half of them write, and a rest keeps the history to some hundred a second.
func (s *stream) Next() history.Op {
	s.step++
	if s.step%12 == 0 {
		return history.Op{F: Rest, N: 20 + s.rng.Int64N(60)}
	}
	op := history.Op{Key: fmt.Sprintf("k%d", s.rng.IntN(registers))}
	switch s.rng.IntN(8) {
	case 0, 1:
		op.F = Write
	case 2, 3:
		op.F, op.Text = Write, compared
	case 4, 5:
		op.F = Read
	case 6:
		op.F = Get
	default:
		op.F = SyncGet
	}
	if op.F == Write {
		s.next++
		op.N = s.next
	}
	return op
}

// Rest is nothing: every op is over by itself.
func (s *stream) Rest() []history.Op { return nil }
