package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/clusters"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
)

// inForce is a fault between its begin and its end.
type inForce struct {
	receipt nemesis.Receipt
	edges   []nemesis.Edge
	before  map[nemesis.Edge]clusters.Drop // counters at the begin
}

// begin applies a step and observes that it took effect.
func (r *run) begin(ctx context.Context, o nemesis.Order) {
	f := &inForce{receipt: nemesis.Receipt{Step: o.Step, Nodes: o.Resolved.Nodes, Expect: r.conductor.View.Expect(r.conductor.Active())}}
	f.edges = o.Resolved.Edges
	r.ledger(o.Step.ID, results.Apply, describe(o))
	span, err := r.apply(ctx, o, f)
	f.receipt.BeginFrom, f.receipt.Begin = span.From, span.To
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		f.receipt.Status, f.receipt.Why = nemesis.Unsupported, err.Error()
	case err != nil:
		f.receipt.Status, f.receipt.Why = nemesis.Failed, err.Error()
	}
	r.force[o.Step.ID] = f
	r.ledger(o.Step.ID, results.Applied, describe(o))
	r.faultEvent(o, "begin", span)
}

func (r *run) apply(ctx context.Context, o nemesis.Order, f *inForce) (span clusters.Span, err error) {
	node := o.Resolved.Nodes[0]
	var p nemesis.ProcessReceipt
	switch fault := o.Step.Fault; fault.Kind {
	case nemesis.Partition:
		return r.cut(ctx, f)
	case nemesis.Kill:
		p, span, err = r.cluster.Kill(ctx, node)
	case nemesis.Pause:
		p, span, err = r.cluster.Pause(ctx, node)
	case nemesis.Clock, nemesis.MonoRate:
		set := func() (clusters.ClockReading, clusters.Span, error) {
			if fault.Kind == nemesis.MonoRate {
				return r.cluster.SetMonoRate(ctx, node, fault.Rate)
			}
			return r.cluster.SetClock(ctx, node, fault.Jump.D(), fault.ClockRate())
		}
		read, span, err := set()
		f.receipt.Clocks = []nemesis.ClockReceipt{{Node: node, Pids: read.Pids, Before: spec.Duration(read.Before), Begin: spec.Duration(read.Now)}}
		return span, err
	case nemesis.LoseReply:
		now := r.stamp()
		return clusters.Span{From: now, To: now}, r.cluster.LoseReply(ctx, node, o.Step.ID, fault.Op, max(fault.Count, 1))
	case nemesis.Slow:
		now := r.stamp()
		return clusters.Span{From: now, To: now}, r.cluster.Slow(ctx, node, o.Step.ID, fault.Delay.D())
	}
	f.receipt.Processes = []nemesis.ProcessReceipt{p}
	return span, err
}

// cut adds the edges to those that are cut already, and probes each of them.
func (r *run) cut(ctx context.Context, f *inForce) (clusters.Span, error) {
	before, err := r.drops(ctx)
	if err != nil {
		return clusters.Span{}, fmt.Errorf("read drop counters: %w", err)
	}
	f.before = before
	span, err := r.cluster.Cut(ctx, union(r.cutEdges(), f.edges))
	if err != nil {
		return span, fmt.Errorf("cut: %w", err)
	}
	probes, err := r.cluster.Probe(ctx, f.edges)
	if err != nil {
		return span, fmt.Errorf("probe the cut: %w", err)
	}
	for _, p := range probes {
		f.receipt.Edges = append(f.receipt.Edges, nemesis.EdgeReceipt{Edge: p.Edge, Cut: p.Dropped && !p.Arrived})
	}
	return span, nil
}

// end undoes a step, observes that it is undone and writes its receipt.
func (r *run) end(ctx context.Context, o nemesis.Order) {
	f := r.force[o.Step.ID]
	if f == nil {
		return
	}
	delete(r.force, o.Step.ID)
	r.lift(ctx, o, f)
	r.settle(o, f)
}

