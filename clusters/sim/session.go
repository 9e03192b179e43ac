package sim

import (
	"slices"
	"time"

	"riven/clusters/sim/client"
	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/kernel"
	"riven/clusters/sim/network"
	"riven/harness/coord"
	"riven/harness/history"
	"riven/nemesis"
)

// packet is what goes between a client and a server.
type packet struct {
	hello *ensemble.Hello
	req   *ensemble.Request
	reply ensemble.Reply
}

// sessionHost is the world of an incarnation's clients.
type sessionHost struct{ i *incarnation }

var _ client.Host = sessionHost{}

func (h sessionHost) Servers() int           { return len(h.i.p.servers) }
func (h sessionHost) Name(server int) string { return h.i.p.c.names[h.i.p.servers[server]] }
func (h sessionHost) Now() time.Duration     { return h.i.p.c.k.Mono(h.i.p.node) }
func (h sessionHost) Check()                 { h.i.group.Check() }
func (h sessionHost) Note(op history.Op)     { h.i.note(op) }
func (h sessionHost) Deadline(d time.Duration) kernel.Deadline {
	return h.i.p.c.k.DeadlineOn(h.i.p.node, d)
}

// streamDial keeps the draws of a node's clients apart from others.
const streamDial = 6 << 32

func (h sessionHost) Within(d time.Duration) time.Duration {
	c := h.i.p.c
	return c.k.Between(streamDial|uint64(h.i.p.node), c.k.Events(), 0, d)
}

// Began keeps the client so that it can be ended with its node.
func (h sessionHost) Began(c *client.Client) {
	h.i.clients = append(slices.DeleteFunc(h.i.clients, (*client.Client).Dead), c)
}

func (h sessionHost) Dial(c *client.Client, server int) network.Conn {
	w := h.i.p.c
	conn := w.sessions.Dial(h.i.p.node, h.i.p.servers[server])
	w.clients[conn] = c
	return conn
}

func (h sessionHost) Greet(c network.Conn, hello ensemble.Hello) {
	h.i.p.c.sessions.Send(c, network.Dialler, packet{hello: &hello})
}

func (h sessionHost) Send(c network.Conn, r *ensemble.Request) {
	h.i.p.c.sessions.Send(c, network.Dialler, packet{req: r})
}

func (h sessionHost) Hangup(c network.Conn) {
	delete(h.i.p.c.clients, c)
	h.i.p.c.sessions.Close(c, network.Dialler)
}

func (h sessionHost) After(d time.Duration, c *client.Client, t client.Timer) {
	i := h.i
	var n uint64
	if k := len(i.spare); k > 0 {
		n = i.spare[k-1]
		i.spare = i.spare[:k-1]
		i.timers[n] = timer{c, t}
	} else {
		n = uint64(len(i.timers))
		i.timers = append(i.timers, timer{c, t})
	}
	i.p.c.k.After(i.p.c.k.Lasts(i.p.node, d), i.p.node, i.p, evClient, n, i.p.life)
}

// Wait parks the task.
func (h sessionHost) Wait(signals ...coord.Signal) {
	for _, s := range signals {
		h.i.group.Expect(s)
	}
	h.i.group.Park()
}

func (h sessionHost) Wire(op history.Op, err string) {
	p := h.i.p
	p.c.record(p.node, h.i.number, history.Event{Type: history.Wire, Error: err, Op: op})
}

func (h sessionHost) Lose(op string, xid int32, zxid int64) bool {
	fault, ok := h.i.lose(op)
	if ok {
		h.i.p.c.obs.Lost(fault, nemesis.LostReply{Node: h.i.p.name, Op: op, Xid: int64(xid), Zxid: zxid})
	}
	return ok
}

// sessions is the traffic between clients and servers.
type sessions struct{ c *Cluster }

func (s sessions) Listens(node int) bool { return s.c.servers[node].running() }

func (s sessions) Opened(c network.Conn, _, _ int) {
	if x := s.c.clients[c]; x != nil {
		x.Connected(c)
	}
}

func (s sessions) Arrived(c network.Conn, node, _ int, side network.Side, m *packet) {
	if side == network.Dialler {
		if x := s.c.clients[c]; x != nil {
			x.Heard(c, &m.reply)
		}
		return
	}
	v := s.c.servers[node]
	switch {
	case !v.running():
		return
	case m.hello != nil:
		v.zk.Accept(ensemble.Conn(c), *m.hello)
	default:
		v.zk.Request(ensemble.Conn(c), m.req)
	}
	v.look()
}

func (s sessions) Closed(c network.Conn, node, _ int, side network.Side) {
	if side == network.Dialler {
		if x := s.c.clients[c]; x != nil {
			delete(s.c.clients, c)
			x.Broken(c)
		}
		return
	}
	if v := s.c.servers[node]; v.running() {
		v.zk.ConnBroken(ensemble.Conn(c))
		s.c.sessions.Close(c, network.Listener)
	}
}

// crash is the end of all that a participant's process had open.
func (c *Cluster) crash(node int) {
	c.sessions.Crash(node)
	c.messages.Crash(node)
}
