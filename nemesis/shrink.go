package nemesis

import (
	"slices"
	"time"

	"riven/harness/spec"
)

// shortest is the least that a fault is shortened to.
const shortest = 10 * time.Millisecond

// Shrink leaves out of the plan what is not needed: faults first, then half and half again of how long each lasts, as
// long as shows tells of what is left that it still shows what the plan was kept for. Nothing is widened, and steps keep
// their IDs. It is delta debugging (A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input",
// 2002) by removal alone: where shows is true of the plan, it is true of what comes back. A shows that has had enough
// says false from then on.
func Shrink(p Plan, shows func(Plan) bool) Plan {
	for {
		before := p
		p = dropSteps(p, shows)
		p = shorten(p, shows)
		if len(p.Steps) == len(before.Steps) && slices.EqualFunc(p.Steps, before.Steps, sameLength) {
			return p
		}
	}
}

func sameLength(a, b Step) bool { return a.For == b.For && a.Fault.Count == b.Fault.Count }

// dropSteps leaves out ever smaller groups of neighbours, until no single step can be left out any more.
func dropSteps(p Plan, shows func(Plan) bool) Plan {
	for size := (len(p.Steps) + 1) / 2; size > 0; {
		dropped := false
		for at := 0; at < len(p.Steps); {
			less := p
			less.Steps = slices.Delete(slices.Clone(p.Steps), at, min(at+size, len(p.Steps)))
			if shows(less) {
				p, dropped = less, true
			} else {
				at += size
			}
		}
		if size > 1 || !dropped {
			size /= 2
		}
	}
	return p
}

// shorten halves how long each fault lasts, and how many replies it loses.
func shorten(p Plan, shows func(Plan) bool) Plan {
	for i := range p.Steps {
		for p.Steps[i].For.D()/2 >= shortest {
			less := p.With(i, func(s *Step) { s.For = spec.Duration((s.For.D() / 2).Round(time.Millisecond)) })
			if !shows(less) {
				break
			}
			p = less
		}
		for p.Steps[i].Fault.Count > 1 {
			less := p.With(i, func(s *Step) { s.Fault.Count /= 2 })
			if !shows(less) {
				break
			}
			p = less
		}
	}
	return p
}

// With is the plan with one step changed.
func (p Plan) With(i int, change func(*Step)) Plan {
	p.Steps = slices.Clone(p.Steps)
	change(&p.Steps[i])
	return p
}
