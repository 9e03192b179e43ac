package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"riven/clusters"
	"riven/clusters/sim/client"
	"riven/clusters/sim/kernel"
	"riven/harness/history"
	"riven/nemesis"
)

// Cut makes exactly these directions drop.
func (c *Cluster) Cut(_ context.Context, edges []nemesis.Edge) (clusters.Span, error) {
	for from := range c.names {
		for to := range c.names {
			c.edges.Cut(from, to, false)
		}
	}
	for _, e := range edges {
		from, to, err := c.edge(e)
		if err != nil {
			return c.span(), err
		}
		c.edges.Cut(from, to, true)
	}
	return c.span(), nil
}

// Drops reads the counters of every direction.
func (c *Cluster) Drops(context.Context) (drops []clusters.Drop, err error) {
	for from, a := range c.names {
		for to, b := range c.names {
			if system, probes := c.edges.Drops(from, to); system+probes > 0 {
				drops = append(drops, clusters.Drop{Edge: nemesis.Edge{From: a, To: b}, System: system, Probes: probes})
			}
		}
	}
	return drops, nil
}

// Probe sends a datagram along each edge.
func (c *Cluster) Probe(_ context.Context, edges []nemesis.Edge) (probes []clusters.Probe, err error) {
	for _, e := range edges {
		from, to, err := c.edge(e)
		if err != nil {
			return nil, err
		}
		arrived := c.edges.Probe(from, to)
		probes = append(probes, clusters.Probe{Edge: e, Arrived: arrived, Dropped: !arrived})
	}
	return probes, nil
}

// machine is what both kinds of nodes have.
type machine interface {
	running() bool
	pid() int
	boot() int
	stop(how string)
	threads() int
}

func (s *server) threads() int      { return 40 } // of a JVM
func (p *participant) threads() int { return 1 }

func (p *participant) stop(how string) { p.end(how) }

func (c *Cluster) machine(name string) (machine, int, error) {
	i := slices.Index(c.names, name)
	switch {
	case i < 0:
		return nil, 0, fmt.Errorf("the cluster has no node %q", name)
	case i < len(c.servers):
		return c.servers[i], i, nil
	}
	return c.parts[i-len(c.servers)], i, nil
}

// alive is a process of the node: one that boots is one.
func alive(m machine) bool {
	if s, ok := m.(*server); ok {
		return s.running() || s.booting
	}
	return m.running()
}

// Kill ends the node's process.
func (c *Cluster) Kill(_ context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	m, i, err := c.machine(name)
	if err != nil {
		return nemesis.ProcessReceipt{}, c.span(), err
	}
	r := nemesis.ProcessReceipt{Node: name, Gone: true}
	if alive(m) {
		r.Pid = m.pid()
	}
	m.stop("signal: killed")
	c.k.Resume(i)
	span := c.span()
	span.From-- // the kill comes before the exit that it causes
	return r, span, nil
}

// Restart starts a process on the node.
func (c *Cluster) Restart(_ context.Context, name string) (int, clusters.Span, error) {
	m, _, err := c.machine(name)
	switch {
	case err != nil:
		return 0, c.span(), err
	case alive(m):
		return 0, c.span(), fmt.Errorf("restart %s: process %d still runs", name, m.pid())
	}
	return m.boot(), c.span(), nil
}

// Pause makes the node stand still.
func (c *Cluster) Pause(_ context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	m, i, err := c.machine(name)
	switch {
	case err != nil:
		return nemesis.ProcessReceipt{}, c.span(), err
	case !alive(m):
		return nemesis.ProcessReceipt{}, c.span(), fmt.Errorf("pause %s: no child runs", name)
	}
	c.k.Pause(i)
	return nemesis.ProcessReceipt{Node: name, Pid: m.pid(), Threads: m.threads()}, c.span(), nil
}

// Resume lets it go on.
func (c *Cluster) Resume(_ context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	m, i, err := c.machine(name)
	if err != nil {
		return nemesis.ProcessReceipt{}, c.span(), err
	}
	c.k.Resume(i)
	if i >= len(c.servers) {
		c.parts[i-len(c.servers)].next()
	}
	return nemesis.ProcessReceipt{Node: name, Pid: m.pid(), Resumed: true}, c.span(), nil
}

// SetClock skews the node's wall clock, or puts it right again.
func (c *Cluster) SetClock(_ context.Context, name string, offset time.Duration, rate float64) (clusters.ClockReading, clusters.Span, error) {
	m, i, err := c.machine(name)
	if err != nil {
		return clusters.ClockReading{}, c.span(), err
	}
	read := clusters.ClockReading{Before: c.k.Ahead(i)}
	if alive(m) {
		read.Pids = []int{m.pid()}
	}
	c.k.SetClock(i, offset, rate)
	read.Now = c.k.Ahead(i)
	return read, c.span(), nil
}

// SetMonoRate changes the rate of a participant's monotonic clock. A timer of its client that runs already ends as it would have.
func (c *Cluster) SetMonoRate(_ context.Context, name string, rate float64) (clusters.ClockReading, clusters.Span, error) {
	p, err := c.participant(name)
	if err != nil {
		return clusters.ClockReading{}, c.span(), err
	}
	read := clusters.ClockReading{Before: c.k.MonoAhead(p.node)}
	if alive(p) {
		read.Pids = []int{p.pid()}
	}
	c.k.SetMonoRate(p.node, rate)
	read.Now = c.k.MonoAhead(p.node)
	return read, c.span(), nil
}

