package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"riven/harness/spec"
)

// streamPlan keeps the plan's draws apart from every other stream of the run's seed.
const streamPlan = 0x706c616e

// NewPlan draws a plan from the spec's seed: one fault after another, each kind in turn in a shuffled order, with room to
// recover between them. The same spec gives the same plan.
func NewPlan(s spec.Spec) (Plan, error) {
	if len(s.Faults) == 0 {
		return Plan{Policy: "none"}, nil
	}
	kinds, err := ParseKinds(s.Faults)
	if err != nil {
		return Plan{}, err
	}
	p := planner{spec: s, rng: rand.New(rand.NewPCG(s.Seed, streamPlan))}
	if slices.Contains(kinds, Slow) && !p.talks() {
		return Plan{}, fmt.Errorf("slow is for participants that take messages, as in election/zkfc: those of %s/%s take none", s.Workload, s.Recipe)
	}
	plan := Plan{Policy: "seeded", Seed: s.Seed}
	session := s.Timing.Session.D()
	for at := session; ; {
		for _, i := range p.rng.Perm(len(kinds)) {
			steps := p.steps(kinds[i])
			// The last fault must be over, and recovered from, before the ops end.
			if at+steps[0].For.D()+session > s.Time.D() {
				return plan, enough(plan, kinds, s)
			}
			for _, step := range steps {
				step.At, step.ID = spec.Duration((at + step.At.D()).Round(time.Millisecond)), fmt.Sprintf("f%d", len(plan.Steps)+1)
				plan.Steps = append(plan.Steps, step)
			}
			at += steps[0].For.D() + p.between(session/2, session)
		}
	}
}

// enough refuses a time that has no room for every kind that was asked for: such a run could not pass.
func enough(plan Plan, kinds []Kind, s spec.Spec) error {
	for _, k := range kinds {
		if !slices.ContainsFunc(plan.Steps, func(st Step) bool { return st.Fault.Kind == k }) {
			return fmt.Errorf("time %v is too short for a %s beside the other faults (session timeout %v): give it more time or fewer faults", s.Time.D(), k, s.Timing.Session.D())
		}
	}
	return nil
}

// ParseKinds reads names of faults.
func ParseKinds(names []string) ([]Kind, error) {
	var kinds []Kind
	for _, n := range names {
		if !slices.Contains(Kinds, Kind(n)) {
			return nil, fmt.Errorf("unknown fault %q (know %s)", n, listed(Kinds))
		}
		if !slices.Contains(kinds, Kind(n)) {
			kinds = append(kinds, Kind(n))
		}
	}
	return kinds, nil
}

type planner struct {
	spec spec.Spec
	rng  *rand.Rand
}

func (p planner) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(p.rng.Int64N(int64(hi-lo)+1))
}

// steps are one fault, or several that belong together: their At is counted from the first, which lasts longest.
func (p planner) steps(k Kind) []Step {
	if k == Kill && p.ensemble() && p.spec.Servers > 2 && p.rng.IntN(2) == 0 {
		return p.wave()
	}
	return []Step{p.step(k)}
}

func (p planner) step(k Kind) Step {
	session := p.spec.Timing.Session.D()
	var s Step
	switch k {
	case Partition:
		s = pick(p.rng, p.choices(k))
		s.For = spec.Duration(p.between(session*3/2, session*2).Round(time.Millisecond))
	case Kill:
		s = pick(p.rng, p.choices(k))
		s.For = spec.Duration(p.between(session/2, session*3/2).Round(time.Millisecond))
	case Pause:
		s = pick(p.rng, p.choices(k))
		s.For = spec.Duration(p.spec.PauseLength())
	case Clock, MonoRate:
		s = pick(p.rng, p.choices(k))
		s.For = spec.Duration(p.between(session, session*2).Round(time.Millisecond))
	case LoseReply:
		s = pick(p.rng, p.choices(k))
		// Long enough for the participant to have its turn.
		s.For = spec.Duration(2*session + time.Duration(2*p.spec.Participants)*p.spec.Hold.D())
	case Slow:
		s = pick(p.rng, p.choices(k))
		s.For = spec.Duration(p.between(session*3/2, session*2).Round(time.Millisecond))
	}
	s.Fault.Kind = k
	s.Fault.Target.Pick = p.rng.IntN(8)
	return s
}

// choices are the steps of a kind that a step is picked from.
func (p planner) choices(k Kind) []Step {
	if k == MonoRate {
		return p.monoRates()
	}
	if p.ensemble() {
		return p.ofEnsemble(k)
	}
	if p.spec.Workload == "election" {
		return p.election(k)
	}
	if p.spec.Workload == "rebalance" {
		return p.rebalance(k)
	}
	steps := map[Kind]func() []Step{Partition: p.partitions, Kill: p.kills, Pause: p.pauses, Clock: p.clocks, LoseReply: p.losses}[k]()
	if !p.holds() {
		for i := range steps {
			steps[i] = anybody(steps[i])
		}
	}
	return steps
}

// talks tells whether participants of the workload take messages.
func (p planner) talks() bool { return p.spec.Workload == "election" && !p.ensemble() }

// holds tells whether participants of the workload hold something, and say so in their ops.
func (p planner) holds() bool { return p.spec.Workload == "lock" }

