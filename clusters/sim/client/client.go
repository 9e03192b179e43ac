package client

import (
	"time"

	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/kernel"
	"riven/clusters/sim/network"
	"riven/harness/coord"
	"riven/harness/history"
)

// Profile is whose behaviour a client has where clients differ.
type Profile string

// Profiles. They differ in four rules:
//
//   - SetWatches: go-zk sends it behind calls that waited for the connection (Conn.sendSetWatches), java before all
//     (ClientCnxn.SendThread.primeConnection).
//   - A call that was not sent yet when a connection is lost, or an attempt at one fails: go-zk keeps it for the next
//     connection, java ends it as lost (ClientCnxn.SendThread.cleanup).
//   - The next attempt: go-zk makes it at once, and waits only between rounds of all servers; java waits up to a second
//     before each once a connection has stood (startConnect), and a second more after each round (StaticHostProvider.next).
//   - Pings: go-zk sends one every third of the session timeout (Conn.sendLoop), java when it has sent nothing for a third
//     of it (ClientCnxn.SendThread.run).
const (
	GoZK Profile = "go-zk"
	Java Profile = "java"
)

// Profiles are all there are, the default first.
func Profiles() []Profile { return []Profile{GoZK, Java} }

// Host is what a client may do to its world.
type Host interface {
	Servers() int                            // that it may use, in the order in which it tries them
	Name(server int) string                  // of that server
	Dial(c *Client, server int) network.Conn // Connected or Broken will be called
	Greet(network.Conn, ensemble.Hello)
	Send(network.Conn, *ensemble.Request)
	Hangup(network.Conn)
	After(d time.Duration, c *Client, t Timer) // Fire(t) will be called
	Began(*Client)                             // it lives from now on
	Deadline(time.Duration) kernel.Deadline
	Now() time.Duration
	Within(time.Duration) time.Duration // a time up to that, drawn anew
	// Wait parks the task that runs until one of the signals may have fired.
	Wait(...coord.Signal)
	Check() // panics outside of tasks, and in those of the dead
	Note(history.Op)
	Wire(op history.Op, err string)
	// Lose tells whether a reply to the op is to be lost now.
	Lose(op string, xid int32, zxid int64) bool
}

// Timer is what a client asked After for.
type Timer struct {
	Kind TimerKind
	Try  uint64 // the connection that it is for
}

// TimerKind is what for.
type TimerKind uint8

// Timers.
const (
	TimeToRead  TimerKind = iota // nothing was heard for too long
	TimeToPing                   // a third of the session timeout has gone by
	TimeToDial                   // the wait before the next dial is over
	TimeToShake                  // the connect response is late
)

// Times of the client.
const (
	redial    = 100 * time.Millisecond // participant/client.go: least time between two rounds of dials
	respite   = time.Second            // ClientCnxn: at most before a dial, and between two rounds of dials
	closeTime = time.Second            // go-zookeeper Conn.Close: that long for the reply to closeSession
)

// Client holds one session and never another.
type Client struct {
	host    Host
	profile Profile
	ask     time.Duration

	up, dead, down *kernel.Signal
	session        int64
	hex            string // the session as servers write it
	password       uint64
	timeout        time.Duration
	last           int64 // highest zxid in a reply (go-zookeeper Conn.lastZxid)
	xid            int32

	try     uint64 // connections so far
	conn    network.Conn
	dialing bool
	stood   bool // a connection once did
	greeted bool // the connect response of the present connection has come
	heard   time.Duration
	told    time.Duration // when something was sent last
	server  int           // next to dial
	at      int           // of the present connection
	dials   int           // since the last handshake that succeeded
	closing bool
	reading bool // a TimeToRead is under way

	waiting []*call // not sent yet
	sent    []*call // on the present connection
	watches []*watch
}

// call is a request of the session, or the client's own.
type call struct {
	req   ensemble.Request
	name  string // of the op, on the wire
	reply ensemble.Reply
	err   error
	done  kernel.Signal
	over  kernel.Signal // the next call of the session may begin
	watch *watch
}

// watch is one that was left at the servers.
type watch struct {
	path   string
	kind   watchKind
	signal *kernel.Signal
}

type watchKind uint8

const (
	onData watchKind = iota
	onAbsent
	onChildren
)

// New starts to connect.
func New(h Host, p Profile, timeout time.Duration) *Client {
	c := &Client{host: h, profile: p, ask: timeout, up: new(kernel.Signal), dead: new(kernel.Signal), down: new(kernel.Signal)}
	c.down.Fire()
	h.Began(c)
	c.dial()
	return c
}

// Dead tells whether it is, for good.
func (c *Client) Dead() bool { return c.dead.Fired() }

