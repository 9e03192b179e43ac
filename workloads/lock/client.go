package lock

import (
	"errors"
	"math"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
)

// retryPause is the time between two tries of a call that a lost connection failed.
const retryPause = 50 * time.Millisecond

// Times for calls that are repeated without end, and for those that are tried once.
const (
	forever time.Duration = math.MaxInt64
	once    time.Duration = math.MinInt64
)

// errGaveUp ends an acquire that took longer than Patience.
var errGaveUp = errors.New("gave up waiting")

// client is the participant's one session, opened again when it has expired, and what every algorithm does with it.
// Points in time are readings of Env.Mono.
type client struct {
	env     env.Env
	timeout time.Duration // the session timeout asked for
	session coord.Session
	cleared env.Cond // fires when the last clean-up is done or void; nil before the first
}

// open gives the session, a new one if there is none that lives.
func (c *client) open(until time.Duration) (coord.Session, error) {
	if c.session != nil && !c.session.Expired().Fired() {
		return c.session, nil
	}
	for {
		s, err := c.env.Open(coord.Options{Timeout: c.timeout})
		if err == nil {
			c.session = s
			return s, nil
		}
		if errors.Is(err, env.ErrStopped) {
			return nil, err
		}
		if c.env.Mono() >= until {
			return nil, errGaveUp
		}
		if _, err := c.env.Wait(c.env.After(retryPause)); err != nil {
			return nil, err
		}
	}
}

// transient tells whether err leaves the outcome open, or was only a matter of which server was asked.
func transient(err error) bool {
	return err != nil && (!coord.Definite(err) || errors.Is(err, coord.ErrMoved))
}

// retry repeats a call that may safely be made twice while a lost connection fails it.
func (c *client) retry(s coord.Session, until time.Duration, call func() error) error {
	for {
		err := call()
		if !transient(err) {
			return err
		}
		if err := c.pause(s, until); err != nil {
			return err
		}
	}
}

// pause waits before the next try; it fails when there is to be none.
func (c *client) pause(s coord.Session, until time.Duration) error {
	if c.env.Mono() >= until {
		return errGaveUp
	}
	fired, err := c.env.Wait(s.Expired(), c.env.After(retryPause))
	if err == nil && fired == 0 {
		return coord.ErrExpired
	}
	return err
}

// eventually makes sure of a clean-up (Curator's guaranteed delete): it tries once, and goes on in a task of its own
// until it is done or the session is over, which takes its ephemeral nodes along.
func (c *client) eventually(s coord.Session, cleanUp func() error) {
	done := c.env.Cond()
	c.cleared = done
	if !transient(cleanUp()) {
		done.Fire()
		return
	}
	c.env.Go("clean up", func() {
		defer done.Fire()
		if c.pause(s, forever) == nil {
			_ = c.retry(s, forever, cleanUp) // fails only when the session or the node is over
		}
	})
}

// makeRoot creates Root unless it exists.
func (c *client) makeRoot(s coord.Session, until time.Duration) error {
	err := c.retry(s, until, func() error {
		_, err := s.Create(Root, nil, coord.Persistent)
		return err
	})
	if errors.Is(err, coord.ErrNodeExists) {
		return nil
	}
	return err
}

// awaken is why wait returned without an error.
type awaken int

const (
	gone awaken = iota // the watch fired
	down               // the connection was lost
)

// wait waits for a watch. A lost connection ends it too: what was read before must be read again.
func (c *client) wait(s coord.Session, watch, lost coord.Signal, until time.Duration) (awaken, error) {
	fired, err := c.env.Wait(s.Expired(), watch, lost, c.env.After(until-c.env.Mono()))
	switch {
	case err != nil:
		return 0, err
	case fired == 0:
		return 0, coord.ErrExpired
	case fired == 3:
		return 0, errGaveUp
	}
	return awaken(fired - 1), nil
}