// lift undoes what a step did and notes when.
func (r *run) lift(ctx context.Context, o nemesis.Order, f *inForce) {
	r.ledger(o.Step.ID, results.Undo, describe(o))
	span, err := r.undo(ctx, o, f)
	f.receipt.End, f.receipt.EndBy = span.From, span.To
	r.ledger(o.Step.ID, results.Undone, describe(o))
	r.faultEvent(o, "end", span)
	if err != nil && f.receipt.Status != nemesis.Failed {
		f.receipt.Status, f.receipt.Why = nemesis.Failed, err.Error()
	}
}

func (r *run) undo(ctx context.Context, o nemesis.Order, f *inForce) (span clusters.Span, err error) {
	node := o.Resolved.Nodes[0]
	late := f.receipt.Status == nemesis.Late && f.receipt.Processes[0].Pid == 0 // an agent found nothing to apply it to
	if late || f.receipt.Status == nemesis.Unsupported {
		now := r.stamp()
		return clusters.Span{From: now, To: now}, nil
	}
	switch o.Step.Fault.Kind {
	case nemesis.Partition:
		return r.heal(ctx, f)
	case nemesis.Kill:
		var pid int
		pid, span, err = r.cluster.Restart(ctx, node)
		if len(f.receipt.Processes) > 0 {
			f.receipt.Processes[0].NewPid = pid
		}
	case nemesis.Pause:
		var p nemesis.ProcessReceipt
		p, span, err = r.cluster.Resume(ctx, node)
		if len(f.receipt.Processes) > 0 {
			f.receipt.Processes[0].Resumed = p.Resumed
		}
	case nemesis.Clock, nemesis.MonoRate:
		var read clusters.ClockReading
		if o.Step.Fault.Kind == nemesis.MonoRate {
			read, span, err = r.cluster.SetMonoRate(ctx, node, 1)
		} else {
			read, span, err = r.cluster.SetClock(ctx, node, 0, 1)
		}
		c := &f.receipt.Clocks[0]
		c.Last, c.After = spec.Duration(read.Before), spec.Duration(read.Now)
		if len(read.Pids) > 0 {
			c.LastPid = read.Pids[0]
		} else {
			c.Killed = r.killed(node)
		}
	case nemesis.LoseReply:
		// What was not lost yet is not lost any more.
		err = r.cluster.LoseReply(ctx, node, o.Step.ID, o.Step.Fault.Op, -1)
		now := r.stamp()
		span = clusters.Span{From: now, To: now}
		f.receipt.Lost = r.lostReplies(o.Step.ID)
	case nemesis.Slow:
		err = r.cluster.Slow(ctx, node, o.Step.ID, 0)
		now := r.stamp()
		span = clusters.Span{From: now, To: now}
		f.receipt.Late = r.lateMessages(o.Step.ID)
	}
	return span, err
}

// killed tells whether a kill of the node is in force.
func (r *run) killed(node string) bool {
	return slices.ContainsFunc(r.plan.Steps, func(s nemesis.Step) bool {
		f := r.force[s.ID]
		return f != nil && s.Fault.Kind == nemesis.Kill && slices.Contains(f.receipt.Nodes, node)
	})
}

func (r *run) heal(ctx context.Context, f *inForce) (clusters.Span, error) {
	after, err := r.drops(ctx)
	if err != nil {
		return clusters.Span{}, fmt.Errorf("read drop counters: %w", err)
	}
	still := r.cutEdges()
	span, err := r.cluster.Cut(ctx, still)
	if err != nil {
		return span, fmt.Errorf("heal: %w", err)
	}
	open := slices.DeleteFunc(slices.Clone(f.edges), func(e nemesis.Edge) bool { return slices.Contains(still, e) })
	probes, err := r.cluster.Probe(ctx, open)
	if err != nil {
		return span, fmt.Errorf("probe the heal: %w", err)
	}
	healed := map[nemesis.Edge]bool{}
	for _, p := range probes {
		healed[p.Edge] = p.Arrived
	}
	for i := range f.receipt.Edges {
		e := &f.receipt.Edges[i]
		e.Packets = after[e.Edge].System - f.before[e.Edge].System
		e.Healed = healed[e.Edge] || slices.Contains(still, e.Edge)
	}
	return span, nil
}

