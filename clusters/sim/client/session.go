package client

import (
	"fmt"
	"slices"
	"time"

	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/kernel"
	"riven/harness/coord"
)

// Session is coord.Session over a client.
type Session struct {
	c    *Client
	id   int64
	turn *kernel.Signal // fires when the call before is over
}

var _ coord.Session = (*Session)(nil)

// Open waits for a session, two of its timeouts at most.
func Open(h Host, p Profile, timeout time.Duration) (coord.Session, error) {
	h.Check()
	if timeout <= 0 {
		return nil, fmt.Errorf("open a session with timeout %v: %w", timeout, coord.ErrInvalid)
	}
	c := New(h, p, timeout)
	limit := h.Deadline(2 * timeout)
	for !c.up.Fired() && !c.dead.Fired() && !limit.Fired() {
		h.Wait(c.up, c.dead, limit)
	}
	if !c.up.Fired() {
		c.End()
		return nil, fmt.Errorf("no session within %v: %w", 2*timeout, coord.ErrLoss)
	}
	first := new(kernel.Signal)
	first.Fire()
	return &Session{c: c, id: c.session, turn: first}, nil
}

// do makes one call after the other: the next is not sent before the one before is over, as in containers. What was
// called when dead is not sent.
func (s *Session) do(q *call) (ensemble.Reply, error) {
	c, h := s.c, s.c.host
	h.Check()
	before := s.turn
	s.turn = &q.over
	defer q.over.Fire()
	for !before.Fired() {
		h.Wait(before)
	}
	if c.closing || c.dead.Fired() {
		return ensemble.Reply{}, coord.ErrExpired
	}
	q.name = opNames[q.req.Op]
	c.waiting = append(c.waiting, q)
	c.flush()
	for !q.done.Fired() {
		h.Wait(&q.done)
	}
	return q.reply, q.err
}

// pathed is a call about a path, which is looked at before anything is sent (go-zookeeper: validatePath; Java:
// PathUtils.validatePath). A sequential node's path is looked at with a digit behind it.
func (s *Session) pathed(q *call) (ensemble.Reply, error) {
	path := q.req.Path
	if q.req.Op == ensemble.OpCreate && q.req.Mode&coord.Sequential != 0 {
		path += "1"
	}
	if !ensemble.ValidPath(path) {
		return ensemble.Reply{}, fmt.Errorf("path %q: %w", q.req.Path, coord.ErrInvalid)
	}
	return s.do(q)
}

func (s *Session) read(op ensemble.Op, path string, kind watchKind, watched bool) (r ensemble.Reply, w coord.Signal, err error) {
	q := &call{req: ensemble.Request{Op: op, Path: path, Watch: watched}}
	if watched {
		q.watch = &watch{path: path, kind: kind, signal: new(kernel.Signal)}
		w = q.watch.signal
	}
	r, err = s.pathed(q)
	if err != nil && q.watch != nil && s.c.dead.Fired() {
		q.watch.signal.Fire()
	}
	return r, w, err
}

// ID is that of the session.
func (s *Session) ID() int64 { return s.id }

// Timeout is what the server granted.
func (s *Session) Timeout() time.Duration { return s.c.timeout }

// Create makes a node.
func (s *Session) Create(path string, data []byte, m coord.Mode) (string, error) {
	r, err := s.pathed(&call{req: ensemble.Request{Op: ensemble.OpCreate, Path: path, Data: slices.Clone(data), Mode: m}})
	return r.Path, err
}

// Get reads a node.
func (s *Session) Get(path string) ([]byte, coord.Stat, error) {
	r, _, err := s.read(ensemble.OpGet, path, onData, false)
	return slices.Clone(r.Data), r.Stat, err
}

// GetW reads a node and watches it.
func (s *Session) GetW(path string) ([]byte, coord.Stat, coord.Signal, error) {
	r, w, err := s.read(ensemble.OpGet, path, onData, true)
	if err != nil {
		w = nil
	}
	return slices.Clone(r.Data), r.Stat, w, err
}

