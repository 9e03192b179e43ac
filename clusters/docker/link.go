package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"riven/clusters/docker/agent"
)

// errClosed is returned when a request is sent over a link that was shut.
var errClosed = errors.New("the node is being stopped")

// stream is a connection of which one direction can be closed.
type stream interface {
	io.Writer
	CloseWrite() error
}

// link sends requests to an agent. What is sent while a write is under way goes out with the next write, so the number
// of writes adapts to the load and nothing waits for a timer.
type link struct {
	to      stream
	mu      sync.Mutex
	pending []byte
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
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s: %w", r.Cmd, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case l.shut:
		return errClosed
	}
	l.pending = append(append(l.pending, line...), '\n')
	l.signal()
	return nil
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
