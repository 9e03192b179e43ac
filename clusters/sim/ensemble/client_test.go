package ensemble

import (
	"fmt"
	"time"

	"riven/harness/coord"
)

// client is a session with a random stream of requests, in the manner of the Java client: SetWatches goes first.
type client struct {
	w        *world
	id       int
	session  int64
	password uint64
	timeout  time.Duration
	last     int64 // zxid
	xid      int32

	server int // connected, or connecting; 0: not
	conn   Conn
	conns  int64
	broken Conn // and all before it: nothing comes through any more
	ready  bool // answered Connected
	armed  bool // SetWatches answered, or none were needed
	heard  time.Duration
	served time.Duration
	sent   time.Duration

	queue     []call
	watches   []*watching
	acked     int           // writes
	gone      int           // sessions lost
	silent    time.Duration // paused until then
	held      []event
	replaying bool        // what was held is being heard
	script    func(event) // hears all instead
}

type call struct {
	req   *Request
	after int64 // highest zxid that any client had had acknowledged when it was sent
	watch *watching
	rearm bool
}

// watching is a watch that this client has, or has asked for.
type watching struct {
	path   string
	kids   bool
	absent bool // exists-watch at a node that was not there
	from   int64
}

func newClient(w *world, id int) *client {
	return &client{w: w, id: id, timeout: time.Duration(400+200*w.rng.IntN(5)) * time.Millisecond}
}

// wake is the client's clock: every few milliseconds.
func (c *client) wake() {
	w := c.w
	c.w.after(w.jitter(40*time.Millisecond), event{kind: evClient, to: c.id})
	if w.now < c.silent {
		return
	}
	c.replaying = true
	for _, e := range c.held {
		c.hear(e)
	}
	c.held, c.replaying = c.held[:0], false
	switch {
	case c.server == 0:
		c.connect()
	case w.now-c.heard > c.timeout*2/3:
		c.lost(true)
	case !c.ready || !c.armed:
	case len(c.queue) < 3 && w.rng.IntN(3) == 0:
		c.ask()
	case w.now-c.sent > c.timeout/3:
		c.post(call{req: &Request{Op: OpPing, Xid: -2}})
	case !w.quiet && w.rng.IntN(2000) == 0:
		c.silent = w.now + w.jitter(3*time.Second)
	}
}

func (c *client) connect() {
	w := c.w
	c.server = 1 + w.rng.IntN(len(w.nodes))
	c.conns++
	c.conn = Conn(int64(c.id)<<32 | c.conns)
	c.ready, c.armed = false, false
	c.heard = w.now
	w.send(c.id, c.server, event{kind: evAccept, n: uint64(c.conn), hello: Hello{LastZxid: c.last, Session: c.session, Password: c.password, Timeout: c.timeout}})
}

func (c *client) lost(tell bool) {
	if c.server != 0 && tell {
		c.w.send(c.id, c.server, event{kind: evClientGone, n: uint64(c.conn)})
	}
	c.server, c.conn, c.ready = 0, 0, false
	for _, q := range c.queue { // whether such a watch was left is not known
		if q.watch != nil {
			q.watch.path = ""
		}
	}
	c.queue = c.queue[:0]
}

func (c *client) post(q call) {
	q.after = c.w.check.acked
	c.sent = c.w.now
	c.queue = append(c.queue, q)
	c.w.send(c.id, c.server, event{kind: evRequest, n: uint64(c.conn), req: q.req})
}

var paths = []string{"/a", "/b", "/a/x", "/a/y", "/b/z"}

