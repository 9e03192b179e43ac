package participant

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"riven/clusters/docker/protocol"
	"riven/harness/coord"
	"riven/harness/history"
)

// redial is the least time between two rounds of dials to servers none of which gives a session.
const redial = 100 * time.Millisecond

var errDead = errors.New("the session is dead")

// client is one go-zookeeper connection under which the wire is Riven's. It holds one session and never another, unless
// it renews: go-zookeeper opens a new session in the same connection when the first has expired, and runs the calls
// that still wait for the first in the new one (go-zookeeper issue 159). A client that does not renew never lets it see
// that its session has expired: it breaks the connection and allows no further one.
//
// The life of the session is taken from the wire alone: up at the ConnectResponse, down when the connection is closed,
// dead when a ConnectResponse says so. go-zookeeper's own events come later, and may be dropped.
type client struct {
	port    *port
	renews  bool
	ask     time.Duration // session timeout asked for
	conn    *zk.Conn
	up      *signal // a first session exists
	dead    *signal // for good
	dialing context.Context
	cancel  context.CancelFunc

	mu      sync.Mutex
	id      int64         // of the session, 0: none
	timeout time.Duration // granted
	down    *signal       // the present connection is lost
	current *wire         // connection under way
	closing bool          // Close was called
	sent    int64         // requests of calls
	dials   int           // since the last handshake that succeeded
	server  int           // next to dial
}

// openClient starts to connect. The client ends with the node at the latest.
func openClient(p *port, timeout time.Duration, renews bool) (*client, error) {
	if len(p.hello.Servers) == 0 {
		return nil, fmt.Errorf("open a session: hello named no servers: %w", coord.ErrInvalid)
	}
	c := &client{port: p, renews: renews, ask: timeout, up: newSignal(), dead: newSignal(), down: firedSignal()}
	c.dialing, c.cancel = context.WithCancel(context.Background())
	c.mu.Lock() // the first connection waits until conn is set
	defer c.mu.Unlock()
	conn, events, err := zk.Connect(c.addresses(), timeout, zk.WithDialer(c.dial), zk.WithHostProvider(provider{c}), zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	c.conn = conn
	p.task("client", func() {
		select {
		case <-c.dead.ch:
		case <-p.stop.ch:
			c.end()
		}
		conn.Close()
		for range events { // closed when go-zookeeper's own goroutines have ended
		}
	})
	return c, nil
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (c *client) addresses() []string {
	var out []string
	for _, s := range c.port.hello.Servers {
		out = append(out, s.Address)
	}
	return out
}

// end makes the client dead, for good and at once: the servers hear nothing of it.
func (c *client) end() {
	c.mu.Lock()
	c.die()
	w := c.current
	c.mu.Unlock()
	if w != nil {
		w.Close()
	}
}

// die needs c.mu.
func (c *client) die() {
	c.dead.Fire()
	c.down.Fire()
	c.cancel()
}

// close tells the servers that the session is over, if they can be told within about a second, and ends the client.
func (c *client) close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.conn.Close()
	c.end()
}

// greeted is the session's birth, its return after a lost connection, or its death.
func (c *client) greeted(server string, session int64, timeout time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead.Fired():
		return errDead
	case session == 0 && c.id == 0: // nothing was lost: go-zookeeper asks again
		return nil
	case session != c.id && c.id != 0:
		c.port.note(history.Op{F: history.NoteExpired, Token: c.id})
		if !c.renews {
			c.die()
			return errDead
		}
		if c.id = session; session == 0 {
			return nil
		}
	}
	c.id, c.timeout, c.dials = session, timeout, 0
	c.down = newSignal()
	c.port.note(history.Op{F: history.NoteConnected, Token: session, Text: server})
	c.up.Fire()
	return nil
}

func (c *client) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down.Fired() {
		return
	}
	c.down.Fire()
	if !c.closing {
		c.port.note(history.Op{F: history.NoteSuspended, Token: c.id})
	}
}

// sending counts the requests of calls, before they are written; a dead client sends none.
func (c *client) sending(op opcode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Fired() {
		return errDead
	}
	if op.ofRecipe() {
		c.sent++
	}
	return nil
}

func (c *client) say(o protocol.Out)            { c.port.out.say(o) }
func (c *client) lose(op opcode) (string, bool) { return c.port.orders.take(op) }

// do is one call. There must be no other at the same time: whether a request was written meanwhile tells whether the
// call that failed was ever sent.
//
//	what go-zookeeper says             when                                    what the caller is told
//	an error of the server             the request was refused                 that error (definite)
//	ErrNoServer, anything              dead, and the request was never written ErrExpired (definite)
//	ErrConnectionClosed, ErrClosing,   written, no reply read: the connection  ErrLoss (unknown), even when it is
//	a socket's error                   was lost, expired or closed since       known by now that the session is dead
//	ErrConnectionClosed                not written, the session lives          ErrLoss, as the Java client
//	                                   called when dead or closing             ErrExpired (definite), nothing is sent
func (c *client) do(f func(*zk.Conn) error) error {
	c.mu.Lock()
	before, over := c.sent, c.closing || c.dead.Fired()
	c.mu.Unlock()
	if over {
		return coord.ErrExpired
	}
	err := translate(f(c.conn))
	if err == nil || coord.Definite(err) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Fired() && c.sent == before { // and nothing of it will be written any more
		return coord.ErrExpired
	}
	return err
}

// provider hands out the servers in the given order, again and again. It asks go-zookeeper to start over (which fails
// the requests that were never sent, and looks whether the connection was closed) only when the client is dead:
// otherwise that would cost a sleep of one second.
type provider struct{ c *client }

func (p provider) Init([]string) error { return nil }
func (p provider) Len() int            { return len(p.c.port.hello.Servers) }
func (p provider) Connected()          {}

func (p provider) Next() (server string, retryStart bool) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	servers := p.c.port.hello.Servers
	s := servers[p.c.server%len(servers)]
	p.c.server++
	return s.Address, p.c.dead.Fired()
}

// dial connects to a server within the session timeout divided by the number of servers, the time in which the
// ConnectResponse must come as well (ClientCnxn.java: connectTimeout). go-zookeeper's own timeouts are one second, and
// 6.7 session timeouts.
func (c *client) dial(network, address string, _ time.Duration) (net.Conn, error) {
	c.mu.Lock()
	pause := c.dials >= len(c.port.hello.Servers) && c.dials%len(c.port.hello.Servers) == 0
	c.dials++
	c.mu.Unlock()
	if pause {
		select {
		case <-time.After(redial):
		case <-c.dialing.Done():
		}
	}
	handshake := time.Now().Add(c.ask / time.Duration(len(c.port.hello.Servers)))
	conn, err := (&net.Dialer{Deadline: handshake}).DialContext(c.dialing, network, address)
	if err != nil {
		return nil, err
	}
	w := newWire(conn, c, c.name(address), handshake)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Fired() {
		conn.Close()
		return nil, errDead
	}
	if c.current != nil {
		c.current.Conn.Close() // go-zookeeper leaves a connection open that brought the news of an expiry
	}
	c.current = w
	return w, nil
}

func (c *client) name(address string) string {
	servers := c.port.hello.Servers
	i := slices.IndexFunc(servers, func(s protocol.Server) bool { return s.Address == address })
	if i < 0 {
		return address
	}
	return servers[i].Name
}
