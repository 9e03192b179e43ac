package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Ops.
const (
	OpStep = "step" // Key is the script, N the step's number, Text the step; OK: Text is the answer
	OpRest = "rest" // N ms without anything
)

// Workload plays every script once; the first participant has the steps made.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "conformance",
		Doc:          "Scripts of session calls, to compare what clusters answer.",
		Participants: 1,
		Roles:        Roles,
		Recipes:      []workloads.Recipe{{Name: "script", Doc: "Plays scripts.", New: newPlayer, Claims: []checkers.Claim{{Name: claimPlayed, Rule: "Every step was answered."}}}},
		Ops: func(s spec.Spec, participant string, _ *rand.Rand) workloads.Stream {
			if participant != s.ParticipantNames()[0] {
				return nil
			}
			return &stream{scripts: Scripts(s)}
		},
		Quiet:    func(spec.Spec, string) []history.Op { return []history.Op{{F: OpRest, N: 1}} },
		Bound:    func(spec.Spec) time.Duration { return 10 * time.Second },
		Settled:  func(history.Event) bool { return true },
		Resource: func(spec.Spec) workloads.Resource { return nothing{} },
		Judge:    func(in checkers.Input) []checkers.Check { return []checkers.Check{played(in)} },
		Floors:   func(checkers.Input) []checkers.Floor { return nil },
	}
}

// Roles are the participants: all alike, but they talk to each other.
func Roles(_ string, participants int) []spec.Role {
	return []spec.Role{{Name: "p", Count: participants}}
}

type nothing struct{}

func (nothing) Decide(string, env.Request) env.Reply { return env.Reply{Text: "no resource"} }

const claimPlayed = "played"

// played wants every step of every script answered.
func played(in checkers.Input) checkers.Check {
	want, got := 0, 0
	for _, s := range Scripts(in.Spec) {
		want += len(s.Steps)
	}
	for _, e := range in.History {
		if e.Type == history.OK && e.F == OpStep {
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
		return history.Op{F: OpRest, N: 100}
	}
	x := s.scripts[s.script]
	op := history.Op{F: OpStep, Key: key(s.script), N: int64(s.step), Text: x.Steps[s.step].Text}
	if s.step++; s.step == len(x.Steps) {
		s.script, s.step = s.script+1, 0
	}
	return op
}

func (s *stream) Rest() []history.Op { return nil }

// Answers are what the history of those scripts says was answered, step by step.
func Answers(scripts []Script, events []history.Event) [][]string {
	at := map[string]int{}
	for i := range scripts {
		at[key(i)] = i
	}
	out := make([][]string, len(scripts))
	for _, e := range events {
		if i, known := at[e.Key]; known && e.F == OpStep && e.Type == history.OK {
			out[i] = append(out[i], e.Text)
		}
	}
	return out
}

// Differ tells which scripts two worlds answered differently.
func Differ(a, b [][]string) []bool {
	out := make([]bool, len(a))
	for i := range a {
		out[i] = !slices.Equal(a[i], b[i])
	}
	return out
}

// key names the script, and its root.
func key(i int) string { return fmt.Sprintf("s%d", i+1) }
