package sim

import (
	"time"

	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/network"
	"riven/harness/history"
	"riven/harness/spec"
)

// Roles of a server, as Role events name them.
const (
	roleLeader   = "leader"
	roleFollower = "follower"
	roleNone     = "none"
)

// server is a server's machine.
type server struct {
	c           *Cluster
	node        int
	id          ensemble.ServerID
	cfg         ensemble.Config
	disk        *ensemble.Disk
	zk          *ensemble.Server // nil while none runs
	life        uint64           // changes with every start and death
	incarnation int
	booting     bool
	role        string
	votes       []network.Conn // to each server; 0: none
	lines       []line
	timers      []ensemble.Timer
	spare       []uint64 // timers that are free
	syncs       uint64
	works       uint64
}

func newServer(c *Cluster, node int) *server {
	cfg := config(c.spec)
	return &server{
		c: c, node: node, id: cfg.Servers[node], cfg: cfg, disk: ensemble.NewDisk(), role: roleNone,
		votes: make([]network.Conn, len(cfg.Servers)),
	}
}

// config is zoo.cfg as the containers have it.
func config(s spec.Spec) ensemble.Config {
	cfg := ensemble.Config{Tick: s.Timing.Tick(), InitLimit: s.Timing.InitLimit, SyncLimit: s.Timing.SyncLimit, Defects: s.Broken}
	for i := range s.Servers {
		cfg.Servers = append(cfg.Servers, ensemble.ServerID(i+1))
	}
	if s.Timing != spec.Timings["fast"] { // ZooKeeper's own values (FastLeaderElection, Leader)
		cfg.MinNotify, cfg.MaxNotify = 200*time.Millisecond, time.Minute
		cfg.EpochWait = cfg.Tick * time.Duration(cfg.InitLimit)
	}
	return cfg
}

// Defects are the names of the bugs that the simulated servers can be given.
func Defects() (names []string) {
	for _, d := range ensemble.Defects() {
		names = append(names, d.Name)
	}
	return names
}

const (
	evTimer uint8 = iota
	evSynced
	evBoot
)

// Draws of a node, apart from those of edges and tasks.
const (
	streamBoot = 2 << 32
	streamSync = 3 << 32
	streamWork = 7 << 32
)

func (s *server) running() bool { return s.zk != nil }

// boot starts a process. It takes a JVM some time until it does anything.
func (s *server) boot() int {
	s.life++
	s.incarnation++
	s.booting = true
	s.c.record(s.node, s.incarnation, history.Event{Type: history.Start, End: s.c.stamp(), Op: history.Op{N: int64(s.pid())}})
	d := s.c.k.Between(streamBoot|uint64(s.node), uint64(s.incarnation), serverStart, serverStartMax)
	s.c.k.After(d, s.node, s, evBoot, 0, s.life)
	return s.pid()
}

func (s *server) pid() int { return 100 + s.incarnation }

// stop ends the process; what it wrote stays.
func (s *server) stop(how string) {
	if s.zk == nil && !s.booting {
		return
	}
	s.zk, s.booting = nil, false
	s.life++
	s.disk.Kill()
	s.role = roleNone
	clear(s.votes)
	s.lines = s.lines[:0]
	s.c.votes.Crash(s.node)
	s.c.lines.Crash(s.node)
	s.c.sessions.Crash(s.node)
	s.c.record(s.node, s.incarnation, history.Event{Type: history.Exit, Op: history.Op{Text: how}})
}

// Handle takes an event of the kernel.
func (s *server) Handle(kind uint8, a, life uint64) {
	var t ensemble.Timer
	if kind == evTimer {
		t = s.timers[a]
		s.spare = append(s.spare, a)
	}
	if life != s.life {
		return
	}
	switch kind {
	case evBoot:
		zk, err := ensemble.New(s.id, s.cfg, s.disk, s)
		if err != nil {
			panic(err)
		}
		s.zk, s.booting = zk, false
		zk.Start()
	case evTimer:
		s.zk.Fire(t)
	case evSynced:
		s.zk.Synced(a)
	}
	s.look()
}

// look records a change of the server's role.
func (s *server) look() {
	if s.zk == nil {
		return
	}
	role := roleNone
	switch {
	case !s.zk.Serving():
	case s.zk.Role() == ensemble.Leading:
		role = roleLeader
	case s.zk.Role() == ensemble.Following:
		role = roleFollower
	}
	if role != s.role {
		s.role = role
		op := history.Op{F: role, N: s.zk.Zxid()}
		if role == roleLeader {
			op.Token = s.zk.Epoch()
		}
		s.c.record(s.node, s.incarnation, history.Event{Type: history.Role, Op: op})
	}
}

// Now is the node's monotonic clock.
func (s *server) Now() time.Duration { return epoch + s.c.k.Now() }

// Reply sends to a client.
func (s *server) Reply(c ensemble.Conn, r ensemble.Reply) {
	s.c.sessions.Send(network.Conn(c), network.Listener, packet{reply: r})
}

// Hangup closes a client's connection.
func (s *server) Hangup(c ensemble.Conn) { s.c.sessions.Close(network.Conn(c), network.Listener) }

// After asks for a call of Fire.
func (s *server) After(d time.Duration, t ensemble.Timer) {
	var i uint64
	if n := len(s.spare); n > 0 {
		i = s.spare[n-1]
		s.spare = s.spare[:n-1]
		s.timers[i] = t
	} else {
		i = uint64(len(s.timers))
		s.timers = append(s.timers, t)
	}
	s.c.k.After(d, s.node, s, evTimer, i, s.life)
}

// Takes is how long some work takes this time.
func (s *server) Takes(w ensemble.Work) time.Duration {
	s.works++
	return s.c.k.Between(streamWork|uint64(s.node), s.works, work[w][0], work[w][1])
}

// Sync is an fsync: mostly about a millisecond, sometimes much longer.
func (s *server) Sync(n uint64) {
	s.syncs++
	k := s.c.k
	d := k.Between(streamSync|uint64(s.node), 2*s.syncs, fsync, fsyncMax)
	if v := k.Draw(streamSync|uint64(s.node), 2*s.syncs+1); v%slowFsyncs == 0 {
		d += time.Duration(v>>7) % slowFsync
	}
	k.After(d, s.node, s, evSynced, n, s.life)
}
