package lock

import (
	"errors"
	"time"

	"riven/harness/coord"
	"riven/workloads"
)

// Defects of the ephemeral recipe alone; it has persistentNode too.
const (
	checkThenCreate = "check-then-create"
	lossIsFailure   = "loss-is-failure"
	releaseAny      = "release-any"
)

// holderPath is the one node whose owner holds the lock.
const holderPath = Root + "/holder"

// ephemeral is the simplest lock (ZooKeeper: Hunt et al., USENIX ATC 2010, section 2.4, "Simple Locks"): whoever creates the
// one node holds; everyone else watches it, and all of them try again when it goes (the herd effect).
type ephemeral struct {
	*client
	has func(defect string) bool
}

func newEphemeral(cfg workloads.Config) workloads.Driven {
	return newParticipant(cfg, func(c *client) algorithm { return &ephemeral{client: c, has: cfg.Has} })
}

func (m *ephemeral) acquire(s coord.Session, until time.Duration) (grant, error) {
	g := grant{session: s, path: holderPath}
	if err := m.awaitCleared(s, until); err != nil {
		return grant{}, err
	}
	if err := m.await(&g, until); err != nil {
		if !m.has(lossIsFailure) {
			m.eventually(s, func() error { return m.removeOwn(s) }) // of a create whose reply was lost
		}
		return grant{}, err
	}
	return g, nil
}

// awaitCleared waits for the clean-up of the hold before: it goes by the path, which is the next hold's path as well.
func (m *ephemeral) awaitCleared(s coord.Session, until time.Duration) error {
	if m.cleared == nil {
		return nil
	}
	fired, err := m.env.Wait(m.cleared, s.Expired(), m.env.After(until-m.env.Mono()))
	switch {
	case err != nil:
		return err
	case fired == 1:
		return coord.ErrExpired
	case fired == 2:
		return errGaveUp
	}
	return nil
}

func (m *ephemeral) await(g *grant, until time.Duration) error {
	for created := false; ; {
		g.lost = g.session.Disconnected() // before the reads that the hold will rest on
		made, err := m.create(g.session, until)
		if err != nil {
			return err
		}
		created = created || made
		var st coord.Stat
		var exists bool
		var watch coord.Signal
		err = m.retry(g.session, until, func() (err error) {
			st, exists, watch, err = g.session.ExistsW(holderPath)
			return err
		})
		switch {
		case err != nil:
			return err
		case !exists:
			created = false
			continue
		case m.owns(g.session, st, created):
			if g.token = st.Czxid; !g.lost.Fired() {
				return nil
			}
			continue
		}
		if _, err := m.wait(g.session, watch, g.lost, until); err != nil {
			return err
		}
	}
}

// create tries to make the node and tells whether that succeeded, by the reply alone.
func (m *ephemeral) create(s coord.Session, until time.Duration) (created bool, err error) {
	if m.has(checkThenCreate) {
		if _, exists, err := s.Exists(holderPath); exists || transient(err) {
			return false, nil
		}
	}
	mode := coord.Ephemeral
	if m.has(persistentNode) {
		mode = coord.Persistent
	}
	_, err = s.Create(holderPath, nil, mode)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, coord.ErrNodeExists):
		return m.has(checkThenCreate), nil
	case errors.Is(err, coord.ErrNoNode):
		return false, m.makeRoot(s, until)
	case transient(err):
		return false, nil
	}
	return false, err
}

// owns is decided by the node's owner, which a lost reply can not blur.
func (m *ephemeral) owns(s coord.Session, st coord.Stat, created bool) bool {
	switch {
	case m.has(lossIsFailure):
		return created
	case m.has(persistentNode), m.has(checkThenCreate):
		return created || st.EphemeralOwner == s.ID()
	}
	return st.EphemeralOwner == s.ID()
}

func (m *ephemeral) remove(g grant) error {
	if m.has(releaseAny) || m.has(persistentNode) {
		return g.session.Delete(holderPath, coord.AnyVersion)
	}
	return m.removeOwn(g.session)
}

// removeOwn deletes the node if it is the session's own: after a lost reply it may be the next holder's.
func (m *ephemeral) removeOwn(s coord.Session) error {
	_, st, err := s.Get(holderPath)
	if err != nil || st.EphemeralOwner != s.ID() {
		return err
	}
	return s.Delete(holderPath, coord.AnyVersion)
}
