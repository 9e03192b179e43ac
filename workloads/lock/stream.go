package lock

import (
	"math/rand/v2"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// quietWork is how long a hold of the quiet phase works at most: long enough for accesses, short enough for everyone's turn.
const quietWork = 200 * time.Millisecond

// stream goes round: acquire, work, release.
type stream struct {
	hold time.Duration
	rng  *rand.Rand
	step int
}

func ops(s spec.Spec, _ string, r *rand.Rand) workloads.Stream {
	return &stream{hold: s.Hold.D(), rng: r}
}

// Next varies the length of holds by half in either direction, so that participants do not fall into step.
func (s *stream) Next() history.Op {
	s.step++
	switch s.step % 3 {
	case 1:
		return history.Op{F: Acquire}
	case 2:
		ms := s.hold.Milliseconds()
		return history.Op{F: Work, N: ms/2 + s.rng.Int64N(ms+1)}
	}
	return history.Op{F: Release}
}

// Rest lets go of what is held.
func (s *stream) Rest() []history.Op {
	if s.step%3 == 0 {
		return nil
	}
	return []history.Op{{F: Release}}
}

func quiet(s spec.Spec, _ string) []history.Op {
	work := min(s.Hold.D(), quietWork)
	return []history.Op{{F: Acquire}, {F: Work, N: work.Milliseconds()}, {F: Release}}
}