// LoseReply orders replies to be lost, or takes that back.
func (c *Cluster) LoseReply(_ context.Context, name, fault, op string, count int) error {
	p, err := c.participant(name)
	switch {
	case err != nil:
		return err
	case p.inc == nil && count < 0:
		return nil // the order went with the process
	case !p.running():
		return fmt.Errorf("lose a reply of %s: it does not run", name)
	case !client.KnowsOp(op):
		c.record(p.node, p.starts, history.Event{Type: history.Note, Op: history.Op{
			F: history.NoteUnsupported, Key: fault, Text: fmt.Sprintf("no opcode %q", op),
		}})
	case count < 0:
		p.inc.orders = slices.DeleteFunc(p.inc.orders, func(o order) bool { return o.fault == fault && o.op == op })
	case p.inc == nil:
		p.orders = append(p.orders, order{fault, op, max(1, count)})
	default:
		p.inc.orders = append(p.inc.orders, order{fault, op, max(1, count)})
	}
	return nil
}

// delay is how late messages are taken up for a fault.
type delay struct {
	fault string
	by    time.Duration
}

// Slow has messages taken up late, or no more.
func (c *Cluster) Slow(_ context.Context, name, fault string, by time.Duration) error {
	p, err := c.participant(name)
	switch {
	case err != nil:
		return err
	case !p.running() && by == 0:
		return nil // the order went with the process
	case !p.running():
		return fmt.Errorf("slow %s down: it does not run", name)
	case p.inc != nil && p.inc.serve == nil:
		c.record(p.node, p.starts, history.Event{Type: history.Note, Op: history.Op{F: history.NoteUnsupported, Key: fault, Text: "it takes no messages"}})
		return nil
	}
	delays := &p.delays
	if p.inc != nil {
		delays = &p.inc.delays
	}
	*delays = slices.DeleteFunc(*delays, func(d delay) bool { return d.fault == fault })
	if by > 0 {
		*delays = append(*delays, delay{fault, by})
	}
	return nil
}

// arms are the faults that wait on a participant's machine.
type arms struct {
	armed  []*arming
	firing []*arming // from their event until their effect
	last   uint64
}

type arming struct {
	clusters.Armed
	number uint64
	seen   int
	inc    int
	hold   string
	over   bool // what it was armed on no longer holds
}

// Arm arms the fault on these nodes.
func (c *Cluster) Arm(_ context.Context, nodes []string, a clusters.Armed) error {
	for _, n := range nodes {
		p, err := c.participant(n)
		if err != nil {
			return fmt.Errorf("arm %s: %w", a.Fault, err)
		}
		p.arms.last++
		p.arms.armed = append(p.arms.armed, &arming{Armed: a, number: p.arms.last})
		slices.SortStableFunc(p.arms.armed, func(x, y *arming) int { return cmp.Compare(x.Fault, y.Fault) })
	}
	return nil
}

// Disarm takes it back.
func (c *Cluster) Disarm(_ context.Context, nodes []string, fault string) error {
	for _, n := range nodes {
		p, err := c.participant(n)
		if err != nil {
			return fmt.Errorf("disarm %s: %w", fault, err)
		}
		isIt := func(a *arming) bool { return a.Fault == fault }
		p.arms.armed = slices.DeleteFunc(p.arms.armed, isIt)
		p.arms.firing = slices.DeleteFunc(p.arms.firing, isIt)
	}
	return nil
}

func (p *participant) acquired(hold string) { p.event(nemesis.OnAcquired, hold) }

func (p *participant) handedOver(op history.Op) {
	if op.F == "release" {
		p.over(op.Hold)
	}
	p.event(nemesis.OnOp, "")
}

// event fires what waits for it.
func (p *participant) event(e nemesis.Event, hold string) {
	for _, a := range slices.Clone(p.arms.armed) {
		if a.Event != e {
			continue
		}
		if a.seen++; a.seen < a.Nth {
			continue
		}
		p.arms.armed = slices.DeleteFunc(p.arms.armed, func(x *arming) bool { return x == a })
		a.inc, a.hold = p.starts, hold
		p.arms.firing = append(p.arms.firing, a)
		p.c.k.After(a.After, kernel.World, armed{p}, 0, a.number, 0)
	}
}

// over ends a hold; an op or a note that names none ends whichever there is.
func (p *participant) over(hold string) {
	for _, a := range p.arms.firing {
		if a.Event == nemesis.OnAcquired && (hold == "" || a.hold == "" || a.hold == hold) {
			a.over = true
		}
	}
}

// armed takes the time of a firing; it outlives the process.
type armed struct{ p *participant }

func (a armed) Handle(_ uint8, number, _ uint64) { a.p.fire(number) }

// fire carries an armed fault out, unless it was disarmed meanwhile.
func (p *participant) fire(number uint64) {
	k := slices.IndexFunc(p.arms.firing, func(a *arming) bool { return a.number == number })
	if k < 0 {
		return
	}
	a := p.arms.firing[k]
	p.arms.firing = slices.Delete(p.arms.firing, k, k+1)
	out := clusters.Fired{Fault: a.Fault, Node: p.name, Hold: a.hold, Span: p.c.span(), Late: a.over}
	out.Receipt.Node = p.name
	switch {
	case p.inc == nil || p.starts != a.inc || p.c.k.Paused(p.node):
		out.Late = true
	case a.Kind == nemesis.Kill:
		out.Receipt, out.Span, _ = p.c.Kill(context.Background(), p.name)
	default:
		out.Receipt, _, _ = p.c.Pause(context.Background(), p.name)
	}
	p.c.obs.Fired(out)
	p.next()
}
