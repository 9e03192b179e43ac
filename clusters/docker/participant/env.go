package participant

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
)

// environment is env in a container. Its token is held by the one task that runs; every call that blocks gives it
// away meanwhile.
type environment struct {
	port  *port
	token sync.Mutex
	rng   *rand.Rand
	start time.Time
}

var _ env.Env = (*environment)(nil)

func newEnvironment(p *port) *environment {
	h := fnv.New64a()
	h.Write([]byte(p.id())) // two incarnations must not draw the same numbers
	return &environment{port: p, rng: rand.New(rand.NewPCG(p.hello.Seed, h.Sum64())), start: time.Now()}
}

// away runs f without the token. The token is back even if f panics.
func (e *environment) away(f func()) {
	e.token.Unlock()
	defer e.token.Lock()
	f()
}

func (e *environment) ID() string                         { return e.port.id() }
func (e *environment) Now() time.Time                     { return time.Now().Round(0) }
func (e *environment) Mono() time.Duration                { return time.Since(e.start) }
func (e *environment) Rand() *rand.Rand                   { return e.rng }
func (e *environment) Cond() env.Cond                     { return newSignal() }
func (e *environment) After(d time.Duration) coord.Signal { return deadline{time.Now().Add(d)} }

func (e *environment) Go(name string, f func()) {
	e.port.task(name, func() {
		e.token.Lock()
		defer e.token.Unlock()
		f()
	})
}

func (e *environment) Call(r env.Request) (reply env.Reply, err error) {
	e.away(func() { reply, err = e.port.call(r) })
	return reply, err
}

func (e *environment) Note(n env.Note) {
	e.port.note(history.Op{F: n.Kind, Key: n.Key, Hold: n.Hold, Token: n.Token, N: n.N, Text: n.Text})
}

// Open waits for a session, but no longer than two of its timeouts: then it is ErrLoss, and a session that nobody knows
// of may live at the servers until it expires there.
func (e *environment) Open(o coord.Options) (coord.Session, error) {
	if o.Timeout <= 0 {
		return nil, fmt.Errorf("open a session with timeout %v: %w", o.Timeout, coord.ErrInvalid)
	}
	c, err := openClient(e.port, o.Timeout, false)
	if err != nil {
		return nil, err
	}
	i, err := e.Wait(c.up, c.dead, e.After(2*o.Timeout))
	switch {
	case err != nil:
		return nil, err // the client ends with the node
	case i != 0:
		c.end()
		return nil, fmt.Errorf("no session within %v: %w", 2*o.Timeout, coord.ErrLoss)
	}
	return newSession(e, c), nil
}
