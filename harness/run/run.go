package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"riven/clusters"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads"
	"riven/workloads/catalogue"
)

// Options of a run.
type Options struct {
	Spec     spec.Spec
	Plan     *nemesis.Plan // nil: drawn from the spec's seed
	Root     string        // folder that the bundle is made in
	Command  string        // the command line that makes it without the bundle; empty if flags can not tell it
	Commit   string        // of what is tested, for the record
	Engine   string        // what runs the containers, for the record
	Cluster  func(context.Context, clusters.Config) (clusters.Cluster, error)
	Progress Progress // nil: nobody is told
}

// Progress is told how the run goes.
type Progress interface {
	Printf(format string, args ...any) // one line for people
	Update(Status)                     // several times a second
}

// Status of a run at a moment.
type Status struct {
	Phase  string
	Ops    Counts
	Faults []string // in force, in words
	Left   time.Duration
}

type run struct {
	*observer
	spec      spec.Spec
	plan      nemesis.Plan
	workload  workloads.Workload
	driven    []string // participants that take ops
	cluster   clusters.Cluster
	conductor *nemesis.Conductor
	force     map[string]*inForce
	done      map[string]bool            // steps that have a receipt
	edges     []nemesis.Edge             // that were ever cut
	completed map[string][]history.Event // by participant; only of the phases that look at it
	progress  Progress                   // nil: nobody is told
	waiting   func() bool                // events are
	phase     string
	stopped   string // the phase in which the run was told to stop, if it was
	left      func() time.Duration
	shown     time.Time
}

func (o Options) printf(format string, args ...any) {
	if o.Progress != nil {
		o.Progress.Printf(format, args...)
	}
}

// Run makes one run and leaves its judged bundle, whatever happens. The error is for what kept it from being run or
// judged at all; what went wrong within it is in the verdict.
func Run(ctx context.Context, o Options) (*results.Bundle, error) {
	var rec *results.Recorder
	r, err := prepare(ctx, o, func() (recorder, string, error) {
		var err error
		if rec, err = results.Create(o.Root, o.Spec, time.Now()); err != nil {
			return nil, "", err
		}
		return rec, filepath.Base(rec.Dir), nil
	})
	if err != nil {
		return nil, err
	}
	r.drive(ctx)
	if err := r.finish(); err != nil {
		return nil, err
	}
	return Judge(rec.Dir)
}

// finish closes what was recorded. It is on disk before any checker runs.
func (r *run) finish() error {
	err := r.recorder.Describe(func(m *results.Meta) {
		m.Problems, m.Interrupted = r.problems, r.stopped
		m.Incomparable = r.cluster != nil && !r.cluster.Comparable()
	})
	if err := errors.Join(err, r.recorder.Close()); err != nil {
		return fmt.Errorf("close the bundle: %w", err)
	}
	return nil
}

// Plan is the plan that the spec and an explicit plan make together, checked against the nodes.
func Plan(s spec.Spec, explicit *nemesis.Plan) (nemesis.Plan, error) {
	var plan nemesis.Plan
	var err error
	if explicit != nil {
		plan = *explicit
	} else if plan, err = nemesis.NewPlan(s); err != nil {
		return plan, err
	}
	for _, step := range plan.Steps {
		if step.At >= s.Time {
			return plan, fmt.Errorf("plan step %s begins at %v, but the ops end at %v", step.ID, step.At.D(), s.Time.D())
		}
	}
	return plan, plan.Validate(s.ServerNames(), s.ParticipantNames())
}

// prepare makes a run that has not begun; open makes the recorder and names the run, once the spec and the plan are known to be good.
func prepare(ctx context.Context, o Options, open func() (recorder, string, error)) (*run, error) {
	s := o.Spec
	if err := errors.Join(s.Validate(), catalogue.Validate(s)); err != nil {
		return nil, err
	}
	plan, err := Plan(s, o.Plan)
	if err != nil {
		return nil, err
	}
	w, _, err := catalogue.Find(s.Workload, s.Recipe)
	if err != nil {
		return nil, err
	}
	rec, id, err := open()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(rec.Plan(plan), rec.Describe(func(m *results.Meta) {
		m.Command, m.Commit, m.Engine = o.Command, o.Commit, o.Engine
	})); err != nil {
		return nil, err
	}
	r := &run{
		spec: s, plan: plan, workload: w, force: map[string]*inForce{}, done: map[string]bool{}, progress: o.Progress,
		observer: &observer{
			recorder: rec, events: newQueue(), resource: w.Resource(s), opsStart: time.Now(),
			lost: map[string][]nemesis.LostReply{}, late: map[string]nemesis.LateReceipt{}, cannot: map[string]string{}, fatal: make(chan struct{}),
		},
		left: func() time.Duration { return 0 },
	}
	r.waiting = r.events.waiting
	r.dispatch = newDispatcher(s.ParticipantNames(), r.deliver, r.Broken)
	homes := map[string][]string{}
	for _, p := range s.ParticipantNames() {
		// What a fault does to one that is pinned depends on what its server then is, and to one of a role on what others
		// do: nothing is expected of it.
		if len(s.Roles) == 0 && !slices.ContainsFunc(s.Pins, func(pin spec.Pin) bool { return pin.Participant == p }) {
			homes[p] = s.ServerNames()
		}
	}
	r.conductor = nemesis.NewConductor(plan, nemesis.NewView(s.ServerNames(), s.ParticipantNames(), homes))
	r.cluster, err = o.Cluster(ctx, clusters.Config{
		Spec: s, Observer: r.observer, Log: rec.Log, Progress: o.printf, RunID: id, Clocks: plan.Has(nemesis.Clock) || plan.Has(nemesis.MonoRate),
	})
	if err != nil {
		r.problem(err)
		return nil, errors.Join(err, r.finish())
	}
	if timed, ok := r.cluster.(clusters.Timed); ok {
		r.clock = clock{timed}
		r.events.timer = nil
	}
	return r, nil
}

func (r *run) deliver(node string, inv clusters.Invocation) error {
	return r.cluster.Deliver(node, inv)
}

func (r *run) show() {
	if r.progress == nil || time.Since(r.shown) < 200*time.Millisecond {
		return
	}
	r.shown = time.Now()
	s := Status{Phase: r.phase, Ops: r.dispatch.counts(), Left: r.left()}
	for _, step := range r.plan.Steps {
		if f := r.force[step.ID]; f != nil {
			s.Faults = append(s.Faults, describe(nemesis.Order{Step: step, Resolved: nemesis.Resolved{Nodes: f.receipt.Nodes}}))
		}
	}
	r.progress.Update(s)
}

func (r *run) receipt(x nemesis.Receipt) {
	r.done[x.Step.ID] = true
	for _, e := range x.Edges {
		r.edges = union(r.edges, []nemesis.Edge{e.Edge})
	}
	if err := r.recorder.Receipt(x); err != nil {
		r.problem(fmt.Errorf("write the receipt of %s: %w", x.Step.ID, err))
	}
}

// ledger writes what is about to be done, or was done, before anything else happens.
func (r *run) ledger(step string, act results.Act, detail string) {
	if err := r.recorder.Ledger(results.LedgerEntry{Time: time.Now(), Step: step, Act: act, Detail: detail}); err != nil {
		r.problem(fmt.Errorf("write the ledger: %w", err))
	}
}
