package ensemble

import (
	"slices"
	"time"
)

// proposal is a transaction that is not committed yet (Leader.Proposal).
type proposal struct {
	txn  *Txn
	acks acks
}

// syncWait is a client's sync that waits for the commit of what was last proposed (LearnerSyncRequest).
type syncWait struct {
	zxid    int64
	learner *learner
}

// propose is ProposalRequestProcessor: to the followers, and to the own log.
func (s *Server) propose(t *Txn) {
	l := &s.leader
	l.proposed = t.Zxid
	l.outstanding = append(l.outstanding, proposal{txn: t})
	now := s.host.Now()
	for _, f := range l.learners {
		if f.forward {
			f.updateProposal(t.Zxid, now)
			s.sendProposal(f, t)
		}
	}
	s.log(t)
	if s.has.ackUnlogged {
		s.leaderLogged()
	}
}

// leaderLogged is AckRequestProcessor: the leader's own acknowledgements. Before the epoch begins they are of its log as
// a whole: an epoch must not be current on a disk that could still lose what the leader was elected for
// (SyncRequestProcessor.shutdown writes it out before the election).
func (s *Server) leaderLogged() {
	l := &s.leader
	safe := s.safe()
	if !s.up {
		if !l.hasEpoch || safe < len(s.disk.log) {
			return
		}
		if !l.agreed.has(s.me) {
			s.agree(s.me, l.ownEpoch, l.ownZxid)
		}
		if l.discovered && !l.synced.has(s.me) {
			s.newLeaderAcked(s.me)
		}
		return
	}
	for len(l.outstanding) > 0 { // an acknowledgement may commit, and so shorten the list
		i := slices.IndexFunc(l.outstanding, func(p proposal) bool { return !p.acks.has(s.me) })
		if i < 0 || s.tree.applied+i >= safe {
			return
		}
		s.proposalAcked(s.me, l.outstanding[i].txn.Zxid)
	}
}

// proposalAcked is Leader.processAck and tryToCommit: commits are in order.
func (s *Server) proposalAcked(index int, zxid int64) {
	l := &s.leader
	i := int(zxid - l.committed - 1) // zxids of an epoch have no gaps
	if i < 0 || i >= len(l.outstanding) || l.outstanding[i].txn.Zxid != zxid {
		return
	}
	if s.has.countAcks {
		i = 0
	}
	s.ack(&l.outstanding[i].acks, index)
	for len(l.outstanding) > 0 && s.quorum(l.outstanding[0].acks) {
		z := l.outstanding[0].txn.Zxid
		l.outstanding = slices.Delete(l.outstanding, 0, 1)
		l.committed = z
		for _, f := range l.learners {
			if f.forward {
				s.toLearner(f, Message{Kind: Commit, Zxid: z})
			}
		}
		s.commit()
		for len(l.syncs) > 0 && l.syncs[0].zxid <= z {
			s.toLearner(l.syncs[0].learner, Message{Kind: SyncDone})
			l.syncs = slices.Delete(l.syncs, 0, 1)
		}
	}
}

// syncAsked is Leader.processSync. No quorum is asked (ZOOKEEPER-1675): a leader that has been deposed and does not
// know it yet answers too.
func (s *Server) syncAsked(f *learner) {
	l := &s.leader
	if len(l.outstanding) == 0 {
		s.toLearner(f, Message{Kind: SyncDone})
	} else {
		l.syncs = append(l.syncs, syncWait{l.proposed, f})
	}
}

// halfTick is the loop of Leader.lead: every tick the leader must still have a quorum that it has heard of within
// syncLimit, or it gives up; every half tick it pings.
func (s *Server) halfTick() {
	l := &s.leader
	if !l.skip {
		l.tick++
		var a acks
		s.ack(&a, s.me)
		for _, f := range l.learners {
			if l.tick <= f.deadline {
				s.ack(&a, f.index)
			}
		}
		if !s.quorum(a) {
			s.look()
			return
		}
	}
	l.skip = !l.skip
	s.set(&l.ticker, timerTick, s.cfg.Tick/2)
	now, limit := s.host.Now(), s.cfg.ticks(s.cfg.SyncLimit)
	for i := 0; i < len(l.learners); {
		f := l.learners[i]
		switch {
		case f.state == following && now-f.heard >= limit: // the handler's socket timeout
			s.dropLearner(f)
			continue
		case f.state >= syncing && f.late(now, limit):
			s.dropLearner(f)
			continue
		case f.state >= syncing:
			s.toLearner(f, Message{Kind: Ping, Zxid: l.proposed})
		}
		i++
	}
}

// limit is a proposal whose acknowledgement is awaited (LearnerHandler.SyncLimitCheck).
type limit struct {
	zxid int64
	at   time.Duration
}

func (f *learner) updateProposal(zxid int64, now time.Duration) {
	if f.state < synced {
		return
	}
	if f.oldest.zxid == 0 {
		f.oldest = limit{zxid, now}
	} else {
		f.newest = limit{zxid, now}
	}
}

func (f *learner) updateAck(zxid int64) {
	switch zxid {
	case f.oldest.zxid:
		f.oldest, f.newest = f.newest, limit{}
	case f.newest.zxid:
		f.newest = limit{}
	}
}

func (f *learner) late(now, limit time.Duration) bool {
	return f.oldest.zxid != 0 && now-f.oldest.at >= limit
}
