package nemesis

import (
	"slices"
	"time"

	"riven/harness/history"
)

// Act is what an order asks for.
type Act string

// Acts.
const (
	ActArm    Act = "arm"    // arm the step in the agents of Nodes
	ActDisarm Act = "disarm" // take that back
	ActBegin  Act = "begin"  // apply Resolved
	ActEnd    Act = "end"    // undo what was begun
)

// Order is one thing for the run to do now. The conductor gives no two orders for a step at once: each is answered by
// Began, Fired or Ended before the next.
type Order struct {
	Act      Act
	Step     Step
	Nodes    []string // arm, disarm
	Resolved Resolved // begin, end
}

type state int

const (
	waiting state = iota // for its time or its trigger
	due                  // triggered: begins at dueAt
	armed                // waits in agents
	active
	over
)

type progress struct {
	step     Step
	inAgent  bool
	state    state
	seen     int // events of the trigger so far
	dueAt    time.Duration
	endAt    time.Duration
	resolved Resolved
}

// Conductor says when which fault of a plan begins and ends. It is a pure state machine: time and events in, orders
// out. Times are since the start of the ops.
type Conductor struct {
	View   *View
	steps  []*progress
	leader string
}

// NewConductor conducts the plan.
func NewConductor(p Plan, v *View) *Conductor {
	c := &Conductor{View: v}
	for _, s := range p.Steps {
		c.steps = append(c.steps, &progress{step: s, inAgent: s.inAgent()})
	}
	return c
}

// inAgent tells whether the step's fault hits the very participant whose event triggers it, so that its agent can apply
// it at once. Agents know of acquisitions and of ops handed over, and of nothing else.
func (s Step) inAgent() bool {
	if s.On == nil || s.Fault.Kind != Kill && s.Fault.Kind != Pause || s.On.Event != OnAcquired && s.On.Event != OnOp {
		return false
	}
	own := s.On.Event == OnAcquired && s.Fault.Target.Role == Holder
	return own || s.On.Node != "" && s.On.Node == s.Fault.Target.Node
}

// Observe takes an event in at the time now.
func (c *Conductor) Observe(now time.Duration, e *history.Event) {
	c.View.Observe(e)
	for _, p := range c.steps {
		t := p.step.On
		if p.state != waiting || t == nil || p.inAgent || now < p.step.At.D() || !c.triggers(t, e) {
			continue
		}
		if p.seen++; p.seen >= max(t.Nth, 1) {
			p.state, p.dueAt = due, now+t.After.D()
		}
	}
	if e.Type == history.Role && e.F == "leader" {
		c.leader = e.Node
	}
}

func (c *Conductor) triggers(t *Trigger, e *history.Event) bool {
	if t.Node != "" && t.Node != e.Node {
		return false
	}
	switch t.Event {
	case OnAcquired:
		return e.Type == history.OK && e.F == "acquire"
	case OnLeaderChanged:
		return e.Type == history.Role && e.F == "leader" && c.leader != "" && c.leader != e.Node
	case OnOp:
		return e.Type == history.Invoke
	case OnElected:
		return e.Type == history.Note && e.F == history.NoteElected
	case OnRebalance:
		return e.Type == history.Note && e.F == history.NoteRebalance
	case OnNote:
		return e.Type == history.Note && e.F == t.Note
	case OnAssigned:
		return e.Type == history.Note && e.F == history.NoteAssigned
	}
	return false
}

// Poll gives the orders that are due. A target that nothing fits yet keeps its step waiting.
func (c *Conductor) Poll(now time.Duration) (orders []Order) {
	for _, p := range c.steps {
		switch {
		case p.state == waiting && now >= p.step.At.D() && p.inAgent:
			p.state = armed
			orders = append(orders, Order{Act: ActArm, Step: p.step, Nodes: c.armedOn(p.step)})
		case p.state == waiting && now >= p.step.At.D() && p.step.On == nil, p.state == due && now >= p.dueAt:
			if r, ok := c.View.Resolve(p.step.Fault); ok {
				p.state, p.resolved = active, r
				p.endAt = now + p.step.For.D()
				c.mark(r, 1)
				orders = append(orders, Order{Act: ActBegin, Step: p.step, Resolved: r})
			}
		case p.state == active && now >= p.endAt:
			orders = append(orders, c.finish(p))
		}
	}
	return orders
}

// Next is when Poll will have something to do if no event comes before; false when nothing is scheduled.
func (c *Conductor) Next() (next time.Duration, ok bool) {
	for _, p := range c.steps {
		var at time.Duration
		switch {
		case p.state == waiting && (p.step.On == nil || p.inAgent):
			at = p.step.At.D()
		case p.state == due:
			at = p.dueAt
		case p.state == active:
			at = p.endAt
		default:
			continue
		}
		if !ok || at < next {
			next, ok = at, true
		}
	}
	return next, ok
}

// Fired says that an armed step took effect on the node; the other agents are to be disarmed.
func (c *Conductor) Fired(now time.Duration, id, node, hold string) []Order {
	p := c.find(id)
	if p == nil || p.state != armed {
		return nil
	}
	p.state, p.endAt = active, now+p.step.For.D()
	p.resolved = Resolved{Nodes: []string{node}, Down: []string{node}, Hold: hold}
	c.mark(p.resolved, 1)
	return []Order{{Act: ActDisarm, Step: p.step, Nodes: without(c.armedOn(p.step), node)}}
}

// Rearm lets a step that was late wait for its trigger again.
func (c *Conductor) Rearm(id string) {
	if p := c.find(id); p != nil && p.step.On != nil {
		p.state, p.seen, p.resolved = waiting, 0, Resolved{}
	}
}

// Finish ends everything: orders to undo what is active and to disarm what is armed. Nothing begins any more.
func (c *Conductor) Finish() (orders []Order) {
	for _, p := range c.steps {
		switch p.state {
		case active:
			orders = append(orders, c.finish(p))
		case armed:
			orders = append(orders, Order{Act: ActDisarm, Step: p.step, Nodes: c.armedOn(p.step)})
		}
		p.state = over
	}
	return orders
}

// Active are the faults in force, in the plan's order.
func (c *Conductor) Active() (rs []Resolved) {
	for _, p := range c.steps {
		if p.state == active {
			rs = append(rs, p.resolved)
		}
	}
	return rs
}

// Late tells whether the step's hold was over before its effect was complete at that time.
func (c *Conductor) Late(r Resolved, effect int64) bool {
	return r.Hold != "" && !c.View.heldAt(r.Hold, effect)
}

func (c *Conductor) finish(p *progress) Order {
	p.state = over
	c.mark(p.resolved, -1)
	return Order{Act: ActEnd, Step: p.step, Resolved: p.resolved}
}

func (c *Conductor) mark(r Resolved, by int) {
	for _, n := range r.Down {
		c.View.down[n] += by
	}
	for _, n := range r.Skewed {
		c.View.skewed[n] += by
	}
}

func (c *Conductor) armedOn(s Step) []string {
	if s.On.Node != "" {
		return []string{s.On.Node}
	}
	return c.View.Participants
}

func (c *Conductor) find(id string) *progress {
	i := slices.IndexFunc(c.steps, func(p *progress) bool { return p.step.ID == id })
	if i < 0 {
		return nil
	}
	return c.steps[i]
}
