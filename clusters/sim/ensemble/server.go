package ensemble

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// Server is one incarnation of a server process (QuorumPeer). After a kill or a power loss the caller drops the object,
// tells the Disk what happened, and makes a new Server on it; callbacks that were meant for the old one are void.
type Server struct {
	id    ServerID
	me    int // index in cfg.Servers
	cfg   Config
	has   defects
	disk  *Disk
	host  Host
	role  Role
	busy  Work
	work  alarm
	up    bool // clients are served
	vote  vote // the outcome of the last election
	round int64

	election election
	leader   leader
	follower follower
	sessions sessions
	requests pipeline
	tree     tree

	timerSeq uint64
	syncs    uint64 // syncs begun
	syncing  uint64 // the one under way, 0 if none
	syncLen  int    // length of the log that it covers
}

// New is a server on what its disk holds. It does nothing before Start. It fails on a Config that makes no sense.
func New(id ServerID, cfg Config, d *Disk, h Host) (*Server, error) {
	cfg = cfg.filled()
	has, err := parseDefects(cfg.Defects)
	if err != nil {
		return nil, err
	}
	me := slices.Index(cfg.Servers, id)
	if me < 0 || len(cfg.Servers) > 63 || !slices.IsSorted(cfg.Servers) {
		return nil, fmt.Errorf("server %d is not one of %v, ascending and at most 63", id, cfg.Servers)
	}
	s := &Server{id: id, me: me, cfg: cfg, has: has, disk: d, host: h}
	s.tree.send = s.sendEvent
	s.tree.keepExtra = has.keepEphemeral || has.tornClose
	s.tree.reset()
	s.sessions.init()
	s.requests.queues = map[int64]*queue{}
	s.election.votes = make([]vote, len(cfg.Servers))
	s.election.others = make([]vote, len(cfg.Servers))
	return s, nil
}

func (c Config) filled() Config {
	or := func(d *time.Duration, standard time.Duration) {
		if *d == 0 {
			*d = standard
		}
	}
	or(&c.Tick, DefaultTick)
	or(&c.FinalizeWait, defaultFinalize)
	or(&c.MinNotify, defaultMinNotify)
	or(&c.MaxNotify, defaultMaxNotify)
	or(&c.EpochWait, defaultEpochWait)
	if c.InitLimit == 0 {
		c.InitLimit = DefaultInitLimit
	}
	if c.SyncLimit == 0 {
		c.SyncLimit = DefaultSyncLimit
	}
	if c.CommitLog == 0 {
		c.CommitLog = DefaultCommitLog
	}
	return c
}

// Start loads the log and looks for a leader.
func (s *Server) Start() {
	s.reload()
	s.flush()
	s.look()
}

// reload makes the tree anew from the log (ZKDatabase.loadDataBase).
func (s *Server) reload() {
	s.tree.reset()
	s.forward()
}

// forward applies all of the log that is not in the tree yet, committed or not: a server that serves nobody counts what
// it has logged (ZooKeeperServer.shutdown: fastForwardDataBase).
func (s *Server) forward() {
	for ; s.tree.applied < len(s.disk.log); s.tree.applied++ {
		s.tree.apply(s.disk.log[s.tree.applied], nil)
	}
}

// Role is what the server does at present.
func (s *Server) Role() Role { return s.role }

// Serving tells whether clients are served: as an established leader or as a follower that is up to date.
func (s *Server) Serving() bool { return s.up }

// Zxid is the last transaction applied (DataTree.lastProcessedZxid).
func (s *Server) Zxid() int64 { return s.tree.zxid }

// Epoch is the current epoch on disk: of the last leader followed, or led.
func (s *Server) Epoch() int64 { return s.disk.current }

