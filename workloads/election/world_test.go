package election

import (
	"math/rand/v2"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/spec"
	"riven/workloads"
)

// world is env for one node whose tasks do not run: the test calls what they would. Messages go straight to others.
type world struct {
	env.Env  // what these tests do not use is nil
	id       string
	now      time.Duration
	rng      *rand.Rand
	serve    func(from string, m env.Message) env.Message
	others   map[string]func(from string, m env.Message) env.Message // who is not in it gives no answer
	notes    []env.Note
	resource workloads.Resource
	waiting  func() // what happens while the node waits and nothing has fired
}

type cond struct{ fired bool }

func (c *cond) Fire()       { c.fired = true }
func (c *cond) Fired() bool { return c.fired }

func (w *world) ID() string                                           { return w.id }
func (w *world) Mono() time.Duration                                  { return w.now }
func (w *world) Rand() *rand.Rand                                     { return w.rng }
func (w *world) Cond() env.Cond                                       { return new(cond) }
func (w *world) After(d time.Duration) coord.Signal                   { w.now += d; return &cond{true} }
func (w *world) Note(n env.Note)                                      { w.notes = append(w.notes, n) }
func (w *world) Serve(f func(from string, m env.Message) env.Message) { w.serve = f }
func (w *world) Go(string, func())                                    {}
func (w *world) Ask(node string, m env.Message, _ time.Duration) (env.Message, error) {
	if f := w.others[node]; f != nil {
		return f(strings.SplitN(w.id, ".", 2)[0], m), nil
	}
	return env.Message{}, env.ErrNoAnswer
}

func (w *world) Call(r env.Request) (env.Reply, error) { return w.resource.Decide(w.id, r), nil }

func (w *world) Wait(signals ...coord.Signal) (int, error) {
	for range 2 {
		for i, s := range signals {
			if s.Fired() {
				return i, nil
			}
		}
		if f := w.waiting; f != nil {
			w.waiting = nil
			f()
		}
	}
	return 0, env.ErrStopped // nothing will ever fire
}

func electionSpec(fencing bool) spec.Spec {
	s := spec.Default()
	s.Fencing, s.Roles = fencing, Workload().Roles("zkfc", 2)
	return s
}

// node makes a node of a role.
func node(w *world, role string, fencing bool, defects ...string) workloads.Config {
	w.rng, w.others = rand.New(rand.NewPCG(1, 0)), map[string]func(string, env.Message) env.Message{}
	return workloads.Config{Env: w, Role: role, Spec: electionSpec(fencing), Defects: defects}
}

// journalOf is the node before a new journal.
func journalOf(fencing bool) func(string, env.Message) env.Message {
	w := &world{id: "journal1.1", resource: newJournal(electionSpec(fencing))}
	newNode(node(w, Journal, fencing))
	return w.serve
}
