package ensemble

import (
	"slices"
)

// pipeline is what CommitProcessor keeps: a session's requests wait in order behind its writes that are not committed.
type pipeline struct {
	queues map[int64]*queue
	spare  []*queue
	torn   []string // of a defective close
}

type queue struct{ items []pending }

// pending is a request on its way. It has no connection if it came through another server, or from the leader itself.
type pending struct {
	conn *conn
	req  *Request
	err  Code // of a read that the leader refuses
	done bool // of a sync: the leader has answered
}

// syncPending is a sync that this follower has sent to the leader (FollowerZooKeeperServer.pendingSyncs).
type syncPending struct {
	session int64
	req     *Request
}

func (p *pipeline) reset() {
	clear(p.queues)
}

// waits tells whether a request has to wait for a commit or for the leader (CommitProcessor.needCommit).
func (s *Server) waits(r *Request) bool {
	switch r.Op {
	case OpCreate, OpDelete, OpSet, OpMulti, OpClose, opOpen:
		return true
	case OpSync:
		return s.role == Following
	}
	return false
}

// Request takes a request on a connection that has been answered Connected (ZooKeeperServer.processPacket).
func (s *Server) Request(id Conn, r *Request) {
	c := s.sessions.byConn[id]
	if c == nil || !c.open {
		return
	}
	if !s.touch(c.session, c.timeout) {
		return // dropped without an answer (ZooKeeperServer.submitRequestNow)
	}
	s.submit(c, r)
}

// submit is the first processor of the chain: FollowerRequestProcessor, PrepRequestProcessor.
func (s *Server) submit(c *conn, r *Request) {
	if s.role == Leading {
		s.prep(c, c.session, r, ownerSelf)
		return
	}
	s.enqueue(c.session, pending{conn: c, req: r})
	if s.waits(r) {
		if r.Op == OpSync {
			s.follower.pending = append(s.follower.pending, syncPending{c.session, r})
		}
		s.toLeader(Message{Kind: Forward, Session: c.session, Request: r})
	}
}

// forwarded is a learner's REQUEST at the leader.
func (s *Server) forwarded(f *learner, m *Message) {
	switch {
	case !s.up:
	case m.Request.Op == OpSync:
		s.ownedBy(m.Session, f.link)
		s.syncAsked(f)
	default:
		s.prep(nil, m.Session, m.Request, f.link)
	}
}

// prep is PrepRequestProcessor and ProposalRequestProcessor.
func (s *Server) prep(c *conn, session int64, r *Request, owner uint64) {
	if !s.waits(r) {
		s.enqueue(session, pending{conn: c, req: r, err: s.ownedBy(session, owner)})
		return
	}
	x := s.transaction(session, r, owner)
	s.enqueue(session, pending{conn: c, req: r})
	s.propose(x)
	if x.Op == OpClose && s.has.tornClose {
		s.tear(session)
	}
}

// closeFor is ZooKeeperServer.close: the leader ends a session that has expired.
func (s *Server) closeFor(session int64) {
	s.prep(nil, session, &Request{Op: OpClose}, ownerSelf)
}

// enqueue is CommitProcessor.processRequest.
func (s *Server) enqueue(session int64, p pending) {
	q := s.requests.queues[session]
	if q == nil {
		if !s.waits(p.req) {
			s.read(p)
			return
		}
		q = s.newQueue()
		s.requests.queues[session] = q
	}
	q.items = append(q.items, p)
}

func (s *Server) newQueue() *queue {
	p := &s.requests
	if n := len(p.spare); n > 0 {
		q := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return q
	}
	return &queue{}
}

// commit applies the next transaction of the log (CommitProcessor.run), answers who waits for it here, and then lets
// the reads behind it through.
func (s *Server) commit() {
	x := s.disk.log[s.tree.applied]
	s.tree.applied++
	q := s.requests.queues[x.Session]
	var p pending
	if q != nil && q.items[0].req.Xid == x.Xid && q.items[0].req.Op != OpSync {
		p = q.items[0]
		q.items = slices.Delete(q.items, 0, 1)
	} else {
		q = nil
	}
	var results []Result
	if p.conn != nil && x.Op == OpMulti {
		s.tree.apply(x, &results)
	} else {
		s.tree.apply(x, nil)
	}
	if s.role == Leading {
		s.leader.changes.settle(x.Zxid)
	}
	s.committedSession(x)
	if p.conn != nil {
		s.answer(p, x, results)
	} else if x.Op == OpClose {
		s.hangup(s.sessions.bySess[x.Session])
	}
	if q != nil {
		s.drain(x.Session, q)
	}
}

