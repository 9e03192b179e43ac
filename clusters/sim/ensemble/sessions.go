package ensemble

import (
	"cmp"
	"slices"
	"time"
)

// conn is a client's connection (ServerCnxn).
type conn struct {
	id      Conn
	session int64
	timeout time.Duration
	open    bool // answered Connected
	closed  bool
}

// sessions are the clients of a server and what it knows of their sessions: as leader a SessionTrackerImpl, as follower
// a LearnerSessionTracker.
type sessions struct {
	conns   []*conn // in the order in which they came
	byConn  map[Conn]*conn
	bySess  map[int64]*conn // the latest of a session at this server
	nextID  int64
	waiting []*conn // for the leader's word on their session (Learner.pendingRevalidations)
	touches []Touch // since the last ping (LearnerSessionTracker.touchTable)

	tracked []tracked // ascending
	alarm   alarm
	bucket  time.Duration // the next one that expires (ExpiryQueue.nextExpirationTime)
	old     []tracked     // what a defective server remembers of earlier roles
}

// tracked is a session at the leader (SessionTrackerImpl.SessionImpl).
type tracked struct {
	id       int64
	timeout  time.Duration
	deadline time.Duration // rounded up to a tick
	closing  bool
	owner    uint64 // the connection through which it is served: a learner's link, or ownerSelf
}

const ownerSelf = 1

func (t *sessions) init() {
	t.byConn, t.bySess = map[Conn]*conn{}, map[int64]*conn{}
}

func (t *sessions) stop() {
	t.alarm.seq = 0
	t.tracked = t.tracked[:0]
	t.touches = nil
	t.waiting = t.waiting[:0]
}

func (s *Server) closeClients() {
	for _, c := range s.sessions.conns {
		if !c.closed {
			c.closed = true
			s.host.Hangup(c.id)
		}
	}
	s.sessions.conns = s.sessions.conns[:0]
	clear(s.sessions.byConn)
	clear(s.sessions.bySess)
	s.tree.dropWatches()
}

// Accept takes a new connection with its connect request (ZooKeeperServer.processConnectRequest). The answer is a Reply
// of kind Connected, or Hangup: when the server serves nobody at present, and when the client has seen more than it.
func (s *Server) Accept(id Conn, h Hello) {
	if !s.up || h.LastZxid > s.tree.zxid && !s.has.readBehind {
		s.host.Hangup(id)
		return
	}
	t := &s.sessions
	c := &conn{id: id, session: h.Session, timeout: min(max(h.Timeout, 2*s.cfg.Tick), 20*s.cfg.Tick)}
	t.conns = append(t.conns, c)
	t.byConn[id] = c
	if h.Session == 0 {
		s.openSession(c)
		return
	}
	s.hangup(t.bySess[h.Session]) // the client has come anew
	t.bySess[h.Session] = c
	switch {
	case h.Password != s.password(h.Session):
		s.connected(c, false)
	case s.role == Leading:
		valid := s.touch(c.session, c.timeout)
		s.connected(c, valid)
		if valid {
			s.setOwner(c.session, ownerSelf)
		}
	default:
		t.waiting = slices.DeleteFunc(t.waiting, func(w *conn) bool { return w.session == c.session })
		t.waiting = append(t.waiting, c)
		s.toLeader(Message{Kind: Revalidate, Session: c.session, Timeout: int64(c.timeout)})
	}
}

// openSession is ZooKeeperServer.createSession. The high byte of the id is the server's.
func (s *Server) openSession(c *conn) {
	t := &s.sessions
	c.session = t.nextID
	t.nextID++
	t.bySess[c.session] = c
	if s.role == Leading {
		s.track(c.session, c.timeout)
	}
	s.submit(c, &Request{Op: opOpen, timeout: c.timeout})
}

// password is ZooKeeperServer.generatePasswd: any server can tell it from the id. (The mix is that of SplitMix64.)
func (s *Server) password(session int64) uint64 {
	z := (uint64(session) ^ 0xB3415C00) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// connected is ZooKeeperServer.finishSessionInit.
func (s *Server) connected(c *conn, valid bool) {
	if c == nil || c.closed {
		return
	}
	if !valid {
		s.host.Reply(c.id, Reply{Kind: Connected})
		s.hangup(c)
		return
	}
	c.open = true
	s.host.Reply(c.id, Reply{Kind: Connected, Session: c.session, Password: s.password(c.session), Timeout: c.timeout})
}

func (s *Server) hangup(c *conn) {
	if c != nil && !c.closed {
		s.host.Hangup(c.id)
		s.forget(c)
	}
}

func (s *Server) forget(c *conn) {
	t := &s.sessions
	c.closed = true
	delete(t.byConn, c.id)
	if t.bySess[c.session] == c {
		delete(t.bySess, c.session)
	}
	if i := slices.Index(t.conns, c); i >= 0 {
		t.conns = slices.Delete(t.conns, i, i+1)
	}
}

// ConnBroken says that a client's connection has ended at the client's side or in between. It is not needed, and not
// heard, after Hangup.
func (s *Server) ConnBroken(id Conn) {
	if c := s.sessions.byConn[id]; c != nil {
		s.forget(c)
	}
}

// newIDs is SessionTrackerImpl.initializeNextSessionId.
func (s *Server) newIDs() {
	ms := uint64(s.host.Now() / time.Millisecond)
	s.sessions.nextID = max(s.sessions.nextID, int64(ms<<24>>8|uint64(s.id)<<56))
}

func (s *Server) startTouches() {
	s.sessions.touches = nil
	s.newIDs()
}

// startTracker gives every session a full timeout: the leader does not know when it was last heard of.
func (s *Server) startTracker() {
	t := &s.sessions
	s.newIDs()
	t.tracked = t.tracked[:0]
	now := s.host.Now()
	for _, g := range s.tree.sessions {
		last := now
		if i, found := search(t.old, g.id); found && s.has.staleTouches {
			last = t.old[i].deadline
		}
		t.tracked = append(t.tracked, tracked{id: g.id, timeout: g.timeout, deadline: s.roundUp(last + g.timeout)})
	}
	t.bucket = s.roundUp(now)
	s.set(&t.alarm, timerExpiry, t.bucket-now)
}

// roundUp is ExpiryQueue.roundToNextInterval.
func (s *Server) roundUp(at time.Duration) time.Duration { return (at/s.cfg.Tick + 1) * s.cfg.Tick }

func search(list []tracked, id int64) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(t tracked, id int64) int { return cmp.Compare(t.id, id) })
}

