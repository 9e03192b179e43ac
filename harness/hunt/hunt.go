package hunt

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"riven/checkers"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
)

// Options of a search.
type Options struct {
	Spec    spec.Spec // its Seed is the first; session timeout, syncLimit, hold time and servers vary with the seed
	Seeds   int
	Workers int
	Fixed   bool         // nothing varies but the plan
	View    func(Status) // told about once a second
}

// Status is how far a search is.
type Status struct {
	Seeds, Of int
	Findings  int
	Errors    int
	Took      time.Duration
	Counters  Counters
	Reducing  string // the finding that is being reduced, once all seeds are done
}

// Finding is a violation, or a run that the harness could not judge, with the first seed that showed it.
type Finding struct {
	Key      string   // claim and place; of a run that violates several, each
	Cause    []string // kinds of faults that it takes; known once it is reduced
	Claims   []string
	Sentence string
	Searcher string
	Spec     spec.Spec
	Plan     nemesis.Plan
	Times    int // seeds that showed the same; of several claims the most
	Outcome  checkers.Outcome
	Reduced  *Reduction // nil: the search was interrupted before it was made

	samples []trial // the first of each planner's, without their runs
}

// Summary is what came of it.
type Summary struct {
	Status
	Hazards  []Count // claims that did not hold outside their preconditions, with the number of seeds
	Findings []Finding
	Repeated int // runs made twice that came out the same
}

// Count is a number of seeds.
type Count struct {
	Name  string
	Seeds int
}

// twice is that one seed in so many is run a second time.
const twice = 100

// Do searches until all seeds are done or the context ends; what was found by then is kept.
func Do(ctx context.Context, o Options) (Summary, error) {
	began := time.Now()
	var next atomic.Int64
	trials := make(chan trial)
	var workers sync.WaitGroup
	for range max(o.Workers, 1) {
		workers.Go(func() {
			room := new(run.Simulator)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(o.Seeds) {
					return
				}
				if t := o.try(ctx, room, uint64(i)); ctx.Err() == nil {
					trials <- t
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(trials)
	}()
	sum := newTally(o.Seeds)
	shown := began
	var failed error
	for t := range trials {
		if t.err != nil && failed == nil {
			failed = fmt.Errorf("seed %d: %w", t.spec.Seed, t.err)
		}
		sum.add(t)
		if now := time.Now(); o.View != nil && now.Sub(shown) > time.Second {
			shown = now
			sum.Took = now.Sub(began)
			o.View(sum.status())
		}
	}
	sum.Took = time.Since(began)
	all := sum.summary()
	findings, err := o.reduceAll(ctx, all)
	all.Findings = findings
	return all, cmp.Or(failed, err)
}

// trial is one seed and what came of it.
type trial struct {
	number   uint64
	spec     spec.Spec
	plan     nemesis.Plan
	searcher string
	run      *run.Trial // its history is good until the next run in the same room
	verdict  checkers.Verdict
	again    bool // it was made twice
	differs  bool // and was not the same
	counters Counters
	err      error
}

// try makes the run of a seed, one in twice a second time.
func (o Options) try(ctx context.Context, room *run.Simulator, i uint64) trial {
	t := o.draw(i)
	if t.make(ctx, room, i%twice == 0); t.err == nil {
		t.counters = count(t.run)
	}
	t.run = nil
	return t
}

// draw is the run of a seed before it is made.
func (o Options) draw(i uint64) trial {
	t := trial{number: i, spec: o.Spec}
	t.spec.Seed = o.Spec.Seed + i
	searchers := nemesis.Searchers()
	s := searchers[t.spec.Seed%uint64(len(searchers))] // the seed alone decides, wherever a search begins
	t.searcher = s.Name
	if !o.Fixed {
		t.spec = vary(t.spec)
	}
	t.plan = s.Draw(t.spec)
	return t
}

// make makes the run, once or twice.
func (t *trial) make(ctx context.Context, room *run.Simulator, again bool) {
	if t.run, t.err = room.Simulate(ctx, t.spec, &t.plan); t.err != nil {
		return
	}
	t.verdict = t.run.Verdict
	if !again {
		return
	}
	first := t.run.Hash
	if t.run, t.err = room.Simulate(ctx, t.spec, &t.plan); t.err == nil {
		t.again, t.differs = true, t.run.Hash != first
	}
}

// streamVary keeps the draws of variation apart from others of the seed.
const streamVary = 0x76617279

// vary gives a seed a timing of its own: what shows at one may be hidden at all others. Some holds outlast the session, so
// that who works on after it is seen to.
func vary(s spec.Spec) spec.Spec {
	r := rand.New(rand.NewPCG(s.Seed, streamVary))
	tick := s.Timing.Tick()
	s.Timing.SyncLimit = []int{2, 5, 5, 10, 20}[r.IntN(5)]
	s.Timing.Session = spec.Duration(tick * time.Duration([]int{4, 6, 10, 10, 15, 20}[r.IntN(6)]))
	session := s.Timing.Session.D()
	s.Hold = spec.Duration([]time.Duration{50 * time.Millisecond, 300 * time.Millisecond, session / 2, session * 2, session * 2}[r.IntN(5)])
	s.Servers = []int{3, 3, 5}[r.IntN(3)]
	return s
}
