package sim

import (
	"slices"

	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/network"
)

// line is a learner's connection, at either end.
type line struct {
	link uint64
	conn network.Conn
}

// Send sends to a peer: votes on the one connection that two servers have for them (QuorumCnxManager), all else on the
// learner's, which begins with a FollowerInfo and ends with a Closed.
func (s *server) Send(to ensemble.ServerID, m ensemble.Message) {
	peer := int(to) - 1
	if m.Kind == ensemble.Notification {
		if s.votes[peer] == 0 {
			s.votes[peer] = s.c.votes.Dial(s.node, peer)
		}
		s.c.votes.SendFrom(s.votes[peer], s.node, m)
		return
	}
	if m.Kind == ensemble.FollowerInfo {
		s.lines = append(s.lines, line{m.Link, s.c.lines.Dial(s.node, peer)})
	}
	i := slices.IndexFunc(s.lines, func(l line) bool { return l.link == m.Link })
	if i < 0 {
		return // it is over
	}
	c := s.lines[i].conn
	s.c.lines.SendFrom(c, s.node, m)
	if m.Kind == ensemble.Closed {
		s.c.lines.CloseFrom(c, s.node)
		s.lines = slices.Delete(s.lines, i, i+1)
	}
}

// votes is the traffic of elections.
type votes struct{ c *Cluster }

func (v votes) Listens(node int) bool { return v.c.servers[node].running() }

// Opened makes the connection that of both ends. What one of them was about to send on another goes with this one.
func (v votes) Opened(c network.Conn, from, to int) {
	s := v.c.servers[to]
	old := s.votes[from]
	s.votes[from] = c
	if old == 0 {
		return
	}
	unsent, _ := v.c.votes.Unsent(old)
	for _, m := range unsent {
		v.c.votes.SendFrom(c, to, m)
	}
	v.c.votes.CloseFrom(old, to)
}

func (v votes) Arrived(_ network.Conn, node int, from int, _ network.Side, m *ensemble.Message) {
	v.c.servers[node].receive(from, m)
}

func (v votes) Closed(c network.Conn, node, other int, _ network.Side) {
	if s := v.c.servers[node]; s.votes[other] == c {
		s.votes[other] = 0
	}
}

// lines is the traffic between learners and leaders.
type lines struct{ c *Cluster }

func (l lines) Listens(node int) bool { return l.c.servers[node].running() }

func (l lines) Opened(network.Conn, int, int) {}

func (l lines) Arrived(c network.Conn, node int, from int, _ network.Side, m *ensemble.Message) {
	s := l.c.servers[node]
	if m.Kind == ensemble.FollowerInfo && s.running() {
		s.lines = append(s.lines, line{m.Link, c})
	}
	s.receive(from, m)
}

func (l lines) Closed(c network.Conn, node, other int, _ network.Side) {
	s := l.c.servers[node]
	i := slices.IndexFunc(s.lines, func(l line) bool { return l.conn == c })
	if i < 0 {
		return
	}
	s.lines = slices.Delete(s.lines, i, i+1)
	if s.running() {
		s.zk.PeerBroken(ensemble.ServerID(other + 1))
		s.look()
	}
}

func (s *server) receive(from int, m *ensemble.Message) {
	if s.running() {
		s.zk.Receive(ensemble.ServerID(from+1), m)
		s.look()
	}
}
