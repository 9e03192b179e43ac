package ensemble

import "slices"

// bringUp is LearnerHandler.syncFollower and NEWLEADER: the learner gets what it lacks of the leader's history, or is
// told what to drop of its own.
func (s *Server) bringUp(f *learner) {
	l := &s.leader
	log := s.disk.log[:s.tree.applied]
	from := max(0, len(log)-s.cfg.CommitLog)
	last := s.tree.zxid
	lowest, highest := last, last // of the committed log (ZKDatabase)
	if from < len(log) {
		lowest, highest = log[from].Zxid, log[len(log)-1].Zxid
	}
	at := f.zxid                              // where the learner will be
	switch fresh := counterOf(f.zxid) == 0; { // a zxid that no transaction has: TRUNC would not find it
	case f.zxid == last:
		s.toLearner(f, Message{Kind: Diff, Zxid: f.zxid})
	case f.zxid > highest && !fresh:
		s.toLearner(f, Message{Kind: Trunc, Zxid: highest})
		at = highest
	case f.zxid < lowest || f.zxid > highest:
		at = s.sendSnap(f, log)
	default:
		at = s.sendDiff(f, log, fresh, highest)
	}
	for i := range l.outstanding { // Leader.startForwarding
		if p := &l.outstanding[i]; p.txn.Zxid > at {
			s.sendProposal(f, p.txn)
		}
	}
	f.forward = true
	f.state = syncing
	s.toLearner(f, Message{Kind: NewLeader, Zxid: firstZxid(l.epoch)})
}

// sendDiff is LearnerHandler.queueCommittedProposals.
func (s *Server) sendDiff(f *learner, log []*Txn, fresh bool, highest int64) int64 {
	i, found := slices.BinarySearchFunc(log, f.zxid, func(t *Txn, z int64) int {
		switch {
		case t.Zxid < z:
			return -1
		case t.Zxid > z:
			return 1
		}
		return 0
	})
	switch {
	case found:
		i++
		fallthrough
	case fresh:
		s.toLearner(f, Message{Kind: Diff, Zxid: highest})
	case epochOf(log[i].Zxid) != epochOf(f.zxid):
		return s.sendSnap(f, log) // TRUNC must not cross an epoch
	default:
		s.toLearner(f, Message{Kind: Trunc, Zxid: log[i-1].Zxid})
	}
	for _, t := range log[i:] {
		s.sendProposal(f, t)
		s.toLearner(f, Message{Kind: Commit, Zxid: t.Zxid})
	}
	return highest
}

func (s *Server) sendSnap(f *learner, log []*Txn) int64 {
	s.toLearner(f, Message{Kind: Snap, Zxid: s.tree.zxid, Log: log})
	return s.tree.zxid
}

func (s *Server) sendProposal(f *learner, t *Txn) {
	s.toLearner(f, Message{Kind: Proposal, Zxid: t.Zxid, Txn: t})
}

// acked takes an ACK: the first one is that of NEWLEADER (Leader.waitForNewLeaderAck), the others are of proposals.
func (s *Server) acked(f *learner, zxid int64) {
	if f.state == syncing {
		f.state = synced
		s.newLeaderAcked(f.index)
		if s.up && f.state == synced {
			s.release(f)
		}
		return
	}
	if counterOf(zxid) != 0 {
		f.updateAck(zxid)
		s.proposalAcked(f.index, zxid)
	}
}

func (s *Server) newLeaderAcked(index int) {
	l := &s.leader
	s.ack(&l.synced, index)
	if !s.up && s.busy == none && l.synced.has(s.me) && s.quorum(l.synced) {
		s.begin(Serving)
	}
}

// release is the end of LearnerHandler's synchronisation: the learner may serve.
func (s *Server) release(f *learner) {
	f.state = following
	f.heard = s.host.Now()
	s.toLearner(f, Message{Kind: UpToDate})
}

// establish is Leader.startZkServer: the epoch has begun.
func (s *Server) establish() {
	l := &s.leader
	l.phase.seq = 0
	l.committed = l.last
	s.tree.zxid = l.last
	s.vote.epoch = l.epoch // QuorumPeer.updateElectionVote
	s.up = true
	s.startTracker()
	l.tick, l.skip = 0, true
	s.set(&l.ticker, timerTick, s.cfg.Tick/2)
	for _, f := range l.learners {
		if f.state == synced {
			s.release(f)
		}
	}
}

// syncBegins is the first packet of Learner.syncWithLeader.
func (s *Server) syncBegins(m *Message) {
	f := &s.follower
	f.mode = m.Kind
	switch m.Kind {
	case Trunc:
		s.syncing = 0 // the answer would be about a log that is no more
		s.disk.truncate(m.Zxid)
		s.flush()
		s.reload()
		s.tree.zxid = m.Zxid
	case Snap:
		f.snap, f.snapZxid = m.Log, m.Zxid
	}
}

// newLeader is NEWLEADER at the learner: what was received goes to the log, and once that is safe the epoch is current.
func (s *Server) newLeader() {
	f := &s.follower
	if f.mode == Snap {
		s.syncing = 0
		s.disk.replace(f.snap)
		s.reload()
		s.tree.zxid = f.snapZxid
		f.snap = nil
	}
	for _, t := range f.incoming {
		s.log(t)
	}
	s.flush()
	f.taken = len(f.incoming)
	f.needed = len(s.disk.log)
	s.followerLogged()
}

// followerLogged is SendAckRequestProcessor, and the acknowledgement of NEWLEADER before all others.
func (s *Server) followerLogged() {
	f := &s.follower
	safe := s.safe()
	if f.needed < 0 || safe < f.needed {
		return
	}
	if !f.joined {
		f.joined = true
		s.disk.current = f.epoch
		s.toLeader(Message{Kind: Ack, Zxid: firstZxid(f.epoch)})
		f.acked = f.needed - max(0, f.taken-f.committed)
	}
	for ; f.acked < safe; f.acked++ {
		s.toLeader(Message{Kind: Ack, Zxid: s.disk.log[f.acked].Zxid})
	}
}

// proposed is a proposal at the follower; before UPTODATE it waits.
func (s *Server) proposed(t *Txn) {
	f := &s.follower
	if !f.synced {
		f.incoming = append(f.incoming, t)
		return
	}
	s.log(t)
	s.followerLogged()
}

func (s *Server) commitArrived(zxid int64) {
	f := &s.follower
	if !f.synced {
		f.committed++
		return
	}
	if s.tree.applied == len(s.disk.log) || s.disk.log[s.tree.applied].Zxid != zxid {
		s.look() // FollowerZooKeeperServer.commit ends the process here
		return
	}
	s.commit()
}

// upToDate is UPTODATE at the learner: it serves.
func (s *Server) upToDate() {
	f := &s.follower
	if !f.joined {
		return
	}
	f.synced = true
	s.vote.epoch = f.epoch
	s.startTouches()
	for _, t := range f.incoming[f.taken:] {
		s.log(t)
	}
	s.up = true
	for range f.committed {
		s.commit()
	}
	clear(f.incoming)
	f.incoming = f.incoming[:0]
	s.followerLogged()
}

// pinged is Learner.ping.
func (s *Server) pinged(zxid int64) {
	if s.follower.synced {
		s.toLeader(Message{Kind: Ping, Zxid: zxid, Touches: s.takeTouches()})
	}
}