// drain lets all through that need not wait any more.
func (s *Server) drain(session int64, q *queue) {
	n := 0
	for n < len(q.items) && (q.items[n].done || !s.waits(q.items[n].req)) {
		s.read(q.items[n])
		n++
	}
	q.items = slices.Delete(q.items, 0, n)
	if len(q.items) == 0 && s.requests.queues[session] == q {
		delete(s.requests.queues, session)
		s.requests.spare = append(s.requests.spare, q)
	}
}

// syncDone is FollowerZooKeeperServer.sync.
func (s *Server) syncDone() {
	f := &s.follower
	if len(f.pending) == 0 {
		return
	}
	p := f.pending[0]
	f.pending = slices.Delete(f.pending, 0, 1)
	q := s.requests.queues[p.session]
	if q == nil {
		return
	}
	for i := range q.items {
		if q.items[i].req == p.req {
			q.items[i].done = true
		}
	}
	s.drain(p.session, q)
}

// answer replies to a write (FinalRequestProcessor).
func (s *Server) answer(p pending, x *Txn, results []Result) {
	c := p.conn
	switch {
	case c.closed:
	case x.Err == sessionMoved:
		s.hangup(c)
	case x.Op == opOpen:
		s.connected(c, true)
	case x.Op == OpError:
		s.reply(c, p.req, Reply{Err: x.Err})
	case x.Op == OpMulti:
		if slices.ContainsFunc(results, func(r Result) bool { return r.Err == sessionMoved }) {
			s.hangup(c)
			return
		}
		s.reply(c, p.req, Reply{Results: results})
	case x.Op == OpCreate:
		s.reply(c, p.req, Reply{Path: x.Steps[0].Path})
	case x.Op == OpSet:
		s.reply(c, p.req, Reply{Stat: s.tree.nodes[x.Steps[0].Path].stat()})
	case x.Op == OpClose:
		s.reply(c, p.req, Reply{})
		s.hangup(c)
	default:
		s.reply(c, p.req, Reply{})
	}
}

func (s *Server) reply(c *conn, r *Request, p Reply) {
	p.Kind, p.Op, p.Xid, p.Zxid = Response, r.Op, r.Xid, s.tree.zxid
	s.host.Reply(c.id, p)
}

func (s *Server) sendEvent(c *conn, e EventKind, path string) {
	if !c.closed {
		s.host.Reply(c.id, Reply{Kind: Event, Event: e, Path: path, Zxid: -1})
	}
}

// read answers from what this server has (FinalRequestProcessor).
func (s *Server) read(p pending) {
	c, r := p.conn, p.req
	if c == nil || c.closed {
		return
	}
	if p.err == sessionMoved {
		s.hangup(c)
		return
	}
	if p.err != OK {
		s.reply(c, r, Reply{Err: p.err})
		return
	}
	switch r.Op {
	case OpGet, OpExists, OpChildren:
		s.peek(c, r)
	case OpSetWatches:
		s.tree.rearm(c, r.Watches, s.has.loseWatches)
		s.reply(c, r, Reply{})
	case OpSync:
		s.reply(c, r, Reply{Path: r.Path})
	default:
		s.reply(c, r, Reply{})
	}
}

// peek reads one node. Only Exists may watch a node that is not there.
func (s *Server) peek(c *conn, r *Request) {
	n := s.tree.nodes[r.Path]
	if r.Watch && (n != nil || r.Op == OpExists) {
		if r.Op == OpChildren {
			s.tree.kids.add(r.Path, c)
		} else {
			s.tree.data.add(r.Path, c)
		}
	}
	if n == nil {
		s.reply(c, r, Reply{Err: NoNode})
		return
	}
	p := Reply{Stat: n.stat()}
	switch r.Op {
	case OpGet:
		p.Data = n.data
	case OpChildren:
		p.Children = slices.Clone(n.children)
	}
	s.reply(c, r, p)
}
