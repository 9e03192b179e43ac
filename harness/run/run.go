package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"riven/checkers"
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

// drive goes through the phases. Whatever happens the cluster is stopped.
func (r *run) drive(ctx context.Context) {
	defer func() {
		// The run's context may be cancelled already; stopping has its own time.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		r.dispatch.halt()
		r.enter("stop", nil)
		if err := r.cluster.Stop(stop); err != nil {
			r.problem(fmt.Errorf("stop the cluster: %w", err))
		}
	}()
	for _, phase := range []func(context.Context) error{r.start, r.ops, r.healAll, r.quiet, r.final} {
		err := phase(ctx)
		if ctx.Err() != nil { // no fault of the harness: the run is judged as far as it went
			r.stopped = r.phase
			return
		}
		if err != nil {
			r.problem(err)
			return
		}
	}
	r.mark(history.PhaseDone)
}

func (r *run) start(ctx context.Context) error {
	r.enter("start", nil)
	if err := r.cluster.Start(ctx); err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	return r.versions(ctx)
}

// versions records which ZooKeeper the servers say they are.
func (r *run) versions(ctx context.Context) error {
	var seen []string
	for _, s := range r.spec.ServerNames() {
		answer, err := r.cluster.Ask(ctx, s, "srvr")
		if err != nil {
			return fmt.Errorf("ask %s for its version: %w", s, err)
		}
		if v := version(answer); !slices.Contains(seen, v) {
			seen = append(seen, v)
		}
	}
	return r.recorder.Describe(func(m *results.Meta) { m.ZooKeeper = strings.Join(seen, ", ") })
}

// version is that of an answer to srvr, which begins "Zookeeper version: 3.8.0-5a02a05…, built on …".
func version(answer string) string {
	_, v, _ := strings.Cut(answer, "version: ")
	if i := strings.IndexFunc(v, func(c rune) bool { return c != '.' && (c < '0' || c > '9') }); i >= 0 {
		v = v[:i]
	}
	return cmp.Or(v, "unknown")
}

// ops runs the workload under the plan.
func (r *run) ops(ctx context.Context) error {
	r.startOps()
	streams := map[string]workloads.Stream{}
	for i, p := range r.spec.ParticipantNames() {
		if s := r.workload.Ops(r.spec, p, rand.New(rand.NewPCG(r.spec.Seed, uint64(i)+1))); s != nil {
			streams[p] = s
			r.driven = append(r.driven, p)
		}
	}
	r.enter(history.PhaseOps, func() time.Duration { return r.spec.Time.D() - r.elapsed() })
	if err := r.recorder.Describe(func(m *results.Meta) { m.OpsBegan = time.Now() }); err != nil {
		return err
	}
	r.dispatch.start(streams)
	for r.elapsed() < r.spec.Time.D() {
		wait := r.spec.Time.D() - r.elapsed()
		if next, ok := r.conductor.Next(); ok {
			wait = min(wait, max(next-r.elapsed(), 5*time.Millisecond))
		}
		if err := r.step(ctx, wait); err != nil {
			return err
		}
		r.carryOut(ctx, r.conductor.Poll(r.elapsed()))
	}
	return nil
}

// step waits for events, at most that long, and lets the conductor see them.
func (r *run) step(ctx context.Context, wait time.Duration) error {
	if err := r.wait(ctx, min(wait, 250*time.Millisecond)); err != nil {
		return err
	}
	arrived := r.events.take()
	for i := range arrived {
		a := &arrived[i]
		r.conductor.Observe(a.at, &a.Event)
		if a.Completes() && r.completed != nil {
			r.completed[a.Node] = append(r.completed[a.Node], a.Event)
		}
	}
	for _, f := range r.takeFired() {
		r.fired(ctx, f)
	}
	r.show()
	return nil
}

// wait lets time pass, at most so much, until events have come.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	if r.clock.timed != nil {
		if err := r.clock.timed.Pass(ctx, d, r.waiting); err != nil {
			return err
		}
		select {
		case <-r.fatal:
			return r.gaveUp()
		default:
			return ctx.Err()
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.fatal:
		return r.gaveUp()
	case <-timer.C:
	case <-r.events.wake:
	}
	return nil
}

func (r *run) gaveUp() error { return fmt.Errorf("gave up in phase %s", r.phase) }

