package agent

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
)

// relay passes the participant protocol between harness and child, one op at a time. Its lock is taken before the
// stream's. An op is stamped in the moment in which it is written to the child, so what waits here was never invoked.
type relay struct {
	out  *stream
	fire func(*firing) // starts it; must not block

	mu     sync.Mutex
	wake   sync.Cond // the writer may have something to do
	child  *child    // nil when none runs that speaks the protocol
	ready  bool      // said by the child
	broken bool      // the child broke the protocol: it is not listened to any more
	gone   bool      // the child has ended, its last words are being read
	paused bool      // an op handed to a stopped child would seem to have begun
	open   *op       // the child works on it
	ops    []op      // to be handed over
	orders [][]byte  // replies and orders, to be written at once
	dead   map[int64]bool
	arms
}

// op on its way to the child.
type op struct {
	head
	raw []byte
}

func newRelay(out *stream) *relay {
	r := &relay{out: out, dead: map[int64]bool{}, arms: newArms()}
	r.wake.L = &r.mu
	return r
}

// op takes an op from the harness. in is kept.
func (r *relay) op(in []byte) error {
	h, err := readHead(in)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == nil || r.broken || r.dead[h.Process] {
		r.out.say(Message{Returned: h.ID})
		return nil
	}
	r.ops = append(r.ops, op{head: h, raw: in})
	r.wake.Signal()
	return nil
}

// order takes a reply or an order from the harness. Without a child there is nobody left to want it.
func (r *relay) order(in []byte) error {
	if err := protocol.Members(in, func(_, _ []byte) error { return nil }); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child != nil {
		r.orders = append(r.orders, in)
		r.wake.Signal()
	}
	return nil
}

// attach makes c the child that is spoken to.
func (r *relay) attach(c *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.child, r.ready, r.broken, r.gone, r.open = c, false, false, false, nil
}

// leave keeps ops from c, which has ended.
func (r *relay) leave(c *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == c {
		r.gone = true
	}
}

// detach says the end of c, after all of its output was read. What it left undone stays open; what it never got goes back.
func (r *relay) detach(c *child, exit func(now int64) Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == c {
		r.child, r.orders = nil, nil
		r.kill(r.open)
		r.open = nil
		r.giveBack(func(op) bool { return true })
		r.wake.Broadcast()
	}
	r.out.stamped(exit)
}

// kill ends the process of an op whose outcome is unknown: it never acts again under that number.
func (r *relay) kill(o *op) {
	if o != nil {
		r.dead[o.Process] = true
	}
}

func (r *relay) giveBack(which func(op) bool) {
	kept := r.ops[:0]
	for _, o := range r.ops {
		if which(o) {
			r.out.say(Message{Returned: o.ID})
		} else {
			kept = append(kept, o)
		}
	}
	clear(r.ops[len(kept):])
	r.ops = kept
}

// pause holds further ops back, or no longer.
func (r *relay) pause(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = on
	r.wake.Signal()
}

// write hands over to c until c has ended.
func (r *relay) write(c *child, w io.Writer) {
	for b := r.next(c); b != nil; b = r.next(c) {
		_, _ = w.Write(b) // a child that does not read has ended or will: its ops stay open
	}
}

// next waits for what is to be written to c and stamps it; nil when c has ended.
func (r *relay) next(c *child) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.child != c:
			return nil
		case len(r.orders) > 0:
			b := r.orders[0]
			r.orders = r.orders[1:]
			r.out.line(c.launch.Incarnation, true, b)
			return append(b, '\n')
		case r.mayInvoke():
			o := r.ops[0]
			r.ops = r.ops[1:]
			r.open = &o
			r.out.line(c.launch.Incarnation, true, o.raw)
			r.handedOver(o)
			return append(o.raw, '\n')
		}
		r.wake.Wait()
	}
}

func (r *relay) mayInvoke() bool {
	return len(r.ops) > 0 && r.ready && r.open == nil && !r.broken && !r.gone && !r.paused && !r.firingNow()
}

// read takes c's lines until there are no more.
func (r *relay) read(c *child, in *lineReader) error {
	for {
		r.out.wait()
		line, err := in.next()
		switch {
		case err == nil || err == errTooLong:
			r.said(c, line, err)
		case err == io.EOF:
			return nil
		default:
			return err
		}
	}
}

// said relays one line of c, unless it is known to be wrong, and does what it means.
func (r *relay) said(c *child, line []byte, wrong error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return
	}
	h, err := head{}, wrong
	if err == nil {
		h, err = readHead(line)
	}
	if err == nil {
		err = r.check(h)
	}
	if err != nil {
		r.breaks(err, line)
		return
	}
	r.out.line(c.launch.Incarnation, false, line)
	switch string(h.Type) {
	case string(history.Wire): // a mere record
		return
	case string(history.OK), string(history.Fail):
		r.completed(h)
		r.out.completed(len(r.ops))
		return
	case string(history.Info):
		r.completed(h)
	case string(history.Note):
		r.noted(h)
	case protocol.TypeReady:
		r.ready = true
		r.wake.Signal()
	}
	r.out.flush()
}

// check tells how a line breaks the protocol.
func (r *relay) check(h head) error {
	switch string(h.Type) {
	case string(history.OK), string(history.Fail), string(history.Info):
		if r.open == nil || r.open.ID != h.ID {
			return fmt.Errorf("op %d is not open", h.ID)
		}
	case string(history.Note), string(history.Wire), protocol.TypeReady, protocol.TypeAccess, protocol.TypeLost, protocol.TypeUnsupported:
	default:
		return fmt.Errorf("unknown type %q", h.Type)
	}
	return nil
}

func (r *relay) completed(h head) {
	done := r.open
	r.open = nil
	if string(h.Type) == string(history.Info) {
		r.kill(done)
		r.giveBack(func(o op) bool { return r.dead[o.Process] })
	}
	if string(h.Type) == string(history.OK) && string(done.F) == opAcquire {
		r.acquired(string(h.Hold))
		r.out.flush() // faults elsewhere may wait for it
	}
	r.wake.Signal()
}

// breaks gives a child up that can not be trusted to speak the protocol; what it says from now on is dropped.
func (r *relay) breaks(why error, line []byte) {
	const quoted = 200
	if len(line) > quoted {
		line = append(bytes.Clone(line[:quoted]), "…"...)
	}
	r.broken = true
	r.out.say(Message{Broken: fmt.Sprintf("%v: %s", why, line)})
	r.giveBack(func(op) bool { return true })
}
