package lock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// Defects of every recipe: they lie in how a participant treats its hold, whatever the algorithm.
const (
	ignoreLoss      = "ignore-loss"
	ignoreSuspended = "ignore-suspended"
)

// grant is a lock as an algorithm got it.
type grant struct {
	session coord.Session
	path    string // of the node that stands for it
	token   int64
	lost    coord.Signal // the connection that it was verified over is gone
}

// algorithm is what differs from recipe to recipe.
type algorithm interface {
	// acquire returns with the lock, or with an error; then it has cleaned up or sees to it.
	acquire(s coord.Session, until time.Duration) (grant, error)
	// remove takes the grant's node away; it may be called again after a transient error.
	remove(g grant) error
}

// hold is one tenure.
type hold struct {
	grant
	name string
	over env.Cond // released or lost
	lost bool
}

// participant does the ops with an algorithm.
type participant struct {
	*client
	cfg      workloads.Config
	alg      algorithm
	patience time.Duration
	acquires int64
	accesses int64
	held     *hold // nil: nothing, by the participant's own account
}

func newParticipant(cfg workloads.Config, make func(*client) algorithm) *participant {
	c := &client{env: cfg.Env, timeout: cfg.Spec.Timing.Session.D()}
	return &participant{client: c, cfg: cfg, alg: make(c), patience: Patience(cfg.Spec)}
}

// Do does one op.
func (p *participant) Do(op history.Op) workloads.Completion {
	switch op.F {
	case Acquire:
		return p.acquire()
	case Work:
		return p.work(time.Duration(op.N) * time.Millisecond)
	case Release:
		return p.release()
	case List:
		return p.list()
	}
	return failed(fmt.Errorf("unknown op %q", op.F))
}

func (p *participant) acquire() workloads.Completion {
	if p.held != nil { // the ops were cut off before its release
		p.lose(p.held)
	}
	g, err := p.attempt(p.env.Mono() + p.patience)
	if err != nil {
		return failed(err)
	}
	p.acquires++
	h := &hold{grant: g, name: fmt.Sprintf("%s/%d", p.env.ID(), p.acquires), over: p.env.Cond()}
	p.held = h
	p.env.Go("guard", func() { p.guard(h) })
	return done(history.Op{Hold: h.name, Token: h.token})
}

// attempt goes on in a new session when one expires under it.
func (p *participant) attempt(until time.Duration) (grant, error) {
	for {
		s, err := p.open(until)
		if err != nil {
			return grant{}, err
		}
		g, err := p.alg.acquire(s, until)
		if !errors.Is(err, coord.ErrExpired) {
			return g, err
		}
		p.session = nil
	}
}

// guard ends the hold when nobody can know any more whether it lasts: at the loss of the connection, not at the expiry
// that the client hears of too late (Curator: SUSPENDED).
func (p *participant) guard(h *hold) {
	loss := h.grant.lost
	switch {
	case p.cfg.Has(ignoreLoss):
		return
	case p.cfg.Has(ignoreSuspended):
		loss = h.session.Expired()
	}
	fired, err := p.env.Wait(h.over, h.session.Expired(), loss)
	if err == nil && fired > 0 {
		p.lose(h)
	}
}

// lose gives the hold up before any release, and its node as soon as the connection is back.
func (p *participant) lose(h *hold) {
	if h.over.Fired() {
		return
	}
	h.lost, p.held = true, nil
	h.over.Fire()
	p.env.Note(env.Note{Kind: history.NoteLost, Hold: h.name, Token: h.token})
	if !p.cfg.Has(leaveSuspended) {
		p.giveBack(h.grant)
	}
}

func (p *participant) giveBack(g grant) {
	p.eventually(g.session, func() error { return p.alg.remove(g) })
}

// work accesses the register at a pace for that long; an access that was due in the meantime is still made when the
// participant comes to itself late, as a program does that was stopped in mid-write.
func (p *participant) work(length time.Duration) workloads.Completion {
	h := p.held
	if h == nil {
		return failed(errors.New(NotHeld))
	}
	result := history.Op{Hold: h.name, Token: h.token}
	for end := p.env.Mono() + length; ; {
		p.accesses++
		reply, err := p.env.Call(env.Request{Resource: Register, Hold: h.name, Token: h.token, N: p.accesses})
		switch {
		case err != nil:
			return failed(err)
		case reply.Accepted:
			result.N++
		case !p.cfg.Has(ignoreLoss): // somebody with a higher token holds it
			p.lose(h)
		}
		if p.env.Mono() >= end {
			break
		}
		if fired, err := p.env.Wait(h.over, p.env.After(Pace(length))); err != nil {
			return failed(err)
		} else if fired == 0 {
			break
		}
	}
	if h.lost {
		result.Text = Lost
	}
	return done(result)
}

func (p *participant) release() workloads.Completion {
	h := p.held
	if h == nil {
		return failed(errors.New(NotHeld))
	}
	p.held = nil
	h.over.Fire()
	p.giveBack(h.grant)
	return done(history.Op{Hold: h.name, Token: h.token})
}

// list reads what is under the lock, no older than this call by the server's own account.
func (p *participant) list() workloads.Completion {
	until := p.env.Mono() + p.patience
	for {
		s, err := p.open(until)
		if err != nil {
			return failed(err)
		}
		names, err := p.children(s, until, func() error { return s.Sync(Root) })
		switch {
		case errors.Is(err, coord.ErrExpired):
			p.session = nil
		case err != nil:
			return failed(err)
		default:
			slices.Sort(names)
			return done(history.Op{N: int64(len(names)), Text: strings.Join(names, " ")})
		}
	}
}

// children lists Root after something that makes the session's server newer; one that does not exist has none.
func (c *client) children(s coord.Session, until time.Duration, first func() error) (names []string, err error) {
	err = c.retry(s, until, func() error {
		if err := first(); err != nil {
			return err
		}
		names, err = s.Children(Root)
		return err
	})
	if errors.Is(err, coord.ErrNoNode) {
		return nil, nil
	}
	return names, err
}

func done(op history.Op) workloads.Completion {
	return workloads.Completion{Type: history.OK, Op: op}
}

// failed is for ops that surely did not happen; a stopping node is sure of nothing.
func failed(err error) workloads.Completion {
	if errors.Is(err, env.ErrStopped) {
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}