// healAll undoes every fault and sees that it is undone.
func (r *run) healAll(ctx context.Context) error {
	r.dispatch.finish()
	r.enter(history.PhaseHeal, nil)
	if err := r.step(ctx, 0); err != nil {
		return err
	}
	r.carryOut(ctx, r.conductor.Finish())
	for _, f := range r.takeFired() { // just before they were disarmed
		r.fired(ctx, f)
	}
	for _, s := range r.plan.Steps {
		if !r.done[s.ID] {
			r.receipt(nemesis.Receipt{Step: s, Status: nemesis.Unmet, Why: "neither its trigger nor a fitting target came up before the ops ended"})
		}
	}
	if _, err := r.cluster.Cut(ctx, nil); err != nil {
		return fmt.Errorf("heal all partitions: %w", err)
	}
	probes, err := r.cluster.Probe(ctx, r.edges)
	if err != nil {
		return fmt.Errorf("probe the final heal: %w", err)
	}
	for _, p := range probes {
		if !p.Arrived {
			return fmt.Errorf("after the final heal no probe from %s reached %s", p.From, p.To)
		}
	}
	formed := ctx
	if r.clock.timed == nil {
		var cancel context.CancelFunc
		formed, cancel = context.WithTimeout(ctx, recovery(r.spec))
		defer cancel()
	}
	if err := r.cluster.Formed(formed); err != nil {
		return fmt.Errorf("the ensemble did not form again within %v after the final heal: %w", recovery(r.spec), err)
	}
	return nil
}

// recovery is how long a healed ensemble may take until all its servers serve: an election with retries, and the time to sync.
func recovery(s spec.Spec) time.Duration {
	return 20*time.Second + 2*s.Timing.Tick()*time.Duration(s.Timing.InitLimit+s.Timing.SyncLimit)
}

// quiet lets every participant take its turns until one went well. Whether that was soon enough is for the checkers;
// here it ends when the time in which it had to be is well over.
func (r *run) quiet(ctx context.Context) error {
	limit := r.clock.now().Add(r.workload.Bound(r.spec)*5/4 + 2*time.Second)
	r.mark(history.PhaseQuiet)
	r.enter(history.PhaseQuiet, func() time.Duration { return r.clock.until(limit) })
	unserved := slices.Clone(r.driven)
	r.completed = map[string][]history.Event{}
	turns := map[string]int{} // begun
	for len(unserved) > 0 && r.clock.now().Before(limit) {
		unserved = slices.DeleteFunc(unserved, func(p string) bool {
			if !r.dispatch.idle(p) {
				return false
			}
			if turns[p] > 0 && allOK(r.completed[p]) {
				return true
			}
			turns[p]++
			r.completed[p] = nil
			r.dispatch.add(p, r.workload.Quiet(r.spec, p)...)
			return false
		})
		if err := r.step(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func allOK(events []history.Event) bool {
	return len(events) > 0 && !slices.ContainsFunc(events, func(e history.Event) bool { return e.Type != history.OK })
}

// final makes the last read, at a participant that is free for it, until it shows that nothing is under way any more, or
// what is must be over.
func (r *run) final(ctx context.Context) error {
	if r.workload.Last.F == "" {
		return nil
	}
	limit := r.clock.now().Add(checkers.SettlingBound(r.spec) + 2*time.Second)
	r.mark(history.PhaseFinal)
	r.enter(history.PhaseFinal, func() time.Duration { return r.clock.until(limit) })
	for next := r.clock.now(); ; {
		if err := r.step(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		over := r.clock.now().After(limit)
		i := slices.IndexFunc(r.driven, r.dispatch.idle)
		if i < 0 {
			if over {
				return nil // nobody is free to read; the checkers will miss it
			}
			continue
		}
		reader := r.driven[i]
		if done := r.completed[reader]; len(done) > 0 && done[len(done)-1].F == r.workload.Last.F && (over || r.workload.Settled(done[len(done)-1])) {
			return nil
		}
		if r.clock.now().After(next) {
			next = r.clock.now().Add(500 * time.Millisecond)
			r.dispatch.add(reader, r.workload.Last)
		}
	}
}

// enter starts a phase in the eyes of people.
func (r *run) enter(phase string, left func() time.Duration) {
	r.phase, r.left = phase, left
	if left == nil {
		r.left = func() time.Duration { return 0 }
	}
	if phase == history.PhaseOps || phase == history.PhaseHeal {
		r.mark(phase)
	}
	r.shown = time.Time{}
	r.show()
}

// mark records the phase in the history.
func (r *run) mark(phase string) {
	r.Record(history.Event{Time: r.stamp(), Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: phase}})
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
