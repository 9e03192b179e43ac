package ensemble

import (
	"slices"
	"time"
)

// currentEpoch is the epoch of the last leader that brought this server up (QuorumPeer.getCurrentEpoch).
func (s *Server) currentEpoch() int64 {
	if s.has.noPromise {
		return epochOf(s.tree.zxid)
	}
	return s.disk.current
}

// leader is what a server has while it leads (Leader).
type leader struct {
	learners []*learner // in the order in which they came
	voters   acks       // of the election (leadingVoteSet)
	since    time.Duration
	epoch    int64
	last     int64 // highest zxid given out
	proposed int64 // highest zxid proposed; a new epoch begins with its first, which is no transaction

	promised   acks // connectingFollowers
	agreed     acks // electingFollowers: promises acknowledged
	synced     acks // of NEWLEADER
	hasEpoch   bool // !waitingForNewEpoch
	discovered bool // electionFinished
	ownEpoch   int64
	ownZxid    int64

	committed   int64
	outstanding []proposal
	syncs       []syncWait
	changes     changes

	tick   int
	skip   bool
	phase  alarm
	ticker alarm
}

// learner is a follower's connection at the leader (LearnerHandler).
type learner struct {
	id       ServerID
	index    int
	link     uint64
	in, out  uint32
	state    learnerState
	epoch    int64 // that it had accepted when it came
	zxid     int64 // of its log
	forward  bool  // gets proposals and commits (forwardingFollowers)
	deadline int   // the tick until which it counts as synced
	heard    time.Duration
	oldest   limit // SyncLimitCheck
	newest   limit
}

type learnerState uint8

const (
	arrived   learnerState = iota // waits for the epoch
	informed                      // has been told the epoch
	agreed                        // has acknowledged it, waits for the others
	syncing                       // gets its log and NEWLEADER
	synced                        // has acknowledged NEWLEADER
	following                     // has been sent UPTODATE
)

// lead is the start of a leader.
func (s *Server) lead(voters acks) {
	s.role = Leading
	l := &s.leader
	*l = leader{voters: voters, since: s.host.Now(), ownEpoch: s.currentEpoch(), ownZxid: s.tree.zxid, learners: l.learners[:0], outstanding: l.outstanding[:0], syncs: l.syncs[:0], changes: l.changes}
	l.changes.reset()
	l.epoch = -1
	s.begin(Opening)
}

// open is Leader.lead up to the wait for an epoch.
func (s *Server) open() {
	s.waitPhase()
	s.promise(s.me, s.disk.accepted)
}

func (s *Server) waitPhase() {
	s.set(&s.leader.phase, timerPhase, s.cfg.ticks(s.cfg.InitLimit))
}

// promise is Leader.getEpochToPropose: the new epoch is above all that a quorum has accepted.
func (s *Server) promise(index int, accepted int64) {
	l := &s.leader
	if l.hasEpoch {
		return
	}
	if s.has.noPromise {
		accepted = epochOf(l.ownZxid)
	}
	l.epoch = max(l.epoch, accepted+1)
	s.ack(&l.promised, index)
	if !l.promised.has(s.me) || !s.quorum(l.promised) {
		return
	}
	l.hasEpoch = true
	s.disk.accepted = l.epoch
	l.last, l.proposed = firstZxid(l.epoch), firstZxid(l.epoch)
	s.waitPhase()
	for _, f := range l.learners {
		s.inform(f)
	}
	s.leaderLogged()
}

func (s *Server) inform(f *learner) {
	f.state = informed
	s.toLearner(f, Message{Kind: LeaderInfo, Epoch: s.leader.epoch})
}

// agree is Leader.waitForEpochAck. A follower that is ahead of the leader is not let in.
func (s *Server) agree(index int, epoch, zxid int64) bool {
	l := &s.leader
	if l.discovered {
		return true
	}
	if epoch != -1 {
		if !s.has.ignoreZxid && (epoch > l.ownEpoch || epoch == l.ownEpoch && zxid > l.ownZxid) {
			return false
		}
		s.ack(&l.agreed, index)
	}
	if l.agreed.has(s.me) && s.quorum(l.agreed) {
		l.discovered = true
		s.disk.current = l.epoch
		s.waitPhase()
		for _, f := range l.learners {
			if f.state == agreed {
				s.bringUp(f)
			}
		}
		s.leaderLogged()
	}
	return true
}

