package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
)

// errClosed is returned when a request is sent over a link that was shut.
var errClosed = errors.New("the node is being stopped")

// stream is a connection of which one direction can be closed.
type stream interface {
	io.Writer
	CloseWrite() error
}

// link sends requests to an agent. What is sent while a write is under way goes out with the next write, so the number
// of writes adapts to the load and nothing waits for a timer. What the listener sends while it takes in what has arrived
// goes out when it has: see held.
type link struct {
	to      stream
	mu      sync.Mutex
	pending []byte
	held    bool
	shut    bool
	err     error
	wake    chan struct{} // holds one token when there is something to do
	done    chan struct{} // closed when the writer has ended
}

func newLink(to stream) *link {
	l := &link{to: to, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.write()
	return l
}

// send queues the request; a failed write is told at the next send.
func (l *link) send(r agent.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case l.shut:
		return errClosed
	}
	var err error
	l.pending, err = appendRequest(l.pending, r)
	if !l.held {
		l.signal()
	}
	return err
}

// hold lets what is sent wait, or no longer.
func (l *link) hold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held = on; !on && len(l.pending) > 0 {
		l.signal()
	}
}

// appendRequest appends the request as a line. Most carry a message to a participant and nothing else.
func appendRequest(b []byte, r agent.Request) ([]byte, error) {
	if r.In != nil {
		b = append(append(append(b, `{"cmd":"`...), r.Cmd...), `","in":`...)
		return append(protocol.AppendIn(b, *r.In), "}\n"...), nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return b, fmt.Errorf("encode %s: %w", r.Cmd, err)
	}
	return append(append(b, line...), '\n'), nil
}

// close lets what was queued go out and closes the agent's standard input then. done tells when.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	l.signal()
}

func (l *link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// holding reads for a listener that sends: what it sends is held from the end of one Read to the begin of the next.
type holding struct {
	io.Reader
	link *link
}

func (h holding) Read(p []byte) (int, error) {
	h.link.hold(false)
	n, err := h.Reader.Read(p)
	h.link.hold(err == nil)
	return n, err
}

func (l *link) write() {
	defer close(l.done)
	var free []byte
	for range l.wake {
		l.mu.Lock()
		out, shut := l.pending, l.shut
		l.pending = free[:0]
		l.mu.Unlock()
		if len(out) > 0 {
			if _, err := l.to.Write(out); err != nil {
				l.fail(err)
				return
			}
		}
		if shut {
			// The agent may be gone already; then there is nothing to close.
			_ = l.to.CloseWrite()
			return
		}
		free = out
	}
}

func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = fmt.Errorf("write to the agent: %w", err)
}
