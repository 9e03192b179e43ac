package network

import (
	"time"

	"riven/clusters/sim/kernel"
)

// Conn names a connection. No two of a run have the same name.
type Conn uint64

// Side is an end of a connection.
type Side uint8

// Sides.
const (
	Dialler Side = iota
	Listener
)

// User is told what becomes of connections. It may call the Net from within.
type User[M any] interface {
	// Listens tells whether somebody takes connections on the node.
	Listens(node int) bool
	// Opened says that both ends are connected; the listener hears it with the dialler.
	Opened(c Conn, from, to int)
	// Arrived hands over what the other end, at the node from, sent. It is good until the call returns.
	Arrived(c Conn, node, from int, side Side, m *M)
	// Closed says that an end can not be used any more: the other end was closed, found nobody, or could not be reached.
	Closed(c Conn, node, other int, side Side)
}

// Net is the connections that carry M.
type Net[M any] struct {
	edges *Edges
	k     *kernel.Kernel
	user  User[M]
	conns []*conn[M]
	spare []int      // indexes of conns that are over
	over  []*conn[M] // whose room is used again
	made  uint64
	// Patience is how often a dial is tried each second before it is given up; 0: as TCP does, later and later.
	Patience int
}

type conn[M any] struct {
	name   Conn
	open   bool
	tries  int // to dial
	ends   [2]end[M]
	events int // under way in the kernel
}

// end is one end and what it has sent.
type end[M any] struct {
	node    int
	closed  bool
	sent    fifo[M] // not yet delivered
	late    int     // of those have been dropped once
	probed  bool    // one of those has been sent again once
	last    time.Duration
	retry   time.Duration // the wait before the next retry; 0: none is under way
	unacked time.Duration // since when acknowledgements are missed
	inbox   fifo[M]       // arrived at the other end, whose node is paused
}

const (
	evArrive uint8 = iota
	evRetry
	evDial
	evInbox
	evReset
)

// New is a net without connections.
func New[M any](k *kernel.Kernel, edges *Edges, user User[M]) *Net[M] {
	return &Net[M]{edges: edges, k: k, user: user}
}

const indexBits = 20

func (n *Net[M]) get(c Conn) *conn[M] {
	x := n.conns[c&(1<<indexBits-1)]
	if x == nil || x.name != c {
		return nil
	}
	return x
}

// Dial begins to connect: Opened or Closed will be called. What is sent before that is kept.
func (n *Net[M]) Dial(from, to int) Conn {
	n.made++
	i := len(n.conns)
	if k := len(n.spare); k > 0 {
		i = n.spare[k-1]
		n.spare = n.spare[:k-1]
	} else {
		n.conns = append(n.conns, nil)
	}
	x := n.room()
	x.name = Conn(n.made<<indexBits | uint64(i))
	x.ends[Dialler].node, x.ends[Listener].node = from, to
	n.conns[i] = x
	n.after(x, n.edges.latency(from, to)+n.edges.latency(to, from), evDial, 0)
	return x.name
}

// Send sends on an end that has not been closed; on any other it does nothing.
func (n *Net[M]) Send(c Conn, side Side, m M) {
	if x := n.get(c); x != nil {
		n.send(x, side, &m, false)
	}
}

// SendFrom is Send on the end at that node.
func (n *Net[M]) SendFrom(c Conn, node int, m M) {
	if x := n.get(c); x != nil {
		n.send(x, x.at(node), &m, false)
	}
}

// CloseFrom is Close of the end at that node.
func (n *Net[M]) CloseFrom(c Conn, node int) {
	if x := n.get(c); x != nil {
		n.Close(c, x.at(node))
	}
}

func (x *conn[M]) at(node int) Side {
	if x.ends[Dialler].node == node {
		return Dialler
	}
	return Listener
}

// Close closes an end. What was sent before still arrives.
func (n *Net[M]) Close(c Conn, side Side) {
	x := n.get(c)
	if x == nil || x.ends[side].closed {
		return
	}
	if !x.open {
		x.ends[Dialler].closed, x.ends[Listener].closed = true, true
		n.drop(x)
		return
	}
	var none M
	n.send(x, side, &none, true)
	x.ends[side].closed = true
	n.drop(x)
}

