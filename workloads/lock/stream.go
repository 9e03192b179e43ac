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

// quiet is one turn for everyone; the first participant looks at what is left.
func quiet(s spec.Spec, participant string) []history.Op {
	work := min(s.Hold.D(), quietWork)
	round := []history.Op{{F: Acquire}, {F: Work, N: work.Milliseconds()}, {F: Release}}
	if participant == s.ParticipantNames()[0] {
		round = append(round, history.Op{F: List})
	}
	return round
}
