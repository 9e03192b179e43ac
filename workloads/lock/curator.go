package lock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/workloads"
)

// Defects of the curator recipe alone.
const (
	leaveSuspended    = "leave-suspended"
	unprotectedCreate = "unprotected-create"
	searchOnce        = "search-once"
	releaseLowest     = "release-lowest"
	watchLowest       = "watch-lowest"
	predecessorGone   = "predecessor-gone"
	sortByName        = "sort-by-name"
	persistentNode    = "persistent-node"
	noToken           = "no-token"
	sessionToken      = "session-token"
)

// errNodeGone: somebody else deleted the node that stood for us.
var errNodeGone = errors.New("own node is gone")

// curator is the algorithm of Apache Curator's InterProcessMutex (LockInternals, StandardLockInternalsDriver), with the
// czxid of the node as the fencing token.
type curator struct {
	*client
	has func(defect string) bool
}

func newCurator(cfg workloads.Config) workloads.Driven {
	return newParticipant(cfg, func(c *client) algorithm { return &curator{client: c, has: cfg.Has} })
}

func (m *curator) acquire(s coord.Session, until time.Duration) (grant, error) {
	guid := fmt.Sprintf("%016x%016x", m.env.Rand().Uint64(), m.env.Rand().Uint64())
	name, err := m.create(s, guid, until)
	if err != nil {
		if !m.has(searchOnce) {
			m.eventually(s, func() error { return m.discard(s, guid) })
		}
		return grant{}, err
	}
	g := grant{session: s, path: Root + "/" + name}
	if err := m.await(&g, name, until); err != nil {
		m.eventually(s, func() error { return m.remove(g) })
		return grant{}, err
	}
	return g, nil
}

// create makes the node that queues for us. When the reply is lost, the GUID in the name tells whether it was made
// (Curator: protection mode).
func (m *curator) create(s coord.Session, guid string, until time.Duration) (string, error) {
	prefix, mode := Root+"/_c_"+guid+"-"+separator, coord.Ephemeral|coord.Sequential
	if m.has(unprotectedCreate) {
		prefix = Root + "/" + separator
	}
	if m.has(persistentNode) {
		mode = coord.Sequential
	}
	for {
		path, err := s.Create(prefix, nil, mode)
		switch {
		case err == nil:
			return base(path), nil
		case errors.Is(err, coord.ErrNoNode):
			if err := m.makeRoot(s, until); err != nil {
				return "", err
			}
			continue
		case !transient(err):
			return "", err
		case !m.has(unprotectedCreate):
			if name, err := m.search(s, guid, until); name != "" || err != nil {
				return name, err
			}
		}
		if err := m.pause(s, until); err != nil {
			return "", err
		}
	}
}

// search looks for the node with the GUID, behind a write: more than Curator does. Without it a follower that lags behind
// may not show the node yet; and a sync would do only as long as the leader is one, since it goes through no quorum
// (ZOOKEEPER-1675): a leader that was deposed in a pause answers it at once when it wakes, a second node is made, and
// nobody deletes the first (found by hunt in the simulation).
func (m *curator) search(s coord.Session, guid string, until time.Duration) (string, error) {
	if m.has(searchOnce) {
		until = once
	}
	names, err := m.children(s, until, func() error {
		_, err := s.Set(Root, nil, coord.AnyVersion)
		return err
	})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(names, func(n string) bool { return strings.Contains(n, guid) })
	if i < 0 {
		return "", nil
	}
	return names[i], nil
}

// await returns when the node is the oldest and, by the server's word, belongs to the very session (CURATOR-498).
func (m *curator) await(g *grant, name string, until time.Duration) error {
	for mine := false; ; {
		g.lost = g.session.Disconnected() // before the reads that the hold will rest on
		queue, err := m.queue(g.session, until)
		if err != nil {
			return err
		}
		at := slices.Index(queue, name)
		switch {
		case at < 0:
			return errNodeGone
		case at == 0 || mine:
			if err := m.verify(g, until); err != nil {
				return err
			}
			if !g.lost.Fired() {
				return nil
			}
			continue
		}
		watched := queue[at-1]
		if m.has(watchLowest) {
			watched = queue[0]
		}
		why, err := m.awaitGone(g, watched, until)
		if err != nil {
			return err
		}
		mine = why == gone && (m.has(watchLowest) || m.has(predecessorGone))
	}
}

func (m *curator) queue(s coord.Session, until time.Duration) (queue []string, err error) {
	err = m.retry(s, until, func() error {
		names, err := s.Children(Root)
		queue = bySequence(names)
		return err
	})
	if m.has(sortByName) {
		slices.Sort(queue)
	}
	return queue, err
}

// verify reads the node, its token and its owner.
func (m *curator) verify(g *grant, until time.Duration) error {
	var st coord.Stat
	err := m.retry(g.session, until, func() (err error) {
		_, st, err = g.session.Get(g.path)
		return err
	})
	switch {
	case errors.Is(err, coord.ErrNoNode):
		return errNodeGone
	case err != nil:
		return err
	case st.EphemeralOwner != g.session.ID() && !m.has(persistentNode):
		return fmt.Errorf("own node belongs to session %#x", st.EphemeralOwner)
	}
	g.token = st.Czxid
	switch {
	case m.has(noToken):
		g.token = 0
	case m.has(sessionToken):
		g.token = g.session.ID()
	}
	return nil
}

// awaitGone watches one node with getData, which leaves no watch behind if the node does not exist (CURATOR-107).
func (m *curator) awaitGone(g *grant, name string, until time.Duration) (awaken, error) {
	var watch coord.Signal
	err := m.retry(g.session, until, func() (err error) {
		_, _, watch, err = g.session.GetW(Root + "/" + name)
		return err
	})
	if errors.Is(err, coord.ErrNoNode) {
		return gone, nil
	}
	if err != nil {
		return 0, err
	}
	return m.wait(g.session, watch, g.lost, until)
}

func (m *curator) remove(g grant) error {
	path := g.path
	if m.has(releaseLowest) {
		queue, err := m.queue(g.session, forever)
		if err != nil || len(queue) == 0 {
			return err
		}
		path = Root + "/" + queue[0]
	}
	return g.session.Delete(path, coord.AnyVersion)
}

// discard removes what a create of unknown outcome may have left.
func (m *curator) discard(s coord.Session, guid string) error {
	name, err := m.search(s, guid, once)
	if err != nil || name == "" {
		return err
	}
	return s.Delete(Root+"/"+name, coord.AnyVersion)
}
