package ensemble

// Work is what keeps a server busy when its role changes; the host says for how long (Host.Takes).
type Work uint8

// Work.
const (
	none     Work = iota
	Stopping      // the threads of a role end, before the next election (Leader.shutdown, Learner.shutdown)
	Opening       // a new leader makes itself ready for learners; who comes earlier is refused (QuorumPeer.makeLeader)
	Joining       // a new follower makes itself ready to dial its leader (QuorumPeer.makeFollower)
	Serving       // a leader with a quorum starts what serves clients (Leader.startZkServer)
)

// begin does some work, and then what comes after it. A server does one such work at a time.
func (s *Server) begin(w Work) {
	s.busy = w
	if d := s.host.Takes(w); d > 0 {
		s.set(&s.work, timerWork, d)
		return
	}
	s.worked()
}

func (s *Server) worked() {
	w := s.busy
	s.busy = none
	switch w {
	case Stopping:
		s.elect()
	case Opening:
		s.open()
	case Joining:
		s.connect()
	case Serving:
		s.establish()
	}
}
