package hunt

import (
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

// arm makes faults that begin at a time begin at an event, where the run then shows the same more often in other seeds.
// Times differ between clusters, events do not: so it is for what is to be shown on another.
func (a *attempts) arm(s spec.Spec, p nemesis.Plan, found Finding) (armed spec.Spec, plan nemesis.Plan, timed, yield Yield) {
	a.left = armBudget
	timed, _ = a.yield(s, p)
	yield = timed
	better := func(s2 spec.Spec, p2 nemesis.Plan) bool {
		if yield.Shown >= enough || !a.shows(s2, p2) {
			return false
		}
		y, ok := a.yield(s2, p2)
		if !ok || y.Shown <= yield.Shown {
			return false
		}
		s, p, yield = s2, p2, y
		return true
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
	// What was just long enough at one time may not be at another.
	better(s, asLong(p, found.Plan))
	longer := s
	longer.Time = found.Spec.Time
	better(longer, p)
	return s, p, timed, yield
}

// asLong is the plan with faults as long as they were in the other.
func asLong(p, was nemesis.Plan) nemesis.Plan {
	for i := range p.Steps {
		for _, w := range was.Steps {
			if w.ID == p.Steps[i].ID {
				p = p.With(i, func(s *nemesis.Step) { s.For, s.Fault.Count = w.For, w.Fault.Count })
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
