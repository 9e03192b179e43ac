package ensemble

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// checker holds the run against what an ensemble promises. It looks inside servers, but judges clients by what they see.
type checker struct {
	w         *world
	failed    string
	committed []*Txn
	effects   map[string][]effect
	leaders   map[int64]string // epoch: server and life
	acked     int64            // highest zxid acknowledged to any client
	touched   map[int64]touched
	expiries  int
	elections int
}

// effect is what a transaction does to one path.
type effect struct {
	zxid          int64
	data, kids    bool // watches of which kind it fires
	exists, value bool // value: exists and version are those of the node
	version       int32
}

type touched struct {
	at     time.Duration
	leader string
}

func newChecker(w *world) *checker {
	return &checker{w: w, effects: map[string][]effect{}, leaders: map[int64]string{}, touched: map[int64]touched{}}
}

func (k *checker) fail(format string, args ...any) {
	if k.failed == "" {
		k.failed = fmt.Sprintf("%v at %v: ", k.w, k.w.now) + fmt.Sprintf(format, args...)
	}
}

func (b *box) name() string { return fmt.Sprint(b.id, ".", b.life) }

// before notes what a leader hears of sessions.
func (k *checker) before(b *box, e *event) {
	s := b.server
	if s.role != Leading || !s.up {
		return
	}
	touch := func(id int64) { k.touched[id] = touched{k.w.now, b.term()} }
	switch {
	case e.kind == evPeer && e.msg.Kind == Ping:
		if f := s.learner(ServerID(e.from)); f != nil && f.link == e.msg.Link {
			for _, t := range e.msg.Touches {
				touch(t.Session)
			}
		}
	case e.kind == evRequest:
		if c := s.sessions.byConn[Conn(e.n)]; c != nil && c.open {
			touch(c.session)
		}
	}
}

func (b *box) term() string { return fmt.Sprint(b.name(), "/", b.server.disk.current) }

// after checks a server that has just acted.
func (k *checker) after(b *box) {
	s := b.server
	if !s.up {
		b.up, b.seen = false, 0
		return
	}
	if !b.up {
		b.up, b.seen = true, 0
		if s.role == Leading {
			k.established(b)
		}
	}
	if s.role == Leading {
		k.expired(b)
	}
	log := s.disk.log
	for ; b.seen < s.tree.applied; b.seen++ {
		x := log[b.seen]
		switch {
		case b.seen == len(k.committed):
			k.commit(x)
		case k.committed[b.seen] != x:
			k.fail("server %d applied %x:%x at %d, %x:%x was committed there", b.id, epochOf(x.Zxid), counterOf(x.Zxid), b.seen, epochOf(k.committed[b.seen].Zxid), counterOf(k.committed[b.seen].Zxid))
			return
		}
		if x.Op == OpClose && b.seen == s.tree.applied-1 && len(s.tree.ephemerals[x.Session]) > 0 {
			k.fail("server %d: session %x is closed, %v is there", b.id, x.Session, s.tree.ephemerals[x.Session])
		}
	}
}

func (k *checker) established(b *box) {
	s := b.server
	k.elections++
	epoch := epochOf(s.leader.last)
	if other, found := k.leaders[epoch]; found {
		k.fail("epoch %d has two leaders: %s and %s", epoch, other, b.name())
	}
	k.leaders[epoch] = b.name()
	log := s.disk.log
	for i, x := range k.committed {
		// A leader that was paused may find its quorum late, when a newer one has gone on. It does no harm any more.
		if epochOf(x.Zxid) < epoch && (i >= len(log) || log[i] != x) {
			k.fail("leader %d of epoch %d does not have the committed %s, number %d", b.id, epoch, zxid(x.Zxid), i)
			return
		}
	}
	b.logged = len(log)
	for _, x := range s.sessions.tracked {
		k.touched[x.id] = touched{k.w.now, b.term()}
	}
}

// expired looks at what the leader has just proposed: a session must not end before its timeout has passed since the
// leader began or heard of it.
func (k *checker) expired(b *box) {
	s := b.server
	log := s.disk.log
	for i := max(b.logged, s.tree.applied-1); i < len(log); i++ {
		x := log[i]
		if x.Zxid>>32 != s.disk.current {
			continue
		}
		if x.Op == opOpen {
			k.touched[x.Session] = touched{k.w.now, b.term()}
		}
		if x.Op != OpClose || x.Xid != 0 {
			continue
		}
		k.expiries++
		at, found := s.tree.session(x.Session)
		if t := k.touched[x.Session]; found && t.leader == b.term() && k.w.now-t.at < s.tree.sessions[at].timeout {
			k.fail("session %x expired %v after it was heard of, its timeout is %v", x.Session, k.w.now-t.at, s.tree.sessions[at].timeout)
		}
	}
	b.logged = len(log)
}