// reportLooking is Leader.reportLookingSid: a voter that looks again while the leader still waits for an epoch makes
// it give up early.
func (s *Server) reportLooking(index int) {
	l := &s.leader
	if s.role == Leading && !l.hasEpoch && l.voters.has(index) && s.host.Now()-l.since > s.cfg.EpochWait {
		s.look()
	}
}

// learnerArrived is LearnerCnxAcceptor and the start of LearnerHandler.run.
func (s *Server) learnerArrived(from ServerID, m *Message) {
	if s.role != Leading || s.busy == Opening || s.busy == Stopping {
		s.host.Send(from, Message{Kind: Closed, Link: m.Link}) // connection refused
		return
	}
	s.dropLearner(s.learner(from))
	l := &s.leader
	f := &learner{id: from, index: s.index(from), link: m.Link, in: m.Seq, epoch: m.Epoch, deadline: l.tick + s.cfg.InitLimit + s.cfg.SyncLimit, heard: s.host.Now()}
	l.learners = append(l.learners, f)
	if l.hasEpoch {
		s.inform(f)
	} else {
		s.promise(f.index, f.epoch)
	}
}

func (s *Server) learner(id ServerID) *learner {
	for _, f := range s.leader.learners {
		if f.id == id {
			return f
		}
	}
	return nil
}

// dropLearner is LearnerHandler.shutdown.
func (s *Server) dropLearner(f *learner) {
	if f == nil {
		return
	}
	l := &s.leader
	s.host.Send(f.id, Message{Kind: Closed, Link: f.link})
	i := slices.Index(l.learners, f)
	l.learners = slices.Delete(l.learners, i, i+1)
	l.syncs = slices.DeleteFunc(l.syncs, func(w syncWait) bool { return w.learner == f })
}

func (s *Server) toLearner(f *learner, m Message) {
	f.out++
	m.Link, m.Seq = f.link, f.out
	s.host.Send(f.id, m)
}

// fromLearner is the reading side of LearnerHandler.run.
func (s *Server) fromLearner(from ServerID, m *Message) {
	if s.role != Leading {
		return
	}
	f := s.learner(from)
	if f == nil || f.link != m.Link {
		if m.Kind != Closed {
			s.host.Send(from, Message{Kind: Closed, Link: m.Link})
		}
		return
	}
	f.in++
	if m.Kind == Closed || m.Seq != f.in {
		s.dropLearner(f)
		return
	}
	f.heard = s.host.Now()
	if f.state == following {
		f.deadline = s.leader.tick + s.cfg.SyncLimit
	}
	switch m.Kind {
	case AckEpoch:
		s.epochAcked(f, m)
	case Ack:
		s.acked(f, m.Zxid)
	case Ping:
		for _, t := range m.Touches {
			s.touch(t.Session, time.Duration(t.Timeout))
		}
	case Revalidate:
		s.revalidate(f, m)
	case Forward:
		s.forwarded(f, m)
	}
}

func (s *Server) epochAcked(f *learner, m *Message) {
	if f.state != informed {
		return
	}
	f.state, f.zxid = agreed, m.Zxid
	first := !s.leader.discovered
	if !s.agree(f.index, m.Epoch, m.Zxid) {
		s.dropLearner(f)
	} else if !first {
		s.bringUp(f)
	}
}

func (s *Server) stopLeading() {
	l := &s.leader
	for _, f := range l.learners {
		s.host.Send(f.id, Message{Kind: Closed, Link: f.link})
	}
	l.learners = l.learners[:0]
	l.phase.seq, l.ticker.seq = 0, 0
	s.sessions.stop()
}

