package nemesis

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"riven/harness/spec"
)

// Searcher draws plans for a search over many seeds. No one finds everything: each is blind to some bug that another
// finds at once, so a search takes them in turn.
type Searcher struct {
	Name string
	Doc  string
	Draw func(s spec.Spec) Plan
}

// streamSearch keeps the draws of searchers apart from others of the seed.
const streamSearch = 0x73656172

// Searchers are all there are.
func Searchers() []Searcher {
	return []Searcher{
		{"seeded", "as riven run plans: one fault after another, with room to recover", func(s spec.Spec) Plan { return drawn(s, 0, nil) }},
		{"halves", "the ensemble in two halves, again and again", func(s spec.Spec) Plan { return drawn(s, 1, planner.searchHalves) }},
		{"uniform", "one to ten faults of any kind at any time, aimed at anybody", func(s spec.Spec) Plan { return drawn(s, 2, planner.searchUniform) }},
		{"role", "one to six faults aimed at leaders and holders, some by trigger", func(s spec.Spec) Plan { return drawn(s, 3, planner.searchRole) }},
		{"swarm", "a few kinds of faults, of an own number and length", func(s spec.Spec) Plan { return drawn(s, 4, planner.searchSwarm) }},
		{"starve", "one to three nodes or links that stand still for long", func(s spec.Spec) Plan { return drawn(s, 5, planner.searchStarve) }},
		{"blackout", "a majority of the servers, or all, killed at once, shortly after an op", func(s spec.Spec) Plan { return drawn(s, 6, planner.searchBlackout) }},
		{"flaky", "participants whose replies to one request after another are lost", func(s spec.Spec) Plan { return drawn(s, 7, planner.searchFlaky) }},
	}
}

func drawn(s spec.Spec, stream uint64, draw func(planner) []Step) Plan {
	names := [...]string{"seeded", "halves", "uniform", "role", "swarm", "starve", "blackout", "flaky"}
	if draw == nil {
		if len(s.Faults) == 0 {
			for _, k := range (planner{spec: s}).searchable() {
				s.Faults = append(s.Faults, string(k))
			}
		}
		if p, err := NewPlan(s); err == nil {
			return p
		}
		draw = planner.searchUniform // there is no room for one of each kind
	}
	steps := draw(planner{spec: s, rng: rand.New(rand.NewPCG(s.Seed, streamSearch+stream))})
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	steps = oneClock(steps)
	for i := range steps {
		steps[i].ID = fmt.Sprintf("f%d", i+1)
	}
	return Plan{Policy: names[stream], Seed: s.Seed, Steps: steps}
}

// oneClock leaves out faults of clocks that can not be judged: when they end, the clock of the same process must be there to
// be read, and be off by nothing else.
func oneClock(steps []Step) []Step {
	var until spec.Duration
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool {
		if s.Fault.Kind != Clock && s.Fault.Kind != MonoRate {
			return false
		}
		end := s.At + s.For + spec.Duration(100*time.Millisecond)
		killed := func(k Step) bool {
			return k.Fault.Kind == Kill && (k.On != nil && k.At < end || k.At < end && s.At < k.At+k.For)
		}
		if s.At < until || s.On != nil || slices.ContainsFunc(steps, killed) {
			return true
		}
		until = end
		return false
	})
}

// usual are the kinds that are searched where none are named.
var usual = []Kind{Partition, Kill, Pause, Clock, LoseReply, Slow}

// searchable are the kinds that a spec allows; the usual ones, if it names none. Where nobody takes messages nobody can
// be slow to.
func (p planner) searchable() []Kind {
	kinds, err := ParseKinds(p.spec.Faults)
	if err != nil || len(kinds) == 0 {
		kinds = usual
	}
	if p.talks() {
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k == Slow })
}

// some is so many faults of these kinds, with lengths multiplied by scale; plain: aimed at anybody, at times alone.
func (p planner) some(n int, kinds []Kind, scale float64, plain bool) (steps []Step) {
	session := p.spec.Timing.Session.D()
	for range n {
		s := p.step(kinds[p.rng.IntN(len(kinds))])
		if plain {
			s = anybody(s)
		}
		s.For = spec.Duration(max(time.Duration(float64(s.For)*scale), 20*time.Millisecond).Round(time.Millisecond))
		// The last must have room to end; where there is none they all begin early.
		s.At = spec.Duration(p.between(0, max(p.spec.Time.D()-s.For.D()-session, session)).Round(time.Millisecond))
		steps = append(steps, s)
	}
	return steps
}

func (p planner) searchUniform() []Step { return p.some(1+p.rng.IntN(10), p.searchable(), 1, true) }

func (p planner) searchRole() []Step { return p.some(1+p.rng.IntN(6), p.searchable(), 1, false) }

func (p planner) searchSwarm() []Step {
	var kinds []Kind
	all := p.searchable()
	for _, k := range all {
		if p.rng.IntN(2) == 0 {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		kinds = []Kind{pickKind(p.rng, all)}
	}
	scale := []float64{0.1, 0.25, 0.5, 1, 2}[p.rng.IntN(5)]
	return p.some(1+p.rng.IntN(12), kinds, scale, p.rng.IntN(2) == 0)
}

func pickKind(r *rand.Rand, kinds []Kind) Kind { return kinds[r.IntN(len(kinds))] }

func (p planner) searchHalves() (steps []Step) {
	if !slices.Contains(p.searchable(), Partition) {
		return p.searchRole()
	}
	session := p.spec.Timing.Session.D()
	for at := p.between(session/2, session); ; {
		long := p.between(session, 3*session)
		if at+long+session > p.spec.Time.D() {
			return steps
		}
		steps = append(steps, Step{
			At: spec.Duration(at.Round(time.Millisecond)), For: spec.Duration(long.Round(time.Millisecond)),
			Fault: Fault{Kind: Partition, Shape: Halves, Target: Target{Role: AnyServer, Pick: p.rng.IntN(8)}},
		})
		at += long + p.between(session/4, session)
	}
}

func (p planner) searchStarve() (steps []Step) {
	session := p.spec.Timing.Session.D()
	for range 1 + p.rng.IntN(3) {
		f := pick(p.rng, []Step{
			{Fault: Fault{Kind: Pause, Target: Target{Role: Participant}}},
			{Fault: Fault{Kind: Pause, Target: Target{Role: AnyServer}}},
			{Fault: Fault{Kind: Partition, Shape: FromServers, Target: Target{Role: Participant}}},
			{Fault: Fault{Kind: Partition, Shape: FromServer, Target: Target{Role: Participant}}},
			{Fault: Fault{Kind: Partition, Shape: FromPeers, Target: Target{Role: AnyServer}}},
		})
		if !slices.Contains(p.searchable(), f.Fault.Kind) {
			continue
		}
		f.Fault.Target.Pick = p.rng.IntN(8)
		f.For = spec.Duration(p.between(session, 4*session).Round(time.Millisecond))
		f.At = spec.Duration(p.between(0, max(p.spec.Time.D()-f.For.D()-session, session)).Round(time.Millisecond))
		steps = append(steps, f)
	}
	return steps
}