// anybody is the step without regard to who holds.
func anybody(s Step) Step {
	s.On = nil
	switch t := &s.Fault.Target; t.Role {
	case Holder, Waiter:
		t.Role = Participant
	case HolderServer:
		t.Role = AnyServer
	}
	return s
}

func pick(r *rand.Rand, steps []Step) Step { return steps[r.IntN(len(steps))] }

func (p planner) partitions() []Step {
	steps := []Step{
		{Fault: Fault{Shape: FromServer, Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Shape: FromServers, Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Shape: FromServers, Target: Target{Role: Participant}}},
	}
	if p.spec.Servers > 1 {
		steps = append(steps,
			Step{Fault: Fault{Shape: FromPeers, Target: Target{Role: Leader}}},
			Step{Fault: Fault{Shape: Isolate, Target: Target{Role: Leader}}},
			Step{Fault: Fault{Shape: Isolate, Target: Target{Role: AnyServer}}},
			Step{Fault: Fault{Shape: FromPeers, Target: Target{Role: HolderServer}}, On: p.midHold()},
			Step{Fault: Fault{Shape: Halves, Target: Target{Role: AnyServer}}},
			Step{Fault: Fault{Shape: OneWayIn, Target: Target{Role: AnyServer}}},
			Step{Fault: Fault{Shape: OneWayOut, Target: Target{Role: AnyServer}}},
		)
	}
	return steps
}

func (p planner) kills() []Step {
	return []Step{
		{Fault: Fault{Target: Target{Role: Leader}}},
		{Fault: Fault{Target: Target{Role: AnyServer}}},
		{Fault: Fault{Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Target: Target{Role: Waiter}}},
	}
}

// pauses are mostly the holder's: a long pause in mid-hold is the classic way to two writers (M. Kleppmann, "How to do
// distributed locking", 2016).
func (p planner) pauses() []Step {
	return []Step{
		{Fault: Fault{Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Target: Target{Role: Holder}}, On: p.midHold()},
		{Fault: Fault{Target: Target{Role: Leader}}},
	}
}

// clocks are jumps of one to ten session timeouts, so that every lease in sight runs out or becomes too long, and rates of a half to two.
func (p planner) clocks() []Step {
	session := p.spec.Timing.Session.D()
	jump := spec.Duration(p.between(session, 10*session).Round(time.Millisecond))
	if p.rng.IntN(2) == 0 {
		jump = -jump
	}
	rate := p.rate()
	var steps []Step
	for _, t := range []Target{{Role: Holder}, {Role: Participant}, {Role: Waiter}, {Role: AnyServer}} {
		var on *Trigger
		if t.Role == Holder {
			on = p.midHold()
		}
		steps = append(steps, Step{Fault: Fault{Target: t, Jump: jump}, On: on}, Step{Fault: Fault{Target: t, Rate: rate}, On: on})
	}
	return steps
}

// rate is one of a half to two.
func (p planner) rate() float64 {
	rate := float64(50+p.rng.IntN(151)) / 100
	if rate == 1 {
		return 2
	}
	return rate
}

// monoRates leave every client its session: at half the rate it still pings within its timeout.
func (p planner) monoRates() []Step {
	steps := []Step{{Fault: Fault{Target: Target{Role: Participant}, Rate: p.rate()}}}
	if p.holds() {
		steps = append(steps,
			Step{Fault: Fault{Target: Target{Role: Holder}, Rate: p.rate()}, On: p.midHold()},
			Step{Fault: Fault{Target: Target{Role: Waiter}, Rate: p.rate()}})
	}
	return steps
}

// clocksOf is clocks for a workload whose holders and waiters go by other names. Who is active is so for long, so that
// the fault needs no moment within a hold.
func (p planner) clocksOf(holder, waiter Role) []Step {
	steps := p.clocks()
	for i := range steps {
		switch s := &steps[i]; s.Fault.Target.Role {
		case Holder:
			s.Fault.Target.Role, s.On = holder, nil
		case Waiter:
			s.Fault.Target.Role = waiter
		}
	}
	return steps
}

// losses are of replies to what the recipe asks for all the time: one that never comes can not be lost.
func (p planner) losses() (steps []Step) {
	ops := []string{"create", "delete", "getChildren2"}
	switch {
	case p.spec.Workload == "counter", p.spec.Workload == "register", p.spec.Recipe == "lease":
		ops = []string{"setData", "getData"}
	case p.spec.Recipe == "ephemeral": // it is not fair: who has held once will hold again, others may never
		return []Step{
			{Fault: Fault{Target: Target{Role: Holder}, Op: "create"}, On: p.midHold()},
			{Fault: Fault{Target: Target{Role: Holder}, Op: "delete"}, On: p.midHold()},
		}
	}
	for _, op := range ops {
		steps = append(steps, Step{Fault: Fault{Target: Target{Role: Participant}, Op: op}})
	}
	return steps
}

// midHold fires within a hold, when the resource has been written at least once, and so early that a long hold outlasts
// the session from there.
func (p planner) midHold() *Trigger {
	return &Trigger{Event: OnAcquired, After: spec.Duration(min(p.spec.Hold.D()/3, p.spec.Timing.Session.D()/4))}
}
