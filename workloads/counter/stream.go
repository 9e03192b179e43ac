package counter

import (
	"math/rand/v2"

	"riven/harness/history"
)

// A stream goes round: a burst of additions, in which participants contend, a read and a rest, which keeps a history to
// some hundred ops a second.
const (
	burst     = 4
	leastRest = 50 // ms
	mostRest  = 150
)

type stream struct {
	rng  *rand.Rand
	step int
}

// Next varies the rests, so that participants do not fall into step.
func (s *stream) Next() history.Op {
	at := s.step % (burst + 2)
	s.step++
	switch at {
	case burst:
		return history.Op{F: Read}
	case burst + 1:
		return history.Op{F: Rest, N: leastRest + s.rng.Int64N(mostRest-leastRest+1)}
	}
	return history.Op{F: Add, N: 1}
}

// Rest is empty: every op is complete in itself.
func (s *stream) Rest() []history.Op { return nil }