// Receive takes a message from a peer.
func (s *Server) Receive(from ServerID, m *Message) {
	switch m.Kind {
	case Notification:
		s.notified(from, m)
	case FollowerInfo:
		s.learnerArrived(from, m)
	default:
		if s.role == Following && from == s.vote.leader && m.Link == s.follower.link {
			s.fromLeader(m)
		} else {
			s.fromLearner(from, m)
		}
	}
}

// PeerBroken says that a learner's connection to a peer broke, or found nobody: messages may have been lost.
func (s *Server) PeerBroken(id ServerID) {
	switch s.role {
	case Leading:
		s.dropLearner(s.learner(id))
	case Following:
		if id == s.vote.leader {
			s.leaderGone()
		}
	}
}

// Fire says that the time of a timer has come.
func (s *Server) Fire(t Timer) {
	switch t.kind {
	case timerElection:
		if s.rang(&s.election.alarm, t) {
			s.electionTimeout()
		}
	case timerPhase:
		if s.rang(&s.leader.phase, t) {
			s.look()
		}
	case timerTick:
		if s.rang(&s.leader.ticker, t) {
			s.halfTick()
		}
	case timerExpiry:
		if s.rang(&s.sessions.alarm, t) {
			s.expire()
		}
	case timerRead:
		if s.rang(&s.follower.read, t) {
			s.look()
		}
	case timerWork:
		if s.rang(&s.work, t) {
			s.worked()
		}
	case timerRetry:
		if s.rang(&s.follower.retry, t) {
			s.connect()
		}
	}
}

type timerKind uint8

const (
	timerElection timerKind = iota
	timerPhase              // Leader's waits, each initLimit ticks
	timerTick               // Leader.lead's loop, half a tick
	timerExpiry             // SessionTrackerImpl
	timerRead               // a learner's socket timeout
	timerRetry              // Learner.connectToLeader
	timerWork
)

// alarm is a deadline that is put off far more often than it passes: a new timer is asked for only when the old one
// has come, or would come too late.
type alarm struct {
	at    time.Duration // the deadline
	armed time.Duration // when the timer under way comes
	seq   uint64        // of the timer under way, 0 if none
}

func (s *Server) set(a *alarm, kind timerKind, d time.Duration) {
	now := s.host.Now()
	a.at = now + d
	if a.seq == 0 || a.armed > a.at {
		s.arm(a, kind, now)
	}
}

func (s *Server) arm(a *alarm, kind timerKind, now time.Duration) {
	s.timerSeq++
	a.seq, a.armed = s.timerSeq, a.at
	s.host.After(a.at-now, Timer{kind, a.seq})
}

// rang tells whether t is the timer of a and its deadline has passed.
func (s *Server) rang(a *alarm, t Timer) bool {
	if a.seq == 0 || t.seq != a.seq {
		return false
	}
	if now := s.host.Now(); now < a.at {
		s.arm(a, t.kind, now)
		return false
	}
	a.seq = 0
	return true
}

// acks are the servers that have agreed to something (SyncedLearnerTracker), by their index in Config.
type acks struct {
	set   uint64
	count int
}

func (s *Server) ack(a *acks, index int) {
	a.set |= 1 << index
	a.count++
}

func (a acks) has(index int) bool { return a.set&(1<<index) != 0 }

// quorum is QuorumMaj.containsQuorum.
func (s *Server) quorum(a acks) bool {
	n := bits.OnesCount64(a.set)
	if s.has.countAcks {
		n = a.count
	}
	need := len(s.cfg.Servers)/2 + 1
	if s.has.smallQuorum {
		need = max(1, len(s.cfg.Servers)/2)
	}
	return n >= need
}

func (s *Server) index(id ServerID) int { return slices.Index(s.cfg.Servers, id) }

func epochOf(zxid int64) int64             { return zxid >> 32 }
func counterOf(zxid int64) int64           { return zxid & 0xffffffff }
func firstZxid(epoch int64) int64          { return epoch << 32 }
func (c Config) ticks(n int) time.Duration { return time.Duration(n) * c.Tick }