// settle decides what the receipt says and writes it; a step that came too late waits for its trigger again.
func (r *run) settle(o nemesis.Order, f *inForce) {
	if why, is := r.unsupported(o.Step.ID); is {
		f.receipt.Status, f.receipt.Why = nemesis.Unsupported, why
	}
	if f.receipt.Status == "" {
		f.receipt.Status, f.receipt.Why = judgeReceipt(f.receipt)
	}
	effect := f.receipt.Begin
	if len(f.receipt.Processes) > 0 {
		effect = f.receipt.BeginFrom // the death or standstill itself ends the hold
	}
	if f.receipt.Status == nemesis.Applied && r.conductor.Late(o.Resolved, effect) {
		f.receipt.Status, f.receipt.Why = nemesis.Late, "the hold "+o.Resolved.Hold+" was over before the fault was in force"
	}
	if f.receipt.Status == nemesis.Late && r.elapsed()+o.Step.For.D() < r.spec.Time.D() {
		r.conductor.Rearm(o.Step.ID)
	}
	r.receipt(f.receipt)
}

// judgeReceipt tells from the observations whether the fault had its effect.
func judgeReceipt(x nemesis.Receipt) (nemesis.Status, string) {
	touched := false
	for _, e := range x.Edges {
		switch {
		case !e.Cut:
			return nemesis.Failed, fmt.Sprintf("a probe from %s to %s was not seen to be dropped", e.From, e.To)
		case !e.Healed:
			return nemesis.Failed, fmt.Sprintf("after the end no probe from %s reached %s", e.From, e.To)
		}
		touched = touched || e.Packets > 0
	}
	switch x.Step.Fault.Kind {
	case nemesis.Partition:
		if !touched {
			return nemesis.NoEffect, "no packet of the system was dropped on any cut edge"
		}
	case nemesis.LoseReply:
		if len(x.Lost) == 0 {
			return nemesis.NoEffect, "no reply to " + x.Step.Fault.Op + " came while it was in force"
		}
	case nemesis.Slow:
		switch delay := x.Step.Fault.Delay; {
		case len(x.Late) == 0:
			return nemesis.NoEffect, "no message was taken up late while it was in force"
		case x.Late[0].Least < delay:
			return nemesis.Failed, fmt.Sprintf("a message was taken up %v late instead of %v", x.Late[0].Least.D(), delay.D())
		}
	case nemesis.Kill:
		switch p := x.Processes[0]; {
		case p.Pid == 0:
			return nemesis.NoEffect, "no process was there to kill"
		case !p.Gone || p.NewPid == 0:
			return nemesis.Failed, fmt.Sprintf("pid %d gone: %v, started again as pid %d", p.Pid, p.Gone, p.NewPid)
		}
	case nemesis.Clock:
		return judgeClock(x)
	case nemesis.MonoRate:
		return judgeMono(x)
	case nemesis.Pause:
		if p := x.Processes[0]; p.Threads == 0 || !p.Resumed {
			return nemesis.Failed, fmt.Sprintf("%d threads seen stopped, resumed: %v", p.Threads, p.Resumed)
		}
	}
	return nemesis.Applied, ""
}