// Crash closes all ends of the node, whose process has died. Who is still dialling it finds out when the dial arrives.
func (n *Net[M]) Crash(node int) {
	for _, x := range n.conns {
		if x == nil {
			continue
		}
		for side := range x.ends {
			if x.ends[side].node == node && (x.open || Side(side) == Dialler) {
				x.ends[1-side].inbox = fifo[M]{}
				n.Close(x.name, Side(side))
			}
		}
	}
}

// Unsent takes what was sent on a connection that is not open yet, and gives it up. It says false of any other.
func (n *Net[M]) Unsent(c Conn) (sent []M, ok bool) {
	x := n.get(c)
	if x == nil || x.open {
		return nil, false
	}
	for _, p := range x.ends[Dialler].sent.waiting() {
		sent = append(sent, p.m)
	}
	n.Close(c, Dialler)
	return sent, true
}

func (n *Net[M]) after(x *conn[M], d time.Duration, kind uint8, side Side) {
	x.events++
	n.k.After(d, kernel.World, n, kind, uint64(x.name), uint64(side))
}

func (n *Net[M]) send(x *conn[M], side Side, m *M, fin bool) {
	e := &x.ends[side]
	if e.closed {
		return
	}
	p := e.sent.push()
	p.m, p.fin = *m, fin
	if x.open {
		n.depart(x, side)
	}
}

func (n *Net[M]) depart(x *conn[M], side Side) {
	e := &x.ends[side]
	e.last = max(e.last+1, n.k.Now()+n.edges.latency(e.node, x.ends[1-side].node))
	n.after(x, e.last-n.k.Now(), evArrive, side)
}

// Handle takes an event of the kernel.
func (n *Net[M]) Handle(kind uint8, name, side uint64) {
	x := n.get(Conn(name))
	if x == nil {
		return
	}
	x.events--
	switch kind {
	case evDial:
		n.dialled(x)
	case evArrive:
		n.arrive(x, Side(side))
	case evRetry:
		n.retried(x, Side(side))
	case evInbox:
		e := &x.ends[side]
		if !e.inbox.empty() {
			n.hand(x, Side(side), e.inbox.pop())
		}
	case evReset:
		n.reset(x, Side(side))
	}
	n.drop(x)
	if n.get(Conn(name)) == nil { // nobody below works on it
		n.over = append(n.over, x)
	}
}

// room is a connection to be filled, with the room that one before had for its packets.
func (n *Net[M]) room() *conn[M] {
	k := len(n.over)
	if k == 0 {
		return new(conn[M])
	}
	x := n.over[k-1]
	n.over = n.over[:k-1]
	ends := x.ends
	*x = conn[M]{}
	for side := range ends {
		x.ends[side].sent, x.ends[side].inbox = ends[side].sent.emptied(), ends[side].inbox.emptied()
	}
	return x
}

// dialled is a SYN that has come and been answered, or not.
func (n *Net[M]) dialled(x *conn[M]) {
	from, to := x.ends[Dialler].node, x.ends[Listener].node
	switch {
	case x.ends[Dialler].closed:
	case n.k.Paused(from): // the dialler can not hear of it yet
		n.hold(x, evDial, Dialler, from)
	case n.edges.blocked(from, to) || n.edges.blocked(to, from):
		x.tries++
		if n.Patience > 0 && x.tries >= n.Patience {
			n.lost(x, Dialler)
			return
		}
		wait := dialRetry
		if n.Patience == 0 {
			wait <<= min(x.tries-1, 6)
		}
		n.after(x, wait, evDial, 0)
	case !n.user.Listens(to):
		n.lost(x, Dialler)
	default:
		x.open = true
		for side := range x.ends {
			for range x.ends[side].sent.waiting() {
				n.depart(x, Side(side))
			}
		}
		n.user.Opened(x.name, from, to)
	}
}