// handshake is the time in which a server must have answered (ClientCnxn: connectTimeout).
func (c *Client) handshake() time.Duration { return c.ask / time.Duration(c.host.Servers()) }

func (c *Client) dial() {
	c.try++
	wait := c.pause()
	c.dials++
	if wait > 0 {
		c.host.After(wait, c, Timer{TimeToDial, c.try})
		return
	}
	c.connect()
}

// pause is how long the client waits before it dials again.
func (c *Client) pause() (d time.Duration) {
	n := c.host.Servers()
	round := c.dials >= n && c.dials%n == 0
	switch {
	case c.profile == Java && c.stood:
		d = c.host.Within(respite)
		if round {
			d += respite
		}
	case round:
		d = redial
	}
	return d
}

func (c *Client) connect() {
	c.at = c.server % c.host.Servers()
	c.server++
	c.dialing, c.greeted = true, false
	c.host.After(c.handshake(), c, Timer{TimeToShake, c.try})
	c.conn = c.host.Dial(c, c.at)
}

// Connected says that the connection stands: the client greets (go-zookeeper: authenticate).
func (c *Client) Connected(conn network.Conn) {
	if c.dead.Fired() || conn != c.conn {
		c.host.Hangup(conn)
		return
	}
	c.dialing, c.stood = false, true
	c.host.Greet(conn, ensemble.Hello{LastZxid: c.last, Session: c.session, Password: c.password, Timeout: c.ask})
}

// Broken says that the connection is no more.
func (c *Client) Broken(conn network.Conn) {
	if conn == c.conn && conn != 0 {
		c.lost()
	}
}

// lost ends the present connection and begins the next.
func (c *Client) lost() {
	if c.conn != 0 {
		c.host.Hangup(c.conn)
	}
	c.conn, c.dialing, c.greeted = 0, false, false
	if !c.down.Fired() {
		c.down.Fire()
		if !c.closing {
			c.host.Note(history.Op{F: history.NoteSuspended, Token: c.session})
		}
	}
	sent := c.sent
	c.sent = nil
	for _, q := range sent { // whether they were done is not known
		q.finish(coord.ErrLoss)
	}
	if !c.dead.Fired() {
		if c.profile == Java {
			c.drop()
		}
		c.dial()
	}
}

// drop ends what waits for a connection as if it had been sent.
func (c *Client) drop() {
	waiting := c.waiting
	c.waiting = nil
	for _, q := range waiting {
		q.finish(coord.ErrLoss)
	}
}

func (q *call) finish(err error) {
	q.err = err
	q.done.Fire()
}

// End makes the client dead, for good and at once: the servers hear nothing of it.
func (c *Client) End() {
	if c.dead.Fired() {
		return
	}
	c.dead.Fire()
	c.lost()
	for _, q := range c.waiting { // never sent, and never will be
		q.finish(coord.ErrExpired)
	}
	c.waiting = nil
	for _, w := range c.watches {
		w.signal.Fire()
	}
	c.watches = nil
}

// Fire says that a timer's time has come.
func (c *Client) Fire(t Timer) {
	if t.Kind == TimeToRead {
		c.reading = false
	}
	if c.dead.Fired() || t.Try != c.try {
		if t.Kind == TimeToRead && c.greeted {
			c.expectRead()
		}
		return
	}
	switch t.Kind {
	case TimeToDial:
		c.connect()
	case TimeToShake:
		if !c.greeted {
			c.lost()
		}
	case TimeToRead:
		switch {
		case !c.greeted:
		case c.host.Now()-c.heard >= c.recvTimeout():
			c.lost()
		default:
			c.expectRead()
		}
	case TimeToPing:
		if c.greeted {
			c.ping()
		}
	}
}

func (c *Client) ping() {
	next := c.timeout / 3
	if quiet := c.host.Now() - c.told; c.profile == Java && quiet < next {
		next -= quiet
	} else {
		c.send(&ensemble.Request{Xid: -2, Op: ensemble.OpPing})
	}
	c.host.After(next, c, Timer{TimeToPing, c.try})
}

func (c *Client) send(r *ensemble.Request) {
	c.told = c.host.Now()
	c.host.Send(c.conn, r)
}

// recvTimeout is two thirds of the session timeout, as pings go out at one third (go-zookeeper: setTimeouts).
func (c *Client) recvTimeout() time.Duration { return c.timeout * 2 / 3 }

func (c *Client) expectRead() {
	if !c.reading {
		c.reading = true
		c.host.After(c.heard+c.recvTimeout()-c.host.Now(), c, Timer{TimeToRead, c.try})
	}
}