// fired takes in an armed fault that an agent has applied by itself.
func (r *run) fired(ctx context.Context, x clusters.Fired) {
	orders := r.conductor.Fired(r.elapsed(), x.Fault, x.Node, x.Hold)
	step := r.plan.Steps[slices.IndexFunc(r.plan.Steps, func(s nemesis.Step) bool { return s.ID == x.Fault })]
	o := nemesis.Order{Act: nemesis.ActBegin, Step: step, Resolved: nemesis.Resolved{Nodes: []string{x.Node}, Down: []string{x.Node}, Hold: x.Hold}}
	f := &inForce{receipt: nemesis.Receipt{
		Step: step, Nodes: []string{x.Node}, BeginFrom: x.Span.From, Begin: x.Span.To,
		Processes: []nemesis.ProcessReceipt{x.Receipt}, Expect: r.conductor.View.Expect(r.conductor.Active()),
	}}
	stray := len(orders) == 0
	switch {
	case stray:
		f.receipt.Status, f.receipt.Why = nemesis.Late, "it struck "+x.Node+" before it could be disarmed"
	case x.Late && x.Receipt.Pid == 0:
		f.receipt.Status, f.receipt.Why = nemesis.Late, "the process had ended, or stood still, before the fault was in force"
	case x.Late:
		f.receipt.Status, f.receipt.Why = nemesis.Late, "the hold "+x.Hold+" was over before the fault was in force"
	}
	r.ledger(step.ID, results.Applied, describe(o))
	r.faultEvent(o, "begin", x.Span)
	if stray {
		r.lift(ctx, o, f)
		r.receipt(f.receipt)
		return
	}
	r.force[step.ID] = f
	r.carryOut(ctx, orders)
}

// carryOut does what the conductor orders, one after the other.
func (r *run) carryOut(ctx context.Context, orders []nemesis.Order) {
	for _, o := range orders {
		switch o.Act {
		case nemesis.ActBegin:
			r.begin(ctx, o)
		case nemesis.ActEnd:
			r.end(ctx, o)
		case nemesis.ActArm:
			r.ledger(o.Step.ID, results.Apply, "armed in "+strings.Join(o.Nodes, ", "))
			t := o.Step.On
			a := clusters.Armed{Fault: o.Step.ID, Event: t.Event, Nth: max(t.Nth, 1), After: t.After.D(), Kind: o.Step.Fault.Kind}
			if err := r.cluster.Arm(ctx, o.Nodes, a); err != nil {
				r.problem(fmt.Errorf("arm %s: %w", o.Step.ID, err))
			}
		case nemesis.ActDisarm:
			if err := r.cluster.Disarm(ctx, o.Nodes, o.Step.ID); err != nil {
				r.problem(fmt.Errorf("disarm %s: %w", o.Step.ID, err))
			}
		}
	}
}

// drops reads the counters by edge.
func (r *run) drops(ctx context.Context) (map[nemesis.Edge]clusters.Drop, error) {
	list, err := r.cluster.Drops(ctx)
	m := make(map[nemesis.Edge]clusters.Drop, len(list))
	for _, d := range list {
		m[d.Edge] = d
	}
	return m, err
}

// cutEdges are the edges of all partitions in force.
func (r *run) cutEdges() (edges []nemesis.Edge) {
	for _, s := range r.plan.Steps {
		if f := r.force[s.ID]; f != nil {
			edges = union(edges, f.edges)
		}
	}
	return edges
}

func union(a, b []nemesis.Edge) []nemesis.Edge {
	out := slices.Clone(a)
	for _, e := range b {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// describe is the fault in a few words, as people read it in the ledger and on the page.
func describe(o nemesis.Order) string {
	f := o.Step.Fault
	s := string(f.Kind)
	if f.Shape != "" {
		s += " " + string(f.Shape)
	}
	if f.Jump != 0 {
		s += " by " + f.Jump.D().String()
	}
	if f.Rate != 0 {
		s += fmt.Sprintf(" at rate %v", f.Rate)
	}
	if f.Delay != 0 {
		s += " by " + f.Delay.D().String()
	}
	if f.Op != "" {
		s += " " + f.Op
	}
	if f.Target.Role != "" {
		s += " " + string(f.Target.Role)
	}
	for _, n := range o.Resolved.Nodes {
		s += " " + n
	}
	return s
}

func (r *run) faultEvent(o nemesis.Order, what string, span clusters.Span) {
	r.Record(history.Event{
		Time: span.From, End: span.To, Type: history.Fault, Process: history.NoProcess, Node: o.Resolved.Nodes[0],
		Op: history.Op{F: what, Key: o.Step.ID, Hold: o.Resolved.Hold, Text: describe(o)},
	})
}

// elapsed is the time since the start of the ops.
func (r *run) elapsed() time.Duration { return r.clock.since(r.opsStart) }