// Exists looks whether a node is there.
func (s *Session) Exists(path string) (coord.Stat, bool, error) {
	r, _, err := s.read(ensemble.OpExists, path, onData, false)
	return exists(r, err)
}

// ExistsW looks whether a node is there and watches it, or its creation.
func (s *Session) ExistsW(path string) (coord.Stat, bool, coord.Signal, error) {
	r, w, err := s.read(ensemble.OpExists, path, onData, true)
	st, found, err := exists(r, err)
	if err != nil {
		w = nil
	}
	return st, found, w, err
}

func exists(r ensemble.Reply, err error) (coord.Stat, bool, error) {
	if err == coord.ErrNoNode {
		return coord.Stat{}, false, nil
	}
	return r.Stat, err == nil, err
}

// Children lists the children of a node.
func (s *Session) Children(path string) ([]string, error) {
	r, _, err := s.read(ensemble.OpChildren, path, onChildren, false)
	return r.Children, err
}

// ChildrenW lists the children of a node and watches for others.
func (s *Session) ChildrenW(path string) ([]string, coord.Signal, error) {
	r, w, err := s.read(ensemble.OpChildren, path, onChildren, true)
	if err != nil {
		w = nil
	}
	return r.Children, w, err
}

// Set changes a node's data.
func (s *Session) Set(path string, data []byte, version int32) (coord.Stat, error) {
	r, err := s.pathed(&call{req: ensemble.Request{Op: ensemble.OpSet, Path: path, Data: slices.Clone(data), Version: version}})
	return r.Stat, err
}

// Delete removes a node.
func (s *Session) Delete(path string, version int32) error {
	_, err := s.pathed(&call{req: ensemble.Request{Op: ensemble.OpDelete, Path: path, Version: version}})
	return err
}

// Multi does all ops or none. Their paths are for the server to judge (go-zookeeper: Conn.Multi).
func (s *Session) Multi(ops ...coord.Op) ([]coord.Outcome, error) {
	q := &call{req: ensemble.Request{Op: ensemble.OpMulti}}
	for _, op := range ops {
		q.req.Ops = append(q.req.Ops, ensemble.Request{Op: kinds[op.Kind], Path: op.Path, Data: slices.Clone(op.Data), Mode: op.Mode, Version: op.Version})
	}
	r, err := s.do(q)
	var outcomes []coord.Outcome
	for _, x := range r.Results {
		o := coord.Outcome{Path: x.Path, Stat: x.Stat, Err: errorOf(x.Err)}
		if err == nil {
			err = o.Err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, err
}

var kinds = [...]ensemble.Op{coord.OpCreate: ensemble.OpCreate, coord.OpSet: ensemble.OpSet, coord.OpDelete: ensemble.OpDelete, coord.OpCheck: ensemble.OpCheck}

// Sync makes the server catch up with the leader.
func (s *Session) Sync(path string) error {
	_, err := s.pathed(&call{req: ensemble.Request{Op: ensemble.OpSync, Path: path}})
	return err
}

// Disconnected fires when the present connection is lost.
func (s *Session) Disconnected() coord.Signal { return s.c.down }

// Expired fires when the client knows that the session is dead.
func (s *Session) Expired() coord.Signal { return s.c.dead }

// Close tells the servers that the session is over, if they can be told within a second, and ends the client.
func (s *Session) Close() {
	c, h := s.c, s.c.host
	h.Check()
	c.closing = true
	if !c.dead.Fired() {
		q := &call{name: opNames[ensemble.OpClose], req: ensemble.Request{Op: ensemble.OpClose}}
		c.waiting = append(c.waiting, q)
		c.flush()
		for limit := h.Deadline(closeTime); !q.done.Fired() && !limit.Fired(); {
			h.Wait(&q.done, limit)
		}
	}
	c.End()
}