// follower is what a server has while it follows (Follower, Learner).
type follower struct {
	link    uint64
	in, out uint32
	tries   int
	started time.Duration // of the first try to connect
	heard   bool          // the leader has answered
	synced  bool          // UPTODATE has come
	epoch   int64         // of the leader
	read    alarm
	retry   alarm

	mode      MessageKind // Diff, Trunc, Snap
	snap      []*Txn
	snapZxid  int64
	incoming  []*Txn // proposals that came before UPTODATE
	taken     int    // of incoming: in the log, with NEWLEADER
	committed int    // of incoming
	needed    int    // length of the log that NEWLEADER asks to have on disk; -1 before it
	joined    bool   // NEWLEADER has been acknowledged
	acked     int    // length of the log that has been acknowledged
	pending   []syncPending
}

// follow is Follower.followLeader.
func (s *Server) follow() {
	s.role = Following
	f := &s.follower
	*f = follower{started: s.host.Now(), incoming: f.incoming[:0], pending: f.pending[:0], needed: -1}
	s.begin(Joining)
}

// connect is Learner.connectToLeader and the first packet of registerWithLeader.
func (s *Server) connect() {
	f := &s.follower
	s.disk.links++
	f.link = s.disk.links<<6 | uint64(s.me)
	f.in, f.out = 0, 0
	f.tries++
	s.set(&f.read, timerRead, s.cfg.ticks(s.cfg.InitLimit))
	s.toLeader(Message{Kind: FollowerInfo, Epoch: s.disk.accepted})
}

// leaderGone is the end of the connection to the leader. One that has never answered is tried again for a while.
func (s *Server) leaderGone() {
	f := &s.follower
	if f.link == 0 {
		return // waits to try again
	}
	left := s.cfg.ticks(s.cfg.InitLimit) - (s.host.Now() - f.started)
	if f.heard || f.tries >= leaderConnectTries || left <= leaderConnectRetry {
		s.look()
		return
	}
	f.link = 0
	s.set(&f.retry, timerRetry, leaderConnectRetry)
}

func (s *Server) stopFollowing() {
	f := &s.follower
	if f.link != 0 {
		s.host.Send(s.vote.leader, Message{Kind: Closed, Link: f.link})
	}
	f.link = 0
	f.read.seq, f.retry.seq = 0, 0
	s.sessions.stop()
}

func (s *Server) toLeader(m Message) {
	f := &s.follower
	f.out++
	m.Link, m.Seq = f.link, f.out
	s.host.Send(s.vote.leader, m)
}

// fromLeader is Learner.readPacket and what follows it.
func (s *Server) fromLeader(m *Message) {
	f := &s.follower
	f.in++
	if m.Kind == Closed || m.Seq != f.in {
		s.leaderGone()
		return
	}
	limit := s.cfg.InitLimit
	if f.needed >= 0 || f.synced {
		limit = s.cfg.SyncLimit
	}
	s.set(&f.read, timerRead, s.cfg.ticks(limit))
	f.heard = true
	switch m.Kind {
	case LeaderInfo:
		s.newEpoch(m.Epoch)
	case Diff, Trunc, Snap:
		s.syncBegins(m)
	case NewLeader:
		s.newLeader()
	case UpToDate:
		s.upToDate()
	case Proposal:
		s.proposed(m.Txn)
	case Commit:
		s.commitArrived(m.Zxid)
	case SyncDone:
		s.syncDone()
	case Ping:
		s.pinged(m.Zxid)
	case Revalidate:
		s.revalidated(m.Session, m.Valid)
	}
}

// newEpoch is the rest of Learner.registerWithLeader: the promise never to follow a leader of an older epoch.
func (s *Server) newEpoch(epoch int64) {
	f := &s.follower
	f.epoch = epoch
	current := s.currentEpoch()
	switch {
	case s.has.noPromise:
	case epoch > s.disk.accepted:
		s.disk.accepted = epoch
	case epoch == s.disk.accepted:
		current = -1 // acknowledged once already: it does not count again
	default:
		s.look()
		return
	}
	s.toLeader(Message{Kind: AckEpoch, Epoch: current, Zxid: s.tree.zxid})
}
