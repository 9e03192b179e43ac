package participant

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
)

// owner is whom a wire belongs to.
type owner interface {
	// greeted hears of a ConnectResponse; an error breaks the connection before the client has seen it.
	greeted(server string, session int64, timeout time.Duration) error
	// sending is asked before each frame after the first; an error refuses it.
	sending(op opcode) error
	// lost hears once that the connection is closed.
	lost()
	// say passes a record on.
	say(protocol.Out)
	// lose tells whether the reply to a request of that opcode is to be lost now, and for which fault.
	lose(op opcode) (fault string, ok bool)
}

// wire is a connection to a server that records each reply and each watch event, changes nothing, and breaks when it
// is told to. It relies on what go-zookeeper does: one goroutine writes, one reads and sets the deadline of its reads.
//
// A reply counts as arrived when its last byte is handed to the client, and is judged before that: a lost one is never
// handed over whole.
type wire struct {
	net.Conn
	owner     owner
	server    string
	handshake time.Time // the ConnectResponse must have come by then

	raw     io.ReadWriter // what Conn reads and writes
	buf     *bufio.Reader // of raw: go-zookeeper reads a frame's length and its rest apart
	out     scanner
	in      scanner
	request bool  // the ConnectRequest has been scanned
	broken  error // why nothing is read any more

	greeted bool
	session string // as servers write it

	mu   sync.Mutex
	open map[int32]request // by xid
	once sync.Once
}

func newWire(c net.Conn, o owner, server string, handshake time.Time) *wire {
	w := &wire{Conn: c, owner: o, server: server, handshake: handshake, raw: c, open: map[int32]request{}}
	if s, ok := c.(syscall.Conn); ok {
		if p, err := protocol.NewPipe(s); err == nil {
			w.raw = p
		}
	}
	w.buf = bufio.NewReader(w.raw)
	w.out.want = func(b []byte) int {
		if !w.request {
			return 0
		}
		return wantRequest(b)
	}
	w.in.want = wantReply
	return w
}

// SetReadDeadline never allows the handshake more time than the wire was given: go-zookeeper would wait for 6.7
// session timeouts, in which the session dies although other servers may be up.
func (w *wire) SetReadDeadline(t time.Time) error {
	if !w.greeted && (t.IsZero() || t.After(w.handshake)) {
		t = w.handshake
	}
	return w.Conn.SetReadDeadline(t)
}

// Close closes the connection; its owner hears of it before the client does anything else.
func (w *wire) Close() error {
	w.once.Do(func() { w.owner.lost() })
	return w.Conn.Close()
}

// Write scans and sends p.
func (w *wire) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n, body := w.out.next(rest)
		rest = rest[n:]
		if body == nil {
			continue
		}
		if err := w.sending(body); err != nil {
			return 0, err
		}
	}
	return w.raw.Write(p)
}

func (w *wire) sending(body []byte) error {
	if !w.request {
		w.request = true
		return nil
	}
	r, ok := parseRequest(body)
	if !ok {
		return nil // the server will judge it
	}
	if err := w.owner.sending(r.op); err != nil {
		return err
	}
	if r.xid != xidPing {
		w.mu.Lock()
		w.open[r.xid] = r
		w.mu.Unlock()
	}
	return nil
}

// Read hands on what has arrived, up to a frame that breaks the connection.
func (w *wire) Read(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	n, err := w.buf.Read(p)
	for at := 0; at < n; {
		start := at + w.in.start()
		k, body := w.in.next(p[at:n])
		at += k
		if body == nil {
			break
		}
		if w.broken = w.arrived(body); w.broken != nil {
			w.Conn.Close()
			if start > 0 {
				return start, nil
			}
			return 0, w.broken
		}
	}
	return n, err
}

// arrived judges a frame from the server: an error breaks the connection before the client has read the whole of it.
func (w *wire) arrived(body []byte) error {
	if !w.greeted {
		return w.greet(body)
	}
	r, ok := parseReply(body)
	switch {
	case !ok, r.xid == xidPing: // the client will judge a frame that is too short
		return nil
	case r.xid == xidWatch:
		w.record(history.Op{F: "watch", Text: eventName(r.event), Key: r.path, N: xidWatch, Token: r.zxid}, 0)
		return nil
	}
	w.mu.Lock()
	q, ok := w.open[r.xid]
	delete(w.open, r.xid)
	w.mu.Unlock()
	name := q.op.String()
	if !ok {
		name = "unasked"
	}
	if ok && r.err == 0 {
		if fault, ok := w.owner.lose(q.op); ok {
			w.owner.say(protocol.Out{Type: protocol.TypeLost, Op: history.Op{
				Key: fault, Text: name, N: int64(r.xid), Token: r.zxid,
			}})
			return fmt.Errorf("the reply to %s was lost by order of %s", name, fault)
		}
	}
	w.record(history.Op{F: "reply", Text: name, Key: q.path, N: int64(r.xid), Token: r.zxid}, r.err)
	return nil
}

func (w *wire) greet(body []byte) error {
	g, ok := parseGreeting(body)
	if !ok {
		return nil
	}
	w.greeted = true
	w.session = "0x" + strconv.FormatUint(uint64(g.session), 16)
	return w.owner.greeted(w.server, g.session, time.Duration(g.timeout)*time.Millisecond)
}

func (w *wire) record(op history.Op, code int32) {
	op.Hold = w.session
	w.owner.say(protocol.Out{Type: string(history.Wire), Error: codeName(code), Op: op})
}
