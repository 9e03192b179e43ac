package ensemble

import "time"

// vote is a Vote of FastLeaderElection. A role other than Looking says that its sender has done with the election.
type vote struct {
	leader ServerID
	zxid   int64
	epoch  int64 // peerEpoch
	round  int64 // electionEpoch
	role   Role
}

// same is Vote.equals: votes of servers that have a leader need not agree on zxid and round, which they may not know.
func (v vote) same(o vote) bool {
	if v.role == Looking || o.role == Looking {
		return v.leader == o.leader && v.zxid == o.zxid && v.epoch == o.epoch && v.round == o.round
	}
	return v.leader == o.leader && v.epoch == o.epoch
}

// election is the state of FastLeaderElection.lookForLeader. The round itself outlives it.
type election struct {
	proposed vote
	votes    []vote // recvset, by index of their senders: of this round
	others   []vote // outofelection: of servers that have done with it
	gotVote  uint64
	gotOther uint64
	settling bool // a quorum agrees; for finalizeWait nobody may come with a better vote
	wait     time.Duration
	alarm    alarm
}

// look gives everything up that the server was and starts an election (QuorumPeer.run). Until its threads have ended it
// tells others of its old vote.
func (s *Server) look() {
	switch {
	case s.busy == Stopping:
	case s.role == Looking:
		s.elect()
	default:
		s.stepDown()
		s.begin(Stopping)
	}
}

// elect is the start of FastLeaderElection.lookForLeader.
func (s *Server) elect() {
	e := &s.election
	s.role = Looking
	s.round++
	e.gotVote, e.gotOther = 0, 0
	e.settling = false
	e.wait = s.cfg.MinNotify
	e.proposed = s.ownVote()
	s.set(&e.alarm, timerElection, e.wait)
	s.sendVotes()
}

// stepDown ends the server's part in an epoch: clients and peers are let go, what is in the log is counted.
func (s *Server) stepDown() {
	s.up = false
	s.busy, s.work.seq = none, 0
	s.closeClients()
	s.requests.reset()
	switch s.role {
	case Leading:
		s.stopLeading()
	case Following:
		s.stopFollowing()
	}
	s.forward()
}

func (s *Server) ownVote() vote {
	return vote{leader: s.id, zxid: s.tree.zxid, epoch: s.currentEpoch(), round: s.round}
}

// better is FastLeaderElection.totalOrderPredicate.
func (s *Server) better(a, b vote) bool {
	if a.epoch != b.epoch {
		return a.epoch > b.epoch
	}
	if a.zxid != b.zxid && !s.has.ignoreZxid {
		return a.zxid > b.zxid
	}
	return a.leader > b.leader
}

// sendVotes tells all what we propose, ourselves too: a vote of our own counts like any other.
func (s *Server) sendVotes() {
	e := &s.election
	e.proposed.round = s.round
	for _, id := range s.cfg.Servers {
		if id != s.id {
			s.sendVote(id, e.proposed)
		}
	}
	e.votes[s.me] = e.proposed
	e.gotVote |= 1 << s.me
	s.countVotes()
}

func (s *Server) sendVote(to ServerID, v vote) {
	s.host.Send(to, Message{Kind: Notification, Role: s.role, Leader: v.leader, Zxid: v.zxid, Epoch: v.epoch, Round: v.round})
}

// countVotes is the end of the LOOKING case: with a quorum behind the proposal only a better vote can stop it.
func (s *Server) countVotes() {
	e := &s.election
	if !e.settling && s.quorum(tally(e.votes, e.gotVote, e.proposed)) {
		e.settling = true
		s.set(&e.alarm, timerElection, s.cfg.FinalizeWait)
	}
}

// tally is FastLeaderElection.getVoteTracker.
func tally(votes []vote, got uint64, v vote) (a acks) {
	for i := range votes {
		if got&(1<<i) != 0 && votes[i].same(v) {
			a.set |= 1 << i
			a.count++
		}
	}
	return a
}

// electionTimeout: nobody objected to the choice, or nothing was heard for a while (the poll of lookForLeader).
func (s *Server) electionTimeout() {
	e := &s.election
	if s.role != Looking {
		return
	}
	if e.settling {
		s.elected(e.proposed, tally(e.votes, e.gotVote, e.proposed))
		return
	}
	e.wait = min(2*e.wait, s.cfg.MaxNotify)
	s.set(&e.alarm, timerElection, e.wait)
	s.sendVotes()
}

// notified is Messenger.WorkerReceiver and the loop of lookForLeader.
func (s *Server) notified(from ServerID, m *Message) {
	n := vote{leader: m.Leader, zxid: m.Zxid, epoch: m.Epoch, round: m.Round, role: m.Role}
	i := s.index(from)
	if i < 0 || s.index(n.leader) < 0 {
		return
	}
	if s.role != Looking {
		if n.role == Looking {
			s.reportLooking(i)
			s.sendVote(from, s.vote)
		}
		return
	}
	e := &s.election
	if n.role == Looking && n.round < s.round {
		s.sendVote(from, e.proposed)
	}
	if e.settling {
		if !s.better(n, e.proposed) {
			s.set(&e.alarm, timerElection, s.cfg.FinalizeWait)
			return
		}
		e.settling = false
	}
	s.set(&e.alarm, timerElection, e.wait)
	if n.role == Looking {
		s.heardLooking(i, n)
	} else {
		s.heardSettled(i, n)
	}
}

func (s *Server) heardLooking(from int, n vote) {
	e := &s.election
	switch {
	case n.round > s.round:
		s.round = n.round
		e.gotVote = 0
		e.proposed = s.ownVote()
		if s.better(n, e.proposed) {
			e.proposed = n
		}
		s.sendVotes()
	case n.round < s.round:
		return
	case s.better(n, e.proposed):
		e.proposed = n
		s.sendVotes()
	}
	e.votes[from] = n
	e.gotVote |= 1 << from
	s.countVotes()
}

// heardSettled is receivedFollowingNotification: join a leader that a quorum has and that says that it leads.
func (s *Server) heardSettled(from int, n vote) {
	e := &s.election
	if n.round == s.round {
		e.votes[from] = n
		e.gotVote |= 1 << from
		if a := tally(e.votes, e.gotVote, n); s.quorum(a) && s.leads(e.votes, e.gotVote, n) {
			s.elected(n, a)
			return
		}
	}
	e.others[from] = n
	e.gotOther |= 1 << from
	if a := tally(e.others, e.gotOther, n); s.quorum(a) && s.leads(e.others, e.gotOther, n) {
		s.round = n.round
		s.elected(n, a)
	}
}

// leads is checkLeader: a dead server must not be elected over and over because others still follow it.
func (s *Server) leads(votes []vote, got uint64, n vote) bool {
	if n.leader == s.id {
		return s.round == n.round
	}
	i := s.index(n.leader)
	return got&(1<<i) != 0 && votes[i].role == Leading
}

func (s *Server) elected(v vote, voters acks) {
	s.vote = v
	s.election.alarm.seq = 0
	if v.leader == s.id {
		s.lead(voters)
	} else {
		s.follow()
	}
}
