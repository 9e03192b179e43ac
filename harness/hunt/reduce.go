package hunt

import (
	"context"
	"errors"
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
	Arming       int   // runs that these took
}

// budget is how many runs a finding may take to be reduced.
const budget = 200

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
	r := Reduction{Runs: a.made}
	r.Spec, r.Plan, r.Timed, r.Armed = a.arm(s, p, f)
	r.Arming = a.made - r.Runs
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
	if t.make(a.ctx, a.key == differs); t.err != nil {
		if a.ctx.Err() == nil {
			a.err = t.err
		}
		return t, false
	}
	return t, slices.ContainsFunc(t.shown(), func(x shown) bool { return x.key == a.key })
}