func (s *Server) session(id int64) *tracked {
	if i, found := search(s.sessions.tracked, id); found {
		return &s.sessions.tracked[i]
	}
	return nil
}

// track is SessionTrackerImpl.trackSession.
func (s *Server) track(id int64, timeout time.Duration) {
	t := &s.sessions
	deadline := s.roundUp(s.host.Now() + timeout)
	if i, found := search(t.tracked, id); found {
		t.tracked[i].deadline = deadline
	} else {
		t.tracked = slices.Insert(t.tracked, i, tracked{id: id, timeout: timeout, deadline: deadline})
	}
}

// touch is SessionTrackerImpl.touchSession at the leader, LearnerSessionTracker's at a follower. It says false of a
// session that the leader does not know or is closing.
func (s *Server) touch(id int64, timeout time.Duration) bool {
	if s.has.staleTouches {
		s.remember(id)
	}
	if s.role == Leading {
		x := s.session(id)
		if x == nil || x.closing {
			return false
		}
		x.deadline = s.roundUp(s.host.Now() + timeout)
		return true
	}
	t := &s.sessions
	for i := range t.touches {
		if t.touches[i].Session == id {
			t.touches[i].Timeout = int64(timeout)
			return true
		}
	}
	t.touches = append(t.touches, Touch{id, int64(timeout)})
	return true
}

func (s *Server) remember(id int64) {
	t := &s.sessions
	i, found := search(t.old, id)
	if !found {
		t.old = slices.Insert(t.old, i, tracked{id: id})
	}
	t.old[i].deadline = s.host.Now()
}

// takeTouches is LearnerSessionTracker.snapshot.
func (s *Server) takeTouches() []Touch {
	t := s.sessions.touches
	s.sessions.touches = nil
	return t
}

// ownedBy is SessionTrackerImpl.checkSession.
func (s *Server) ownedBy(id int64, owner uint64) Code {
	x := s.session(id)
	switch {
	case x == nil || x.closing:
		return SessionExpired
	case x.owner == 0:
		x.owner = owner
	case x.owner != owner:
		return sessionMoved
	}
	return OK
}

func (s *Server) setOwner(id int64, owner uint64) {
	if x := s.session(id); x != nil && !x.closing {
		x.owner = owner
	}
}

// revalidate is Leader.revalidateSession: the session moves to the follower that asks.
func (s *Server) revalidate(f *learner, m *Message) {
	valid := s.up && s.touch(m.Session, time.Duration(m.Timeout))
	if valid {
		s.setOwner(m.Session, f.link)
	}
	s.toLearner(f, Message{Kind: Revalidate, Session: m.Session, Valid: valid})
}

// revalidated is Learner.revalidate.
func (s *Server) revalidated(session int64, valid bool) {
	t := &s.sessions
	i := slices.IndexFunc(t.waiting, func(c *conn) bool { return c.session == session })
	if i < 0 {
		return
	}
	c := t.waiting[i]
	t.waiting = slices.Delete(t.waiting, i, i+1)
	s.connected(c, valid)
}

// expire is SessionTrackerImpl.run: all buckets whose time has come, each session by a transaction of its own.
func (s *Server) expire() {
	t := &s.sessions
	now := s.host.Now()
	for ; t.bucket <= now; t.bucket += s.cfg.Tick {
		for i := 0; i < len(t.tracked); i++ {
			if x := &t.tracked[i]; x.deadline <= t.bucket && !x.closing {
				x.closing = true
				s.closeFor(x.id)
				if s.role != Leading {
					return
				}
			}
		}
	}
	s.set(&t.alarm, timerExpiry, t.bucket-now)
}

// committedSession is ZooKeeperServer.processTxnForSessionEvents.
func (s *Server) committedSession(x *Txn) {
	t := &s.sessions
	switch {
	case x.Op == opOpen && s.role == Following:
		s.touch(x.Session, x.Timeout)
	case x.Op == OpClose && s.role == Leading:
		if i, found := search(t.tracked, x.Session); found {
			t.tracked = slices.Delete(t.tracked, i, i+1)
		}
	case x.Op == OpClose:
		t.touches = slices.DeleteFunc(t.touches, func(o Touch) bool { return o.Session == x.Session })
	}
}
