package participant

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
)

// port is an incarnation's line to its agent: what it says, the accesses that wait for a reply, and its end.
type port struct {
	hello   protocol.Hello
	out     *lines
	orders  *orders         // replies to lose
	stop    *signal         // the node stops
	running context.Context // ends with stop
	tasks   sync.WaitGroup  // goroutines that run a recipe's or a client's code

	mu      sync.Mutex
	failed  error // why it stopped, nil at the end of the input
	asked   int64 // accesses so far
	waiting map[int64]chan env.Reply
}

func newPort(hello protocol.Hello, stdout io.Writer) *port {
	p := &port{hello: hello, orders: new(orders), stop: newSignal(), waiting: map[int64]chan env.Reply{}}
	running, cancel := context.WithCancel(context.Background())
	p.running = running
	p.task("stop", func() {
		<-p.stop.ch
		cancel()
	})
	p.out = newLines(stdout, p.end)
	return p
}

// id is the incarnation's name: "p1.2".
func (p *port) id() string { return fmt.Sprintf("%s.%d", p.hello.Node, p.hello.Incarnation) }

func (p *port) stopped() bool { return p.stop.Fired() }

// end stops the incarnation because of err, nil if it was told to; the first reason counts.
func (p *port) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil && !p.stop.Fired() {
		p.failed = err
	}
	p.stop.Fire()
}

func (p *port) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// task runs f beside the caller; a panic in it ends the incarnation.
func (p *port) task(name string, f func()) {
	p.tasks.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				p.end(fmt.Errorf("task %s of %s panicked: %v\n%s", name, p.id(), r, debug.Stack()))
			}
		}()
		f()
	})
}

// wait waits for all tasks, which were told to stop, and complains about those that did not.
func (p *port) wait(grace time.Duration) error {
	done := make(chan struct{})
	go func() {
		p.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(grace):
		return fmt.Errorf("%s was told to stop and has tasks that still run after %v", p.id(), grace)
	}
}

// call asks a resource of the harness.
func (p *port) call(r env.Request) (env.Reply, error) {
	ch := make(chan env.Reply, 1)
	p.mu.Lock()
	p.asked++
	id := p.asked
	p.waiting[id] = ch
	p.mu.Unlock()
	op := history.Op{Key: r.Resource, F: r.Key, Hold: r.Hold, Token: r.Token, N: r.N, Text: r.Text}
	p.out.say(protocol.Out{Type: protocol.TypeAccess, ID: id, Op: op})
	select {
	case reply := <-ch:
		return reply, nil
	case <-p.stop.ch:
		return env.Reply{}, env.ErrStopped
	}
}

// replied hands a reply to the call that waits for it.
func (p *port) replied(in protocol.In) error {
	p.mu.Lock()
	ch := p.waiting[in.ID]
	delete(p.waiting, in.ID)
	p.mu.Unlock()
	if ch == nil {
		return fmt.Errorf("reply to access %d, which is not waiting for one", in.ID)
	}
	ch <- env.Reply{Seq: in.Seq, Accepted: in.Accepted, N: in.N, Text: in.Text}
	return nil
}

// note says what the participant believes from now on, with the time by the kernel's own clock.
func (p *port) note(op history.Op) {
	p.out.say(protocol.Out{Type: string(history.Note), Mono: rawMono(), Op: op})
}

// rawMono reads CLOCK_MONOTONIC by a system call: a clock fault changes the vDSO, which the runtime reads.
func rawMono() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(fmt.Sprintf("clock_gettime: %v", err))
	}
	return t.Nano()
}

// lines writes messages to the agent, each as soon as it is said; while a write is under way the next ones gather and
// go out together. It never makes a speaker wait: the agent hands out one op at a time, so a stream that stands still
// soon leaves nothing to say.
type lines struct {
	w    io.Writer
	more *sync.Cond // something to write, or closed
	done chan struct{}

	mu     sync.Mutex
	full   []byte
	closed bool // what is said is dropped
}

// newLines starts the writer; failed is called once if a write fails.
func newLines(w io.Writer, failed func(error)) *lines {
	l := &lines{w: w, done: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	go l.write(failed)
	return l
}

func (l *lines) say(o protocol.Out) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.full = protocol.AppendOut(l.full, o)
	l.more.Signal()
}

func (l *lines) write(failed func(error)) {
	defer close(l.done)
	var empty []byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.full) == 0 && !l.closed {
			l.more.Wait()
		}
		if len(l.full) == 0 {
			return
		}
		b := l.full
		l.full = empty[:0]
		l.mu.Unlock()
		_, err := l.w.Write(b)
		l.mu.Lock()
		empty = b
		if err != nil {
			l.full, l.closed = nil, true
			failed(fmt.Errorf("write to the agent: %w", err))
			return
		}
	}
}

// close writes what was said and ends the writer.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	l.more.Signal()
	l.mu.Unlock()
	<-l.done
}
