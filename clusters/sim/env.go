package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"riven/clusters/sim/client"
	"riven/clusters/sim/kernel"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
)

var _ env.Env = (*incarnation)(nil)

// ID is that of the incarnation.
func (i *incarnation) ID() string { return i.id() }

// Now is the node's wall clock.
func (i *incarnation) Now() time.Time {
	return began.Add(i.p.c.k.Now() + i.p.c.k.Ahead(i.p.node))
}

// Mono is the node's monotonic clock, from the start of the incarnation.
func (i *incarnation) Mono() time.Duration { return i.p.c.k.Mono(i.p.node) - i.begin }

// Rand is seeded by node and incarnation.
func (i *incarnation) Rand() *rand.Rand { return i.rng }

// Go starts a task.
func (i *incarnation) Go(name string, f func()) {
	i.group.Check()
	i.group.Go(name, f)
}

// After is a signal that fires by the monotonic clock.
func (i *incarnation) After(d time.Duration) coord.Signal { return i.p.c.k.DeadlineOn(i.p.node, d) }

// Cond is a signal that the recipe fires.
func (i *incarnation) Cond() env.Cond { return new(kernel.Signal) }

// Wait gives the turn away until a signal has fired or the node stops.
func (i *incarnation) Wait(signals ...coord.Signal) (int, error) {
	i.group.Check()
	for {
		if i.stop.Fired() {
			return 0, env.ErrStopped
		}
		if k := slices.IndexFunc(signals, coord.Signal.Fired); k >= 0 {
			return k, nil
		}
		for _, s := range signals {
			i.group.Expect(s)
		}
		i.group.Expect(i.stop)
		i.group.Park()
	}
}

// Open waits for a session.
func (i *incarnation) Open(o coord.Options) (coord.Session, error) {
	i.group.Check()
	if i.stop.Fired() {
		return nil, env.ErrStopped
	}
	s, err := client.Open(sessionHost{i}, i.p.c.profile, o.Timeout)
	if err != nil && i.stop.Fired() {
		return nil, env.ErrStopped
	}
	return s, err
}

// Call asks a resource of the harness. The way there and the way back take some time each.
func (i *incarnation) Call(r env.Request) (env.Reply, error) {
	i.group.Check()
	if i.stop.Fired() {
		return env.Reply{}, env.ErrStopped
	}
	n := slices.IndexFunc(i.calls, func(x *calling) bool { return !x.busy })
	if n < 0 {
		n = len(i.calls)
		i.calls = append(i.calls, new(calling))
	}
	x := i.calls[n]
	*x = calling{r: r, busy: true}
	p := i.p
	p.c.k.After(p.way(), p.node, p, evAccess, uint64(n), p.life)
	for !x.done.Fired() && !i.stop.Fired() {
		i.group.Expect(&x.done)
		i.group.Expect(i.stop)
		i.group.Park()
	}
	if !x.done.Fired() {
		return env.Reply{}, env.ErrStopped
	}
	x.busy = false
	return x.reply, nil
}

// decide lets the resource decide.
func (i *incarnation) decide(n uint64) {
	p, x := i.p, i.calls[n]
	r := x.r
	x.reply = p.c.obs.Decide(p.name, r)
	op := history.Op{Key: r.Resource, F: r.Key, Hold: r.Hold, Token: r.Token, N: r.N, Text: r.Text}
	p.c.record(p.node, i.number, history.Event{Type: history.Access, Seq: x.reply.Seq, Rejected: !x.reply.Accepted, Op: op})
	p.c.k.After(p.way(), kernel.World, p, evReplied, n, p.life)
}

// replied hands the decision to the process.
func (i *incarnation) replied(n uint64) {
	p, x := i.p, i.calls[n]
	p.c.record(p.node, i.number, history.Event{
		Type: history.Answer, Seq: x.reply.Seq, Rejected: !x.reply.Accepted, Op: history.Op{N: x.reply.N, Text: x.reply.Text},
	})
	x.done.Fire()
}

// Note is recorded.
func (i *incarnation) Note(n env.Note) {
	i.group.Check()
	i.note(history.Op{F: n.Kind, Key: n.Key, Hold: n.Hold, Token: n.Token, N: n.N, Text: n.Text})
}

func (i *incarnation) note(op history.Op) {
	p := i.p
	if op.F == history.NoteLost || op.F == history.NoteExpired {
		p.over(op.Hold)
	}
	p.c.record(p.node, i.number, history.Event{Type: history.Note, Mono: p.c.stamp(), Op: op})
}