func (c *client) ask() {
	w := c.w
	c.xid++
	path := paths[w.rng.IntN(len(paths))]
	r := &Request{Xid: c.xid, Path: path, Version: coord.AnyVersion}
	q := call{req: r}
	switch w.rng.IntN(14) {
	case 0, 1:
		r.Op = OpCreate
		r.Data = []byte(fmt.Sprint(c.id, c.xid))
	case 2, 3:
		r.Op, r.Mode, r.Path = OpCreate, coord.Ephemeral|coord.Sequential, "/a/e-"
	case 4:
		r.Op, r.Mode = OpCreate, coord.Ephemeral
	case 5:
		r.Op = OpDelete
	case 6, 7:
		r.Op = OpSet
		r.Data = []byte(fmt.Sprint(c.id, c.xid))
	case 8:
		r.Op = OpMulti
		r.Ops = []Request{{Op: OpSet, Path: "/a", Version: -1}, {Op: OpCreate, Path: "/a/m-", Mode: coord.Sequential | coord.Mode(w.rng.IntN(2))}, {Op: OpCheck, Path: path, Version: int32(w.rng.IntN(3)) - 1}}
	case 9:
		r.Op = OpSync
	case 10, 11:
		r.Op, r.Watch = OpGet, w.rng.IntN(2) == 0
	case 12:
		r.Op, r.Watch = OpExists, w.rng.IntN(2) == 0
	default:
		r.Op, r.Watch = OpChildren, w.rng.IntN(2) == 0
		if w.rng.IntN(60) == 0 {
			*r = Request{Op: OpClose, Xid: c.xid}
		}
	}
	if r.Watch {
		q.watch = &watching{path: path, kids: r.Op == OpChildren}
		c.watches = append(c.watches, q.watch)
	}
	c.post(q)
}

func (c *client) hear(e event) {
	if c.script != nil {
		if Conn(e.n) == c.conn {
			c.script(e)
		}
		return
	}
	if c.w.now < c.silent || len(c.held) > 0 && !c.replaying {
		c.held = append(c.held, e)
		return
	}
	if Conn(e.n) != c.conn {
		return
	}
	c.heard = c.w.now
	if e.kind == evHangup {
		c.lost(false)
		return
	}
	switch r := e.reply; r.Kind {
	case Connected:
		c.connected(r)
	case Event:
		c.event(r)
	case Response:
		if len(c.queue) == 0 || c.queue[0].req.Xid != r.Xid {
			c.w.check.fail("client %d: reply to %d out of order", c.id, r.Xid)
			return
		}
		q := c.queue[0]
		c.queue = c.queue[1:]
		c.answered(q, r)
	}
}

func (c *client) connected(r Reply) {
	if r.Session == 0 {
		c.w.check.told(c)
		c.lost(false)
		c.fresh()
		return
	}
	c.session, c.password, c.timeout, c.ready = r.Session, r.Password, r.Timeout, true
	live := c.watches[:0]
	m := &Rearm{Zxid: c.last}
	for _, x := range c.watches {
		switch {
		case x.path == "":
			continue
		case x.kids:
			m.Children = append(m.Children, x.path)
		case x.absent:
			m.Exists = append(m.Exists, x.path)
		default:
			m.Data = append(m.Data, x.path)
		}
		live = append(live, x)
	}
	c.watches = live
	c.armed = len(live) == 0
	if !c.armed {
		c.post(call{req: &Request{Op: OpSetWatches, Xid: -8, Watches: m}, rearm: true})
	}
}

func (c *client) fresh() {
	c.session, c.password, c.last = 0, 0, 0
	c.watches = nil
	c.gone++
}

func (c *client) event(r Reply) {
	kept := c.watches[:0]
	for _, x := range c.watches {
		if x.path == r.Path && x.from != 0 && (x.kids == (r.Event == NodeChildrenChanged) || r.Event == NodeDeleted) {
			continue
		}
		kept = append(kept, x)
	}
	c.watches = kept
}

func (c *client) answered(q call, r Reply) {
	k := c.w.check
	k.reply(c, q, r)
	c.served = c.w.now
	c.last = max(c.last, r.Zxid)
	if q.req.Op != OpPing && r.Err == OK && q.req.Op <= OpSet {
		c.acked++
	}
	if q.rearm {
		c.armed = true
		for _, x := range c.watches {
			if x.absent {
				x.from = r.Zxid
			}
		}
	}
	if x := q.watch; x != nil {
		switch {
		case r.Err != OK && q.req.Op != OpExists:
			x.path = ""
		default:
			x.from, x.absent = r.Zxid, r.Err != OK
		}
	}
	if r.Err == SessionExpired || q.req.Op == OpClose {
		c.lost(true)
		c.fresh()
	}
}
