package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// Reduction is the least that was found to show a finding.
type Reduction struct {
	Spec spec.Spec
	Plan nemesis.Plan
	Runs int // that it took

	Timed, Armed Yield // with what is left of the faults beginning when they did; and with events that they begin at
	Arming       int   // runs that arming took
}

// budget is how many runs a finding may take to be reduced.
const budget = 200

// reduceAll reduces all findings. What violates the same claim may have more than one cause, and planners differ in the
// causes that they are prone to: so the first run of each planner is reduced, and those that need different kinds of
// faults are different findings. An interrupt leaves the rest as it was found.
func (o Options) reduceAll(ctx context.Context, sum Summary) (all []Finding, err error) {
	for _, f := range sum.Findings {
		if o.View != nil {
			st := sum.Status
			st.Reducing = f.Key
			o.View(st)
		}
		apart, err := causes(ctx, f)
		if err != nil {
			return sum.Findings, fmt.Errorf("reduce %s: %w", f.Key, err)
		}
		if ctx.Err() != nil {
			apart = []Finding{f}
		}
		for _, x := range apart {
			all = join(all, x)
		}
	}
	return all, nil
}

// join adds a finding; where its run is that of another, it is the same one, which violates more than one claim.
func join(all []Finding, x Finding) []Finding {
	i := slices.IndexFunc(all, func(o Finding) bool {
		return o.Reduced != nil && x.Reduced != nil && reflect.DeepEqual(o.Reduced.Spec, x.Reduced.Spec) && reflect.DeepEqual(o.Reduced.Plan, x.Reduced.Plan)
	})
	if i < 0 {
		return append(all, x)
	}
	all[i].Key += ", " + x.Key
	all[i].Claims = append(slices.Clone(all[i].Claims), x.Claims...)
	all[i].Times = max(all[i].Times, x.Times)
	return all
}

// causes takes a finding apart by what it takes. One whose faults are more than what another takes is that other one; of
// two that take the same the one that shows in more of the neighbouring seeds is kept.
func causes(ctx context.Context, f Finding) (apart []Finding, err error) {
	var small []Finding
	for _, t := range f.samples {
		x := f
		x.Spec, x.Plan, x.Searcher = t.spec, t.plan, t.searcher
		r, err := reduce(ctx, x)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", t.spec.Seed, err)
		}
		x.Reduced, x.Cause = &r, r.Plan.Cause()
		small = append(small, x)
	}
	slices.SortStableFunc(small, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(len(a.Cause), len(b.Cause)), cmp.Compare(b.Reduced.Timed.Shown, a.Reduced.Timed.Shown))
	})
	for _, x := range small {
		if slices.ContainsFunc(apart, func(o Finding) bool { return within(o.Cause, x.Cause) }) {
			continue
		}
		if err := x.arm(ctx); err != nil {
			return nil, fmt.Errorf("arm seed %d: %w", x.Spec.Seed, err)
		}
		apart = append(apart, x)
	}
	return apart, nil
}

// within tells whether all of the one are in the other.
func within(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}

// reduce makes the run of a finding small: fewer and shorter faults, then a shorter run with fewer nodes, as long as it
// shows the same. The same finding is always reduced to the same.
func reduce(ctx context.Context, f Finding) (Reduction, error) {
	a := &attempts{ctx: ctx, key: f.Key, left: budget}
	s, p := f.Spec, f.Plan
	shrink := func() {
		p = nemesis.Shrink(p, func(less nemesis.Plan) bool { return a.shows(s, less) })
	}
	shrink()
	for again := true; again; {
		again = false
		for _, less := range smaller(s) {
			if a.shows(less, p) {
				s, again = less, true
				break
			}
		}
	}
	shrink()
	r := Reduction{Spec: s, Plan: p, Runs: a.made}
	a.left = neighbours
	r.Timed, _ = a.yield(s, p)
	return r, a.err
}

// smaller are the specs with a bit less, what saves most first.
func smaller(s spec.Spec) (less []spec.Spec) {
	add := func(change func(*spec.Spec)) {
		c := s
		c.Roles = slices.Clone(s.Roles)
		change(&c)
		less = append(less, c)
	}
	for _, part := range []float64{.5, .75} {
		if d := time.Duration(float64(s.Time) * part).Round(time.Millisecond); d >= time.Second {
			add(func(c *spec.Spec) { c.Time = spec.Duration(d) })
		}
	}
	for _, n := range []int{1, 3} {
		if n < s.Servers {
			add(func(c *spec.Spec) { c.Servers = n })
		}
	}
	for i, r := range s.Roles {
		if r.Count > 1 {
			add(func(c *spec.Spec) { c.Roles[i].Count-- })
		}
	}
	if len(s.Roles) == 0 && s.Participants > 1 {
		add(func(c *spec.Spec) { c.Participants-- })
	}
	return less
}

// attempts are runs to see whether they show the same as a finding. Once there were enough of them none does.
type attempts struct {
	ctx  context.Context
	key  string
	left int
	made int
	err  error // the first that kept a run from being made
}

func (a *attempts) shows(s spec.Spec, p nemesis.Plan) bool {
	_, ok := a.attempt(s, p)
	return ok
}

// attempt makes the run, and tells whether it shows the same.
func (a *attempts) attempt(s spec.Spec, p nemesis.Plan) (t trial, ok bool) {
	if a.left == 0 || a.err != nil || a.ctx.Err() != nil {
		return t, false
	}
	if _, err := run.Plan(s, &p); errors.Join(err, s.Validate(), catalogue.Validate(s)) != nil {
		return t, false // a fault of the plan has lost its node or its time
	}
	a.left--
	a.made++
	t = trial{spec: s, plan: p}
	if t.make(a.ctx, new(run.Simulator), a.key == differs); t.err != nil {
		if a.ctx.Err() == nil {
			a.err = t.err
		}
		return t, false
	}
	return t, slices.ContainsFunc(t.shown(), func(x shown) bool { return x.key == a.key })
}
