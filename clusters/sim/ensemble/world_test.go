package ensemble

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// world is a small deterministic simulation around servers: links, disks, clients, faults. One seed is one run.
type world struct {
	seed    uint64
	cfg     Config
	rng     *rand.Rand
	now     time.Duration
	heap    []event
	seq     uint64
	hash    uint64
	events  int
	nodes   []*box
	clients []*client
	links   map[[2]int]*link // from, to: servers are 1.., clients 101..
	check   *checker
	quiet   bool // no more faults
	even    bool // links and disks always take the same time
}

// box is a server's machine.
type box struct {
	w      *world
	id     ServerID
	disk   *Disk
	server *Server // nil while it is dead
	life   int
	slow   bool // its disk
	paused bool
	held   []event
	up     bool // as last seen by the checker
	seen   int  // transactions checked
	logged int  // length of the log that was searched for expiries
}

type eventKind uint8

const (
	evPeer eventKind = iota
	evBroken
	evTimer
	evSynced
	evAccept
	evRequest
	evClientGone
	evReply
	evHangup
	evClient
	evFault
)

type event struct {
	at       time.Duration
	tie, seq uint64
	kind     eventKind
	from, to int
	life     int // of the server or link concerned
	n        uint64
	timer    Timer
	msg      Message
	hello    Hello
	req      *Request
	reply    Reply
	fault    func()
}

// link is one direction of a connection between two machines.
type link struct {
	last time.Duration // arrival of the last message: FIFO
	gen  int           // connections so far
	cut  bool          // what is sent is held
	dead bool          // sends find nobody
	held []event
}

func newWorld(seed uint64, servers int, defect string) *world {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x5eed)), links: map[[2]int]*link{}}
	for i := range servers {
		w.cfg.Servers = append(w.cfg.Servers, ServerID(i+1))
	}
	if defect != "" {
		w.cfg.Defects = []string{defect}
	}
	w.cfg.SyncLimit = 3 + w.rng.IntN(6)
	w.cfg.CommitLog = []int{5, 40, 500}[w.rng.IntN(3)]
	w.check = newChecker(w)
	for _, id := range w.cfg.Servers {
		b := &box{w: w, id: id, disk: NewDisk()}
		w.nodes = append(w.nodes, b)
		w.after(w.jitter(100*time.Millisecond), event{kind: evFault, fault: b.start})
	}
	for i := range 4 {
		c := newClient(w, 101+i)
		w.clients = append(w.clients, c)
		w.after(w.jitter(time.Second), event{kind: evClient, to: c.id})
	}
	return w
}

func (w *world) jitter(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d))) + 1
}

func (w *world) latency() time.Duration {
	if w.even {
		return 100 * time.Microsecond
	}
	if w.rng.IntN(50) == 0 {
		return w.jitter(60 * time.Millisecond)
	}
	return 100*time.Microsecond + w.jitter(time.Millisecond)
}

func (w *world) after(d time.Duration, e event) {
	e.at = w.now + d
	e.tie = w.rng.Uint64()
	w.push(e)
}

