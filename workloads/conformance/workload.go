package conformance

import (
	"fmt"
	"math/rand/v2"
	"time"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Ops.
const (
	Step = "step" // Key is the script, N the step's number, Text the step; OK: Text is the answer
	Rest = "rest" // N ms without anything
)

// Random is how many scripts are made at random, from the spec's seed.
const Random = 150

// Workload plays every script once, at the first participant.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "conformance",
		Doc:          "Scripts of session calls, to compare what clusters answer.",
		Participants: 1,
		Recipes:      []workloads.Recipe{{Name: "script", Doc: "Plays scripts.", New: newPlayer, Claims: []checkers.Claim{{Name: claimPlayed, Rule: "Every step was answered."}}}},
		Ops: func(s spec.Spec, participant string, _ *rand.Rand) workloads.Stream {
			if participant != s.ParticipantNames()[0] {
				return nil
			}
			return &stream{scripts: Scripts(s.Seed, Random)}
		},
		Quiet:    func(spec.Spec, string) []history.Op { return []history.Op{{F: Rest, N: 1}} },
		Bound:    func(spec.Spec) time.Duration { return 10 * time.Second },
		Settled:  func(history.Event) bool { return true },
		Resource: func(spec.Spec) workloads.Resource { return nothing{} },
		Judge:    func(in checkers.Input) []checkers.Check { return []checkers.Check{played(in)} },
		Floors:   func(checkers.Input) []checkers.Floor { return nil },
	}
}

type nothing struct{}

func (nothing) Decide(string, env.Request) env.Reply { return env.Reply{Text: "no resource"} }

const claimPlayed = "played"

// played wants every step of every script answered.
func played(in checkers.Input) checkers.Check {
	want, got := 0, 0
	for _, s := range Scripts(in.Spec.Seed, Random) {
		want += len(s.Steps)
	}
	for _, e := range in.History {
		if e.Type == history.OK && e.F == Step {
			got++
		}
	}
	c := checkers.Check{Claim: claimPlayed, Rule: "Every step was answered.", Engine: "count", Detail: fmt.Sprintf("%d of %d steps", got, want)}
	if got != want {
		c.Outcome = checkers.Inconclusive
	}
	return c
}

// stream is the steps, one after the other; then nothing.
type stream struct {
	scripts []Script
	script  int
	step    int
}

func (s *stream) Next() history.Op {
	if s.script == len(s.scripts) {
		return history.Op{F: Rest, N: 100}
	}
	x := s.scripts[s.script]
	op := history.Op{F: Step, Key: fmt.Sprintf("s%d", s.script+1), N: int64(s.step), Text: x.Steps[s.step]}
	if s.step++; s.step == len(x.Steps) {
		s.script, s.step = s.script+1, 0
	}
	return op
}

func (s *stream) Rest() []history.Op { return nil }