// hold puts an event off until the node runs.
func (n *Net[M]) hold(x *conn[M], kind uint8, side Side, node int) {
	x.events++
	n.k.Hold(node, n, kind, uint64(x.name), uint64(side))
}

// arrive is a packet at the other end's machine. It is dropped there, or waits behind one that was; or it was never
// sent: when no acknowledgements come back a sender soon stops.
func (n *Net[M]) arrive(x *conn[M], side Side) {
	e := &x.ends[side]
	if e.late > 0 || n.barred(x, side) {
		if e.late++; e.late == 1 {
			e.retry, e.probed = firstRetry, false
			n.after(x, e.retry, evRetry, side)
		}
		return
	}
	n.deliver(x, side)
}

func (n *Net[M]) barred(x *conn[M], side Side) bool {
	e, to := &x.ends[side], x.ends[1-side].node
	if n.edges.blocked(e.node, to) {
		return true
	}
	if !n.edges.blocked(to, e.node) {
		e.unacked = 0
		return false
	}
	if e.unacked == 0 {
		e.unacked = n.k.Now()
	}
	return n.k.Now()-e.unacked > firstRetry
}

// retried is what was dropped, sent again. The first time a packet on its own is a tail loss probe, behind which the
// waits begin anew: it is sent after 200, 400, 800 ms. Several have their probe a few ms after the last of them, which
// is left out here: they are sent after 200, 600, 1400 ms. (tcp_schedule_loss_probe; docs/simulation.md has what was measured.)
func (n *Net[M]) retried(x *conn[M], side Side) {
	e := &x.ends[side]
	if n.barred(x, side) {
		if e.probed || e.late > 1 {
			e.retry = min(2*e.retry, lastRetry)
		}
		e.probed = true
		n.after(x, e.retry, evRetry, side)
		return
	}
	late := e.late
	e.late = 0
	for ; late > 0; late-- {
		n.deliver(x, side)
	}
}

// deliver hands the oldest packet of the end to the other one.
func (n *Net[M]) deliver(x *conn[M], side Side) {
	e := &x.ends[side]
	p := e.sent.pop()
	if to := x.ends[1-side].node; n.k.Paused(to) || !e.inbox.empty() {
		*e.inbox.push() = *p
		n.hold(x, evInbox, side, to)
		return
	}
	n.hand(x, side, p)
}

func (n *Net[M]) hand(x *conn[M], side Side, p *packet[M]) {
	other := &x.ends[1-side]
	switch {
	case other.closed && p.fin:
	case other.closed: // nobody is there: a reset comes back
		if !x.ends[side].closed {
			n.after(x, n.edges.latency(other.node, x.ends[side].node), evReset, side)
		}
	case p.fin:
		n.lost(x, 1-side)
	default:
		n.user.Arrived(x.name, other.node, x.ends[side].node, 1-side, &p.m)
	}
}

// reset tells an end that there is nobody at the other one. It is sent again when the end asks again.
func (n *Net[M]) reset(x *conn[M], side Side) {
	e := &x.ends[side]
	switch {
	case e.closed:
	case n.k.Paused(e.node):
		n.hold(x, evReset, side, e.node)
	case n.edges.blocked(x.ends[1-side].node, e.node):
		n.after(x, time.Second, evReset, side)
	default:
		n.lost(x, side)
	}
}

// lost closes an end and says so.
func (n *Net[M]) lost(x *conn[M], side Side) {
	e := &x.ends[side]
	if e.closed {
		return
	}
	e.closed = true
	if !x.open {
		x.ends[1-side].closed = true
	}
	n.user.Closed(x.name, e.node, x.ends[1-side].node, side)
}

// drop forgets a connection that is over.
func (n *Net[M]) drop(x *conn[M]) {
	if x.events > 0 || !x.ends[0].closed || !x.ends[1].closed {
		return
	}
	if i := x.name & (1<<indexBits - 1); n.conns[i] == x {
		n.conns[i] = nil
		n.spare = append(n.spare, int(i))
	}
}