func (w *world) push(e event) {
	w.seq++
	e.seq = w.seq
	w.heap = append(w.heap, e)
	h := w.heap
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if !h[i].before(&h[p]) {
			break
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

func (e *event) before(o *event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.tie != o.tie {
		return e.tie < o.tie
	}
	return e.seq < o.seq
}

func (w *world) pop() event {
	h := w.heap
	top := h[0]
	n := len(h) - 1
	h[0] = h[n]
	h[n] = event{}
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].before(&h[c]) {
			c++
		}
		if !h[c].before(&h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	w.heap = h
	return top
}

func (w *world) link(from, to int) *link {
	k := [2]int{from, to}
	l := w.links[k]
	if l == nil {
		l = &link{}
		w.links[k] = l
	}
	return l
}

// send puts an event on a link: FIFO, held while the link is cut.
func (w *world) send(from, to int, e event) {
	if max(from, to) > 100 && Conn(e.n) <= w.clients[max(from, to)-101].broken && e.kind != evClientGone {
		return
	}
	l := w.link(from, to)
	e.from, e.to, e.life = from, to, l.gen
	if l.dead {
		if e.kind == evPeer {
			w.after(w.latency(), event{kind: evBroken, from: to, to: from, life: -1})
		} else if from > 100 {
			w.breakLink(from, to)
		}
		return
	}
	if l.cut {
		l.held = append(l.held, e)
		return
	}
	l.last = max(l.last+1, w.now+w.latency())
	w.after(l.last-w.now, e)
}

// breakLink ends the connection of two machines: what is under way is lost, both are told.
func (w *world) breakLink(a, b int) {
	for _, k := range [][2]int{{a, b}, {b, a}} {
		l := w.link(k[0], k[1])
		l.gen++
		l.held = nil
		if k[1] < 100 && k[0] < 100 {
			w.after(w.latency(), event{kind: evBroken, from: k[0], to: k[1], life: -1})
		}
	}
	for _, c := range w.clients {
		if c.server > 0 && (c.id == a && c.server == b || c.id == b && c.server == a) {
			c.broken = c.conn
			w.after(w.latency(), event{kind: evHangup, from: c.server, to: c.id, n: uint64(c.conn)})
			w.after(w.latency(), event{kind: evClientGone, from: c.id, to: c.server, n: uint64(c.conn), life: -1})
		}
	}
}

func (w *world) cut(a, b int, dead bool) {
	if dead {
		w.breakLink(a, b)
	}
	for _, k := range [][2]int{{a, b}, {b, a}} {
		l := w.link(k[0], k[1])
		l.cut, l.dead = !dead, dead
	}
}

// cutOneWay holds what goes from a to b.
func (w *world) cutOneWay(a, b int) { w.link(a, b).cut = true }

func (w *world) heal(a, b int, drop bool) {
	if drop {
		w.breakLink(a, b)
	}
	for _, k := range [][2]int{{a, b}, {b, a}} {
		l := w.link(k[0], k[1])
		l.cut, l.dead = false, false
		held := l.held
		l.held = nil
		for _, e := range held {
			w.send(k[0], k[1], e)
		}
	}
}

func (b *box) start() {
	if b.server != nil {
		return
	}
	s, err := New(b.id, b.w.cfg, b.disk, b)
	if err != nil {
		panic(err)
	}
	b.life++
	b.server, b.up, b.seen, b.paused, b.held = s, false, 0, false, nil
	s.Start()
}

func (b *box) kill(power bool) {
	if b.server == nil {
		return
	}
	b.server = nil
	b.life++
	b.held, b.paused = nil, false
	if power {
		b.disk.LosePower()
	} else {
		b.disk.Kill()
	}
	for _, o := range b.w.nodes {
		if o != b {
			l := b.w.link(int(b.id), int(o.id))
			cut, dead := l.cut, l.dead
			b.w.breakLink(int(b.id), int(o.id))
			l.cut, l.dead = cut, dead
		}
	}
	for _, c := range b.w.clients {
		b.w.breakLink(int(b.id), c.id)
	}
}

func (b *box) Now() time.Duration { return b.w.now }
func (b *box) Send(to ServerID, m Message) {
	b.w.send(int(b.id), int(to), event{kind: evPeer, msg: m})
}
func (b *box) After(d time.Duration, t Timer) {
	b.w.after(d, event{kind: evTimer, to: int(b.id), life: b.life, timer: t})
}
func (b *box) Takes(Work) time.Duration {
	if b.w.even {
		return 0
	}
	return b.w.jitter(20 * time.Millisecond)
}
func (b *box) Sync(n uint64) {
	d := 500*time.Microsecond + b.w.jitter(2*time.Millisecond)
	if b.slow {
		d = b.w.jitter(300 * time.Millisecond)
	}
	if b.w.even {
		d = time.Millisecond
		if b.slow {
			d = 50 * time.Millisecond
		}
	}
	b.w.after(d, event{kind: evSynced, to: int(b.id), life: b.life, n: n})
}
func (b *box) Reply(c Conn, r Reply) {
	b.w.send(int(b.id), int(c>>32), event{kind: evReply, n: uint64(c), reply: r})
}
func (b *box) Hangup(c Conn) {
	b.w.send(int(b.id), int(c>>32), event{kind: evHangup, n: uint64(c)})
}

// run goes on until a time has come or a check has failed.
func (w *world) run(until time.Duration) {
	for len(w.heap) > 0 && w.heap[0].at <= until && w.check.failed == "" {
		e := w.pop()
		w.now = e.at
		w.events++
		w.fold(&e)
		w.dispatch(e)
	}
	w.now = max(w.now, until)
}

func (w *world) fold(e *event) {
	for _, v := range [...]uint64{uint64(e.at), uint64(e.kind), uint64(e.from), uint64(e.to), e.n, uint64(e.msg.Kind), uint64(e.msg.Zxid), uint64(e.reply.Zxid), uint64(e.reply.Kind)} {
		w.hash = (w.hash ^ v) * 0x100000001b3
	}
}

func (w *world) dispatch(e event) {
	switch e.kind {
	case evFault:
		e.fault()
		return
	case evClient:
		w.clients[e.to-101].wake()
		return
	case evReply, evHangup:
		if e.kind == evReply && e.life != w.link(e.from, e.to).gen {
			return
		}
		w.clients[e.to-101].hear(e)
		return
	}
	b := w.nodes[e.to-1]
	if b.paused {
		b.held = append(b.held, e)
		return
	}
	b.take(e)
}

func (b *box) take(e event) {
	w, s := b.w, b.server
	switch {
	case e.kind == evTimer || e.kind == evSynced:
		if s == nil || e.life != b.life {
			return
		}
	case s == nil:
		if e.kind == evPeer {
			w.after(w.latency(), event{kind: evBroken, from: e.to, to: e.from, life: -1})
		} else if e.kind == evAccept {
			w.after(w.latency(), event{kind: evHangup, from: e.to, to: e.from, n: e.n})
		}
		return
	case e.life >= 0 && e.life != w.link(e.from, e.to).gen:
		return
	}
	w.check.before(b, &e)
	switch e.kind {
	case evPeer:
		s.Receive(ServerID(e.from), &e.msg)
	case evBroken:
		s.PeerBroken(ServerID(e.from))
	case evTimer:
		s.Fire(e.timer)
	case evSynced:
		s.Synced(e.n)
	case evAccept:
		s.Accept(Conn(e.n), e.hello)
	case evRequest:
		s.Request(Conn(e.n), e.req)
	case evClientGone:
		s.ConnBroken(Conn(e.n))
	}
	w.check.after(b)
}

func (b *box) resume() {
	b.paused = false
	held := b.held
	b.held = nil
	for _, e := range held {
		if b.paused {
			b.held = append(b.held, e)
		} else {
			b.take(e)
		}
	}
}

func (w *world) String() string { return fmt.Sprintf("seed %d, %d servers", w.seed, len(w.nodes)) }
