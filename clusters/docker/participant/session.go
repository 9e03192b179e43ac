package participant

import (
	"time"

	"github.com/go-zookeeper/zk"

	"riven/harness/coord"
)

// session is coord.Session over a client. Its calls are made one after the other, in the order in which they were
// called: go-zookeeper would send them in the order in which its goroutines happen to run.
type session struct {
	env    *environment
	client *client
	id     int64
	last   chan struct{} // closed when the call before is over
}

var _ coord.Session = (*session)(nil)

func newSession(e *environment, c *client) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &session{env: e, client: c, id: c.id, last: closedChan()}
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (s *session) call(f func(*zk.Conn) error) (err error) {
	before, over := s.last, make(chan struct{})
	s.last = over
	s.env.away(func() {
		<-before
		defer close(over)
		err = s.client.do(f)
	})
	return err
}

// watch fires with ch, and when the session is over.
func (s *session) watch(ch <-chan zk.Event) coord.Signal {
	w := newSignal()
	s.env.port.task("watch", func() {
		select {
		case <-ch:
		case <-s.client.dead.ch:
		}
		w.Fire()
	})
	return w
}

func (s *session) ID() int64 { return s.id }

func (s *session) Timeout() time.Duration {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.client.timeout
}

func (s *session) Create(path string, data []byte, m coord.Mode) (created string, err error) {
	err = s.call(func(c *zk.Conn) (err error) {
		created, err = c.Create(path, data, int32(m), zk.WorldACL(zk.PermAll))
		return err
	})
	if err != nil {
		return "", err
	}
	return created, nil
}

func (s *session) Get(path string) (data []byte, stat coord.Stat, err error) {
	err = s.call(func(c *zk.Conn) error {
		d, st, err := c.Get(path)
		if err == nil {
			data, stat = d, statOf(st)
		}
		return err
	})
	return data, stat, err
}

func (s *session) GetW(path string) (data []byte, stat coord.Stat, w coord.Signal, err error) {
	err = s.call(func(c *zk.Conn) error {
		d, st, ch, err := c.GetW(path)
		if err == nil {
			data, stat, w = d, statOf(st), s.watch(ch)
		}
		return err
	})
	return data, stat, w, err
}

func (s *session) Exists(path string) (stat coord.Stat, found bool, err error) {
	err = s.call(func(c *zk.Conn) error {
		ok, st, err := c.Exists(path)
		if err == nil {
			stat, found = statOf(st), ok
		}
		return err
	})
	return stat, found, err
}

func (s *session) ExistsW(path string) (stat coord.Stat, found bool, w coord.Signal, err error) {
	err = s.call(func(c *zk.Conn) error {
		ok, st, ch, err := c.ExistsW(path)
		if err == nil {
			stat, found, w = statOf(st), ok, s.watch(ch)
		}
		return err
	})
	return stat, found, w, err
}

func (s *session) Children(path string) (names []string, err error) {
	err = s.call(func(c *zk.Conn) error {
		n, _, err := c.Children(path)
		if err == nil {
			names = n
		}
		return err
	})
	return names, err
}

func (s *session) ChildrenW(path string) (names []string, w coord.Signal, err error) {
	err = s.call(func(c *zk.Conn) error {
		n, _, ch, err := c.ChildrenW(path)
		if err == nil {
			names, w = n, s.watch(ch)
		}
		return err
	})
	return names, w, err
}

func (s *session) Set(path string, data []byte, version int32) (stat coord.Stat, err error) {
	err = s.call(func(c *zk.Conn) error {
		st, err := c.Set(path, data, version)
		if err == nil {
			stat = statOf(st)
		}
		return err
	})
	return stat, err
}

func (s *session) Delete(path string, version int32) error {
	return s.call(func(c *zk.Conn) error { return c.Delete(path, version) })
}

func (s *session) Sync(path string) error {
	return s.call(func(c *zk.Conn) error {
		_, err := c.Sync(path)
		return err
	})
}

func (s *session) Multi(ops ...coord.Op) (outcomes []coord.Outcome, err error) {
	requests := make([]any, len(ops))
	for i, op := range ops {
		requests[i] = requestOf(op)
	}
	err = s.call(func(c *zk.Conn) error {
		answers, err := c.Multi(requests...)
		for _, a := range answers {
			o := coord.Outcome{Path: a.String, Err: translateOp(a.Error)}
			if a.Stat != nil {
				o.Stat = statOf(a.Stat)
			}
			outcomes = append(outcomes, o)
		}
		return err
	})
	return outcomes, err
}

func requestOf(op coord.Op) any {
	switch op.Kind {
	case coord.OpCreate:
		return &zk.CreateRequest{Path: op.Path, Data: op.Data, Acl: zk.WorldACL(zk.PermAll), Flags: int32(op.Mode)}
	case coord.OpSet:
		return &zk.SetDataRequest{Path: op.Path, Data: op.Data, Version: op.Version}
	case coord.OpDelete:
		return &zk.DeleteRequest{Path: op.Path, Version: op.Version}
	}
	return &zk.CheckVersionRequest{Path: op.Path, Version: op.Version}
}

func (s *session) Disconnected() coord.Signal {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.client.down
}

func (s *session) Expired() coord.Signal { return s.client.dead }

func (s *session) Close() { s.env.away(s.client.close) }

func statOf(st *zk.Stat) coord.Stat {
	return coord.Stat{
		Czxid: st.Czxid, Mzxid: st.Mzxid, Pzxid: st.Pzxid, Version: st.Version, Cversion: st.Cversion,
		EphemeralOwner: st.EphemeralOwner, NumChildren: st.NumChildren,
	}
}
