package sim

import (
	"fmt"
	"slices"
	"time"

	"riven/clusters/sim/kernel"
	"riven/clusters/sim/network"
	"riven/harness/env"
	"riven/harness/history"
)

// envelope is a message or its answer.
type envelope struct {
	from string
	m    env.Message
}

// asking is a message that waits for its answer.
type asking struct {
	answer env.Message
	done   kernel.Signal // answered, or the connection broke
	ok     bool
}

// Serve takes messages from now on.
func (i *incarnation) Serve(f func(from string, m env.Message) env.Message) {
	i.group.Check()
	i.serve = f
}

// Ask sends a message on a connection of its own and waits for the answer.
func (i *incarnation) Ask(node string, m env.Message, timeout time.Duration) (env.Message, error) {
	i.group.Check()
	c := i.p.c
	to := slices.Index(c.names, node)
	switch {
	case i.stop.Fired():
		return env.Message{}, env.ErrStopped
	case to < len(c.servers):
		return env.Message{}, fmt.Errorf("%s is told of no node %q that takes messages", i.p.name, node)
	}
	x := new(asking)
	conn := c.messages.Dial(i.p.node, to)
	c.asks[conn] = x
	c.messages.Send(conn, network.Dialler, envelope{i.p.name, m})
	for limit := c.k.DeadlineOn(i.p.node, timeout); !x.done.Fired() && !limit.Fired() && !i.stop.Fired(); {
		i.group.Expect(&x.done)
		i.group.Expect(limit)
		i.group.Expect(i.stop)
		i.group.Park()
	}
	delete(c.asks, conn)
	c.messages.Close(conn, network.Dialler)
	switch {
	case i.stop.Fired():
		return env.Message{}, env.ErrStopped
	case !x.ok:
		return env.Message{}, fmt.Errorf("%s to %s: %w", m.Kind, node, env.ErrNoAnswer)
	}
	return x.answer, nil
}

// messages is the traffic between participants.
type messages struct{ c *Cluster }

func (s messages) part(node int) *incarnation { return s.c.parts[node-len(s.c.servers)].inc }

func (s messages) Listens(node int) bool {
	i := s.part(node)
	return i != nil && i.serve != nil && !i.stop.Fired()
}

func (s messages) Opened(network.Conn, int, int) {}

func (s messages) Arrived(c network.Conn, node, _ int, side network.Side, sent *envelope) {
	if side == network.Dialler {
		if x := s.c.asks[c]; x != nil {
			x.answer, x.ok = sent.m, true
			x.done.Fire()
		}
		return
	}
	i := s.part(node)
	if i == nil || i.serve == nil || i.stop.Fired() {
		return
	}
	m := *sent
	i.group.Go("message", func() {
		for _, d := range slices.Clone(i.delays) {
			came := i.p.c.k.Now()
			if _, err := i.Wait(i.After(d.by)); err != nil {
				return
			}
			i.note(history.Op{F: history.NoteLate, Key: d.fault, N: int64(i.p.c.k.Now() - came)})
		}
		answer := i.serve(m.from, m.m)
		i.group.Check()
		s.c.messages.Send(c, network.Listener, envelope{m: answer})
		s.c.messages.Close(c, network.Listener)
	})
}

func (s messages) Closed(c network.Conn, _, _ int, side network.Side) {
	if side == network.Listener {
		s.c.messages.Close(c, network.Listener)
		return
	}
	if x := s.c.asks[c]; x != nil {
		x.done.Fire()
	}
}
