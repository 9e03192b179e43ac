package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"riven/nemesis/inject"
)

// streamRoom is how much may wait for the harness to read before the child's output is left in its pipe.
const streamRoom = 8 << 20

// flushLimit is how long the end of an agent waits for the harness to read what is left.
const flushLimit = time.Second

// A line of the participant protocol that nobody waits for goes out with others: after lull at the latest, or when there
// are lullRoom bytes of them. Each write costs the engine, its shim and the harness some 50 µs each, on processors that
// the system under test needs.
const (
	lull     = 5 * time.Millisecond
	lullRoom = 32 << 10
)

// stream is the agent's output. Stamps are taken under its lock, so they never go backwards from line to line.
// Whatever is said while a write is under way goes out with the next one.
type stream struct {
	done chan struct{} // closed when nothing is written any more

	mu     sync.Mutex
	wake   sync.Cond // there is something to write, or nothing will follow
	room   sync.Cond
	buf    []byte
	urgent bool // buf is to be written at once
	untold int  // completions in buf
	hurry  bool // nobody waits for room any more
	closed bool
	err    error
}

func newStream(w io.Writer) *stream {
	s := &stream{done: make(chan struct{})}
	s.wake.L, s.room.L = &s.mu, &s.mu
	go s.write(w)
	return s
}

func (s *stream) write(w io.Writer) {
	defer close(s.done)
	var spare []byte
	linger := time.AfterFunc(lull, s.flush)
	defer linger.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.buf) == 0 && !s.closed {
			s.wake.Wait()
		}
		if len(s.buf) == 0 {
			return
		}
		linger.Reset(lull)
		for !s.urgent && !s.closed && len(s.buf) < lullRoom {
			s.wake.Wait()
		}
		full := s.buf
		s.buf, s.urgent, s.untold = spare[:0], false, 0
		s.room.Broadcast()
		s.mu.Unlock()
		_, err := w.Write(full)
		s.mu.Lock()
		if err != nil {
			s.err, s.closed, s.hurry = fmt.Errorf("write to the harness: %w", err), true, true
			s.room.Broadcast()
			return
		}
		spare = full
	}
}

// line says a line of the participant protocol, stamped now. raw must be valid JSON. It may wait for others, see lull.
func (s *stream) line(incarnation int, to bool, raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.buf)
	b := append(s.buf, `{"line":{"t":`...)
	b = strconv.AppendInt(b, inject.Mono(), 10)
	b = append(b, `,"i":`...)
	b = strconv.AppendInt(b, int64(incarnation), 10)
	if to {
		b = append(b, `,"to":true`...)
	}
	b = append(b, `,"raw":`...)
	b = append(b, raw...)
	s.buf = append(b, "}}\n"...)
	if before == 0 || len(s.buf) >= lullRoom {
		s.wake.Signal()
	}
}

// completed is called after the line of a completion, when so many ops are held. It has the half of all told while the
// child does the other.
func (s *stream) completed(held int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.untold++; s.untold >= held {
		s.urgent = true
		s.wake.Signal()
	}
}

// flush has all that was said written at once.
func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = true
	s.wake.Signal()
}

// say says m, which carries stamps of its own or none.
func (s *stream) say(m Message) { s.stamped(func(int64) Message { return m }) }

// stamped says what f makes of the time.
func (s *stream) stamped(f func(now int64) Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.Marshal(f(inject.Mono()))
	if err != nil { // all of Message's fields can be encoded
		panic(err)
	}
	s.buf = append(append(s.buf, b...), '\n')
	s.urgent = true
	s.wake.Signal()
}

// wait returns when the stream can take more, or will take no more.
func (s *stream) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) > streamRoom && !s.hurry {
		s.room.Wait()
	}
}

// end lets what waits for room go on: soon nothing more will be said.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurry = true
	s.room.Broadcast()
}

// close ends the stream and waits, not for ever, until all of it is written.
func (s *stream) close() error {
	s.mu.Lock()
	s.closed = true
	s.wake.Signal()
	s.mu.Unlock()
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.err
	case <-time.After(flushLimit):
		return fmt.Errorf("the harness did not read the last messages for %v", flushLimit)
	}
}