func (k *checker) commit(x *Txn) {
	k.committed = append(k.committed, x)
	add := func(path string, e effect) {
		e.zxid = x.Zxid
		k.effects[path] = append(k.effects[path], e)
	}
	remove := func(path string) {
		parent, _ := split(path)
		add(path, effect{data: true, kids: true, value: true})
		add(parent, effect{kids: true})
	}
	if x.Op == OpError || x.Op == OpMulti && slices.ContainsFunc(x.Steps, func(s Step) bool { return s.Op == OpError }) {
		return
	}
	for _, path := range x.Gone {
		remove(path)
	}
	for i := range x.Steps {
		switch st := &x.Steps[i]; st.Op {
		case OpCreate:
			parent, _ := split(st.Path)
			add(st.Path, effect{data: true, value: true, exists: true})
			add(parent, effect{kids: true})
		case OpDelete:
			remove(st.Path)
		case OpSet:
			add(st.Path, effect{data: true, value: true, exists: true, version: st.Version})
		}
	}
}

func (k *checker) find(zxid int64) *Txn {
	i := sort.Search(len(k.committed), func(i int) bool { return k.committed[i].Zxid >= zxid })
	if i < len(k.committed) && k.committed[i].Zxid == zxid {
		return k.committed[i]
	}
	return nil
}

// reply checks what a client is told.
func (k *checker) reply(c *client, q call, r Reply) {
	if r.Zxid < c.last {
		k.fail("client %d goes back from %x to %x with op %d", c.id, c.last, r.Zxid, q.req.Op)
	}
	for _, x := range c.watches {
		if x.path != "" && x.from != 0 && (c.armed || q.rearm && !x.absent) {
			k.missed(c, x, r.Zxid)
		}
	}
	switch q.req.Op {
	case OpCreate, OpDelete, OpSet, OpMulti, OpClose:
		k.wrote(c, q, r)
	case OpGet, OpExists:
		exists, version := k.valueAt(q.req.Path, r.Zxid)
		if exists != (r.Err == OK) || exists && version != r.Stat.Version {
			k.fail("client %d read %s at %x: error %d version %d, should be there %v with version %d", c.id, q.req.Path, r.Zxid, r.Err, r.Stat.Version, exists, version)
		}
	}
}

func (k *checker) valueAt(path string, zxid int64) (exists bool, version int32) {
	for _, e := range k.effects[path] {
		if e.zxid <= zxid && e.value {
			exists, version = e.exists, e.version
		}
	}
	return exists, version
}

// missed: a reply that shows a change must not come before the watch that the change fires.
func (k *checker) missed(c *client, x *watching, shown int64) {
	list := k.effects[x.path]
	i := sort.Search(len(list), func(i int) bool { return list[i].zxid > x.from })
	for ; i < len(list) && list[i].zxid <= shown; i++ {
		if x.kids && list[i].kids || !x.kids && list[i].data {
			k.fail("client %d is shown %x, its watch at %s should have told of %x", c.id, shown, x.path, list[i].zxid)
			return
		}
	}
}

func (k *checker) wrote(c *client, q call, r Reply) {
	if r.Err == SessionExpired && k.find(r.Zxid) == nil {
		return
	}
	x := k.find(r.Zxid)
	if x == nil || x.Session != c.session || x.Xid != q.req.Xid {
		k.fail("client %d: write %d answered with %x, which is %+v", c.id, q.req.Xid, r.Zxid, x)
		return
	}
	if r.Zxid <= q.after {
		k.fail("client %d: write %d got %x, but %x had been acknowledged when it was sent", c.id, q.req.Xid, r.Zxid, q.after)
	}
	if x.Err != r.Err || r.Err == OK && q.req.Op == OpCreate && x.Steps[0].Path != r.Path {
		k.fail("client %d: write %d: %+v was answered %+v", c.id, q.req.Xid, x, r)
	}
	k.acked = max(k.acked, r.Zxid)
}

// told: a client hears that its session is dead.
func (k *checker) told(c *client) {
	for i := len(k.committed) - 1; i >= 0; i-- {
		if x := k.committed[i]; x.Session == c.session && x.Op == OpClose {
			return
		}
	}
	// The leader may be closing it. One that was made under a leader that never committed it is dead from birth.
}

// end checks that the ensemble has recovered once all faults are over.
func (k *checker) end() {
	if k.failed != "" {
		return
	}
	var first *Server
	for _, b := range k.w.nodes {
		s := b.server
		if s == nil || !s.up {
			k.fail("server %d does not serve long after the last fault", b.id)
			return
		}
		if first == nil {
			first = s
		}
		if s.disk.current != first.disk.current {
			k.fail("server %d is in epoch %d, server %d in %d", s.id, s.disk.current, first.id, first.disk.current)
		}
		if s.tree.applied < len(k.committed)-50 {
			k.fail("server %d has applied %d of %d", s.id, s.tree.applied, len(k.committed))
		}
		k.tree(s)
	}
	for _, c := range k.w.clients {
		if c.w.now-c.served > 3*time.Second {
			k.fail("client %d is not served long after the last fault", c.id)
		}
	}
}

// tree checks that a server's tree hangs together.
func (k *checker) tree(s *Server) {
	for path, n := range s.tree.nodes {
		if n.owner != 0 {
			if _, found := s.tree.session(n.owner); !found {
				k.fail("server %d: %s belongs to session %x, which is closed", s.id, path, n.owner)
			}
		}
		exists, version := k.valueAt(path, s.tree.zxid)
		if n.czxid > 0 && (!exists || version != n.version) {
			k.fail("server %d: %s is there with version %d, should be there %v with %d", s.id, path, n.version, exists, version)
		}
	}
}
