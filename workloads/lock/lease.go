package lock

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/workloads"
)

// wallClock is the defect of the lease recipe alone.
const wallClock = "wall-clock"

// leasePath is the one node in which the lease is written.
// The node is never deleted, but emptied: one that is made anew begins with version 0 again, and a holder that was asleep
// would renew its successor's lease. It lies beside Root, where nothing may be left.
const leasePath = Root + "-lease"

// lease is a lock that does not rest on the session: a persistent node with the holder's name and the time at which its lease runs out,
// written again and again by its holder. Who finds a lease that has run out writes itself in, on condition of the version it read.
//
// A clock in common would be needed to read the time in the node (C. Gray, D. Cheriton, "Leases", SOSP 1989, section 5). Without one it
// is for people only: a taker waits, by its own monotonic clock, for a whole lease from when it first saw the last renewal, which is no
// earlier than the renewal was begun; and the holder stops a quarter of a lease short of that.
type lease struct {
	*client
	has    func(defect string) bool
	length time.Duration
	terms  int
	term   *term // the present hold's
}

// term is one tenure with what its tasks share.
type term struct {
	name    string
	version int32
	end     time.Duration // Mono at which the holder stops unless it has renewed
	stop    env.Cond      // released
	lost    env.Cond      // run out, or taken
}

func newLease(cfg workloads.Config) workloads.Driven {
	return newParticipant(cfg, func(c *client) algorithm { return &lease{client: c, has: cfg.Has, length: c.timeout} })
}

func (m *lease) acquire(s coord.Session, until time.Duration) (grant, error) {
	m.terms++
	t := &term{name: fmt.Sprintf("%s/%d", m.env.ID(), m.terms), stop: m.env.Cond(), lost: m.env.Cond()}
	m.term = t
	g := grant{session: s, path: leasePath, lost: t.lost}
	var err error
	if g.token, err = m.await(s, t, until); err != nil {
		m.eventually(s, func() error { return m.removeOwn(s, t) }) // of a write whose reply was lost
		return grant{}, err
	}
	m.env.Go("renew", func() { m.renew(s, t) })
	m.env.Go("end", func() { m.runOut(t) })
	return g, nil
}

// sight is the last lease of somebody else that was seen, and since when.
type sight struct {
	mzxid int64
	since time.Duration
}

func (m *lease) await(s coord.Session, t *term, until time.Duration) (token int64, err error) {
	for seen := (sight{}); ; {
		data, st, watch, err := s.GetW(leasePath)
		switch {
		case errors.Is(err, coord.ErrNoNode):
			if err := m.create(s, t, until); err != nil {
				return 0, err
			}
			continue
		case transient(err):
			if err := m.pause(s, until); err != nil {
				return 0, err
			}
			continue
		case err != nil:
			return 0, err
		}
		name, expiry := parseLease(data)
		if name == t.name {
			if t.version = st.Version; m.env.Mono() < t.end {
				return st.Mzxid, nil
			}
		}
		if st.Mzxid != seen.mzxid {
			seen = sight{st.Mzxid, m.env.Mono()}
		}
		left := seen.since + m.length - m.env.Mono()
		if m.has(wallClock) {
			left = expiry.Sub(m.env.Now())
		}
		if left <= 0 || name == "" || name == t.name {
			if err := m.take(s, t, st.Version); err != nil {
				return 0, err
			}
			continue
		}
		if m.env.Mono() >= until {
			return 0, errGaveUp
		}
		if fired, err := m.env.Wait(s.Expired(), watch, s.Disconnected(), m.env.After(left)); err != nil {
			return 0, err
		} else if fired == 0 {
			return 0, coord.ErrExpired
		}
	}
}

// create writes the first lease; await finds out whether it is ours.
func (m *lease) create(s coord.Session, t *term, until time.Duration) error {
	end := m.until()
	_, err := s.Create(leasePath, m.text(t), coord.Persistent)
	switch {
	case transient(err):
		t.end = end
		return m.pause(s, until)
	case err != nil && !errors.Is(err, coord.ErrNodeExists):
		return err
	case err == nil:
		t.end = end
	}
	return nil
}

// take writes us over a lease that has run out; await finds out whether it was in time.
func (m *lease) take(s coord.Session, t *term, version int32) error {
	end := m.until()
	_, err := s.Set(leasePath, m.text(t), version)
	switch {
	case err == nil, transient(err):
		t.end = end
	case !errors.Is(err, coord.ErrBadVersion) && !errors.Is(err, coord.ErrNoNode):
		return err
	}
	return nil
}

// until is when the holder of a lease stops whose writing begins now.
func (m *lease) until() time.Duration { return m.env.Mono() + m.length*3/4 }

// renew writes the lease anew in time, until it is released or not ours any more.
func (m *lease) renew(s coord.Session, t *term) {
	for {
		fired, err := m.env.Wait(t.stop, t.lost, m.env.After(m.length/4))
		if err != nil || fired < 2 {
			return
		}
		end := m.until()
		st, err := s.Set(leasePath, m.text(t), t.version)
		switch {
		case err == nil:
			t.version, t.end = st.Version, end
		case !transient(err):
			t.lost.Fire()
			return
		default: // it may have been done
			if data, st, err := s.Get(leasePath); err == nil {
				if name, _ := parseLease(data); name == t.name {
					t.version = st.Version
				}
			}
		}
	}
}

// runOut ends a hold whose lease was not renewed, also while a renewal is under way.
func (m *lease) runOut(t *term) {
	for left := t.end - m.env.Mono(); left > 0; left = t.end - m.env.Mono() {
		fired, err := m.env.Wait(t.stop, t.lost, m.env.After(left))
		if err != nil || fired < 2 {
			return
		}
	}
	t.lost.Fire()
}

func (m *lease) remove(g grant) error {
	t := m.term
	if g.lost != t.lost {
		return nil // a later acquire has begun: it does not clean up for an earlier one, whose lease runs out
	}
	if !t.stop.Fired() {
		t.stop.Fire()
	}
	return m.removeOwn(g.session, t)
}

// removeOwn empties the node if the term's name is in it. A renewal that was under way makes it another version: then it is read again.
func (m *lease) removeOwn(s coord.Session, t *term) error {
	for {
		data, st, err := s.Get(leasePath)
		if err != nil {
			return err
		}
		if name, _ := parseLease(data); name != t.name {
			return nil
		}
		if _, err := s.Set(leasePath, nil, st.Version); !errors.Is(err, coord.ErrBadVersion) {
			return err
		}
	}
}

// text is what the node says: whose lease it is, and when it runs out by the wall clock of its holder.
func (m *lease) text(t *term) []byte {
	return []byte(t.name + " " + m.env.Now().Add(m.length).UTC().Format(time.RFC3339Nano))
}

// parseLease reads text; what is none has no holder and has run out.
func parseLease(data []byte) (name string, expiry time.Time) {
	name, at, _ := strings.Cut(string(data), " ")
	expiry, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return "", time.Time{}
	}
	return name, expiry
}
