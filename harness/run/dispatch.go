package run

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"riven/clusters"
	"riven/harness/history"
	"riven/workloads"
)

// A participant has one op that it does and others that its agent holds, so that the way through the engine costs no
// throughput: as many as it does in lookAhead, going by its slowest kind of op so far, but at least and at most so many
// in all. What is handed out must be done before a run can end, so nothing is made of a few quick ops.
const (
	lookAhead       = 12 * time.Millisecond
	experience      = 16 // ops that must have gone well before more than the least are handed out
	leastDispatched = 2
	mostDispatched  = 64
)

// dispatcher hands ops to participants and keeps their processes: a process whose op ended info, or whose
// incarnation died under it, never acts again under its number.
type dispatcher struct {
	deliver func(node string, inv clusters.Invocation) error
	broken  func(node string, err error)

	mu     sync.Mutex
	over   bool // nothing is handed out any more
	lastID int64
	nodes  map[string]*lane
	lanes  []*lane // the same, in order
	count  Counts
}

// Counts are the ops of a run so far.
type Counts struct{ Invoked, OK, Fail, Info int }

type lane struct {
	node     string
	process  int
	stride   int // of process numbers: the number of participants
	ready    bool
	draining bool             // what is out must come back before more is handed out
	out      []delivered      // neither completed nor returned, in order of delivery
	usual    []usual          // of each kind of op
	slowest  time.Duration    // of those
	went     int              // well so far, of this process
	back     []history.Op     // to be delivered first: what came back
	queue    []history.Op     // then what was added
	stream   workloads.Stream // then this, if it is not over
}

// delivered is an op on its way to the participant or with it.
type delivered struct {
	id    int64
	op    history.Op
	begun bool  // it was handed to the participant
	at    int64 // when, by the agent
}

// usual is how long a kind of op takes that goes well, a moving average.
type usual struct {
	kind string
	d    time.Duration
}

func newDispatcher(participants []string, deliver func(string, clusters.Invocation) error, broken func(string, error)) *dispatcher {
	d := &dispatcher{deliver: deliver, broken: broken, nodes: map[string]*lane{}}
	for i, p := range participants {
		l := &lane{node: p, process: i, stride: len(participants)}
		d.nodes[p], d.lanes = l, append(d.lanes, l)
	}
	return d
}

// start puts everyone on its stream.
func (d *dispatcher) start(streams map[string]workloads.Stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		if s := streams[l.node]; s != nil {
			l.stream = s
			d.fill(l)
		}
	}
}

// finish ends the streams: everyone still brings to its end what it has begun.
func (d *dispatcher) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		if l.stream != nil {
			l.queue, l.stream = l.stream.Rest(), nil
			d.fill(l)
		}
	}
}

// halt hands nothing out any more.
func (d *dispatcher) halt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
}

// add queues ops for the participant.
func (d *dispatcher) add(node string, ops ...history.Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.nodes[node]
	l.queue = append(l.queue, ops...)
	d.fill(l)
}

// idle tells whether the participant has nothing to do and nothing under way.
func (d *dispatcher) idle(node string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.nodes[node]
	return l.stream == nil && len(l.back)+len(l.queue)+len(l.out) == 0
}

// observe follows an event of a participant.
func (d *dispatcher) observe(e *history.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.nodes[e.Node]
	if l == nil {
		return
	}
	switch e.Type {
	case history.Invoke:
		if i := l.find(e.ID); i >= 0 {
			l.out[i].begun, l.out[i].at = true, e.Time
		}
		d.count.Invoked++
	case history.OK, history.Fail:
		if e.Type == history.OK {
			if i := l.find(e.ID); i >= 0 {
				l.took(l.out[i].op.F, time.Duration(e.Time-l.out[i].at))
			}
			d.count.OK++
		} else {
			d.count.Fail++
		}
		l.forget(e.ID)
	case history.Info:
		d.count.Info++
		l.forget(e.ID)
		l.retire()
	case history.Note:
		if e.F == history.NoteReady {
			l.ready = true
		}
	case history.Exit:
		l.ready = false
		before := len(l.out)
		l.out = slices.DeleteFunc(l.out, func(x delivered) bool { return x.begun })
		if len(l.out) < before { // its op stays open
			l.retire()
		}
	}
	d.fill(l)
}

// returned takes back an op that was never handed to the participant.
func (d *dispatcher) returned(node string, id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.nodes[node]
	if i := l.find(id); i >= 0 {
		l.back = append(l.back, l.out[i].op)
		l.forget(id)
	}
	d.fill(l)
}

func (d *dispatcher) counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func (d *dispatcher) fill(l *lane) {
	l.draining = l.draining && len(l.out) > 0
	for !d.over && l.ready && !l.draining && len(l.out) < l.most() {
		op, ok := l.take()
		if !ok {
			return
		}
		d.lastID++
		l.out = append(l.out, delivered{id: d.lastID, op: op})
		if err := d.deliver(l.node, clusters.Invocation{ID: d.lastID, Process: l.process, Op: op}); err != nil {
			d.broken(l.node, fmt.Errorf("deliver op %d: %w", d.lastID, err))
			l.ready = false
			return
		}
	}
}

func (l *lane) take() (history.Op, bool) {
	for _, q := range []*[]history.Op{&l.back, &l.queue} {
		if len(*q) > 0 {
			op := (*q)[0]
			*q = (*q)[1:]
			return op, true
		}
	}
	if l.stream == nil {
		return history.Op{}, false
	}
	return l.stream.Next(), true
}

// took learns from an op that went well how long its kind takes. One that was held up counts no more than is needed for the least.
func (l *lane) took(kind string, d time.Duration) {
	l.went++
	d = min(d, lookAhead/leastDispatched)
	i := slices.IndexFunc(l.usual, func(u usual) bool { return u.kind == kind })
	if i < 0 {
		i = len(l.usual)
		l.usual = append(l.usual, usual{kind: kind})
	}
	u := &l.usual[i]
	if u.d == 0 {
		u.d = d
	}
	u.d += (d - u.d) / 8
	l.slowest = 0
	for _, u := range l.usual {
		l.slowest = max(l.slowest, u.d)
	}
}

// most is how many ops may be out.
func (l *lane) most() int {
	if l.went < experience {
		return leastDispatched
	}
	return min(max(int(lookAhead/max(l.slowest, 1)), leastDispatched), mostDispatched)
}

func (l *lane) find(id int64) int {
	return slices.IndexFunc(l.out, func(x delivered) bool { return x.id == id })
}

func (l *lane) forget(id int64) {
	if i := l.find(id); i >= 0 {
		l.out = slices.Delete(l.out, i, i+1)
	}
}

func (l *lane) retire() {
	l.process += l.stride
	l.draining = true
	l.went = 0
}
