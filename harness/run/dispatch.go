package run

import (
	"fmt"
	"sync"

	"riven/clusters"
	"riven/harness/history"
)

// outstanding is how many ops a participant has at most: one that it does and one that its agent holds, so that the
// way through the engine costs no throughput.
const outstanding = 2

// supply gives a participant's next op; false when it has none now.
type supply func(node string) (history.Op, bool)

// dispatcher hands ops to participants and keeps their processes: a process whose op ended info, or whose
// incarnation died under it, never acts again under its number.
type dispatcher struct {
	deliver func(node string, inv clusters.Invocation) error
	broken  func(node string, err error)

	mu     sync.Mutex
	next   supply
	lastID int64
	nodes  map[string]*lane
	count  Counts
}

// Counts are the ops of a run so far.
type Counts struct{ Invoked, OK, Fail, Info int }

type lane struct {
	node     string
	process  int
	stride   int // of process numbers: the number of participants
	ready    bool
	draining bool                 // what is out must come back before more is handed out
	out      map[int64]history.Op // delivered, neither completed nor returned
	begun    map[int64]bool       // of those: handed to the participant
	back     []history.Op         // returned, to be delivered again first
}

func newDispatcher(participants []string, deliver func(string, clusters.Invocation) error, broken func(string, error)) *dispatcher {
	d := &dispatcher{deliver: deliver, broken: broken, nodes: map[string]*lane{}}
	for i, p := range participants {
		d.nodes[p] = &lane{node: p, process: i, stride: len(participants), out: map[int64]history.Op{}, begun: map[int64]bool{}}
	}
	return d
}

// supplyFrom switches to another source of ops and starts everyone on it.
func (d *dispatcher) supplyFrom(next supply, participants []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = next
	for _, p := range participants {
		d.nodes[p].back = nil // what came back belongs to the source before
		d.fill(d.nodes[p])
	}
}

// observe follows an event of a participant.
func (d *dispatcher) observe(e history.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.nodes[e.Node]
	if l == nil {
		return
	}
	switch e.Type {
	case history.Invoke:
		l.begun[e.ID] = true
		d.count.Invoked++
	case history.OK, history.Fail:
		l.forget(e.ID)
		if e.Type == history.OK {
			d.count.OK++
		} else {
			d.count.Fail++
		}
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
		if len(l.begun) > 0 { // its op stays open
			for id := range l.begun {
				l.forget(id)
			}
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
	if op, ok := l.out[id]; ok {
		l.back = append(l.back, op)
		l.forget(id)
	}
	d.fill(l)
}

// finished tells whether all participants have taken the last op of the source (left is counted by it, under the
// dispatcher's lock) and completed everything.
func (d *dispatcher) finished(participants []string, left *int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range participants {
		if l := d.nodes[p]; len(l.out) > 0 || len(l.back) > 0 {
			return false
		}
	}
	return *left == 0
}

func (d *dispatcher) counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func (d *dispatcher) fill(l *lane) {
	l.draining = l.draining && len(l.out) > 0
	for l.ready && !l.draining && d.next != nil && len(l.out) < outstanding {
		op, ok := d.take(l)
		if !ok {
			return
		}
		d.lastID++
		l.out[d.lastID] = op
		if err := d.deliver(l.node, clusters.Invocation{ID: d.lastID, Process: l.process, Op: op}); err != nil {
			d.broken(l.node, fmt.Errorf("deliver op %d: %w", d.lastID, err))
			l.ready = false
			return
		}
	}
}

func (d *dispatcher) take(l *lane) (history.Op, bool) {
	if len(l.back) > 0 {
		op := l.back[0]
		l.back = l.back[1:]
		return op, true
	}
	return d.next(l.node)
}

func (l *lane) forget(id int64) {
	delete(l.out, id)
	delete(l.begun, id)
}

func (l *lane) retire() {
	l.process += l.stride
	l.draining = true
}
