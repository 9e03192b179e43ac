package hunt

import (
	"context"

	"riven/harness/spec"
	"riven/nemesis"
)

// Yield is in how many of the seeds after its own a run shows the same: what is to be expected where times differ.
type Yield struct{ Shown, Of int }

const (
	neighbours = 10
	enough     = 8   // of them: no better way is looked for
	armBudget  = 300 // runs that arming a finding may take
)

// arm arms the faults of the reduced finding.
func (f *Finding) arm(ctx context.Context) error {
	a := &attempts{ctx: ctx, key: f.Key, left: armBudget}
	r := *f.Reduced
	r.Spec, r.Plan, r.Armed = a.arm(r.Spec, r.Plan, *f)
	r.Arming = a.made
	f.Reduced = &r
	return a.err
}

// arm makes faults that begin at a time begin at an event, where the run then shows the same more often in other seeds.
// Times differ between clusters, events do not: so it is for what is to be shown on another.
func (a *attempts) arm(s spec.Spec, p nemesis.Plan, found Finding) (spec.Spec, nemesis.Plan, Yield) {
	yield := found.Reduced.Timed
	take := func(least int, s2 spec.Spec, p2 nemesis.Plan) {
		if !a.shows(s2, p2) {
			return
		}
		if y, ok := a.yield(s2, p2); ok && y.Shown >= least {
			s, p, yield = s2, p2, y
		}
	}
	better := func(s2 spec.Spec, p2 nemesis.Plan) {
		if yield.Shown < enough {
			take(yield.Shown+1, s2, p2)
		}
	}
	for i := range p.Steps {
		t, ok := a.attempt(s, p)
		if !ok {
			break
		}
		for _, r := range t.run.Input.Receipts {
			if r.Step.ID != p.Steps[i].ID {
				continue
			}
			before := p
			for _, step := range nemesis.Armed(p.Steps[i], r, t.run.Input.History, s.ServerNames(), s.ParticipantNames()) {
				better(s, before.With(i, func(x *nemesis.Step) { *x = step }))
			}
		}
	}
	// What was just long enough with these times may not be with others.
	longer := s
	longer.Time = found.Spec.Time
	better(longer, p)
	take(yield.Shown, s, twiceAsLong(p, found.Plan))
	return s, p, yield
}

// twiceAsLong is the plan with faults twice as long, but not longer than they were in the other.
func twiceAsLong(p, was nemesis.Plan) nemesis.Plan {
	for i := range p.Steps {
		for _, w := range was.Steps {
			if w.ID == p.Steps[i].ID {
				p = p.With(i, func(s *nemesis.Step) { s.For = min(2*s.For, w.For) })
			}
		}
	}
	return p
}

// yield makes the run with the next seeds; false when there are not enough runs left for all of them.
func (a *attempts) yield(s spec.Spec, p nemesis.Plan) (y Yield, ok bool) {
	if a.left < neighbours {
		return y, false
	}
	for range neighbours {
		s.Seed++
		y.Of++
		if a.shows(s, p) {
			y.Shown++
		}
	}
	return y, true
}
