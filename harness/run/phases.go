package run

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads"
)

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
		formed, cancel = context.WithTimeout(ctx, recovery(r.spec, r.plan))
		defer cancel()
	}
	if err := r.cluster.Formed(formed); err != nil {
		return fmt.Errorf("after the final heal: %w", err)
	}
	return nil
}

// recovery is how long a healed ensemble may take until all its servers serve: an election with retries, the time to
// sync, and as long as the longest cut was, since servers send votes into it at doubling intervals.
func recovery(s spec.Spec, p nemesis.Plan) time.Duration {
	var cut time.Duration
	for _, step := range p.Steps {
		if step.Fault.Kind == nemesis.Partition {
			cut = max(cut, min(step.For.D(), s.Time.D()))
		}
	}
	return 20*time.Second + 2*s.Timing.Tick()*time.Duration(s.Timing.InitLimit+s.Timing.SyncLimit) + cut
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
