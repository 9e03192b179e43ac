package nemesis

import (
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// A fault is tied to an event that was so shortly before it, and to an op that was one of the first so many.
const (
	tiedFor = 5 * time.Second
	tiedOps = 50
)

// Armed are the ways to begin a step at an event instead of at a time, as a run in which it began at a time suggests
// them: the event that came last before, aimed at who its node was by then, the most telling first. Events are sorted.
//
// A clock is not armed: two faults of one clock could meet, and neither be judged.
func Armed(s Step, began Receipt, events []history.Event, servers, participants []string) (steps []Step) {
	if s.On != nil || s.Fault.Kind == Clock || len(began.Nodes) == 0 {
		return nil
	}
	view, triggers := before(began.BeginFrom, events, servers, participants)
	targets := append(view.rolesOf(began.Nodes[0]), s.Fault.Target)
	for _, target := range targets {
		for _, on := range triggers {
			if on.Event == OnOp && slices.Contains(participants, began.Nodes[0]) && target == s.Fault.Target {
				target = Target{Node: began.Nodes[0]}
			}
			for _, at := range []spec.Duration{0, s.At} {
				armed := s
				armed.At, armed.Fault.Target = at, target
				if armed.On = &on; on.Event != OnOp || at == 0 { // ops are counted from the begin
					steps = append(steps, armed)
				}
			}
		}
	}
	return steps
}

// before is what was known at that time, and what had just happened: each with the delay that there was, and without.
func before(at int64, events []history.Event, servers, participants []string) (*View, []Trigger) {
	known := []Event{OnAcquired, OnElected, OnAssigned, OnRebalance, OnLeaderChanged}
	c := NewConductor(Plan{}, NewView(servers, participants, nil))
	last := make([]int64, len(known))
	ops := map[string]int{}
	var op Trigger
	var opAt int64
	for i := range events {
		e := &events[i]
		if e.Time > at {
			break
		}
		for j, k := range known {
			if c.triggers(&Trigger{Event: k}, e) {
				last[j] = e.Time
			}
		}
		if e.Type == history.Invoke {
			ops[e.Node]++
			op, opAt = Trigger{Event: OnOp, Node: e.Node, Nth: ops[e.Node]}, e.Time
		}
		c.Observe(0, e)
	}
	var triggers []Trigger
	add := func(t Trigger, since int64) {
		delay := time.Duration(at - since)
		if since == 0 || delay > tiedFor {
			return
		}
		if t.After = spec.Duration(delay.Round(time.Millisecond)); t.After > 0 {
			triggers = append(triggers, t)
		}
		t.After = 0
		triggers = append(triggers, t)
	}
	for i, k := range known {
		add(Trigger{Event: k}, last[i])
	}
	if op.Nth <= tiedOps {
		add(op, opAt)
	}
	return c.View, triggers
}

// rolesOf are the roles that mean the node now.
func (v *View) rolesOf(node string) (targets []Target) {
	for _, r := range []Role{Holder, HolderServer, Active, ActiveServer, Owner, Leader, Follower} {
		t := Target{Role: r}
		nodes := v.candidates(t)
		if i := slices.Index(nodes, node); i >= 0 {
			t.Pick = i
			targets = append(targets, t)
		}
	}
	return targets
}
