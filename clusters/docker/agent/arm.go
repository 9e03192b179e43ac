package agent

import (
	"maps"
	"slices"

	"riven/harness/history"
	"riven/nemesis"
)

// The two ops whose meaning the agent knows.
const (
	opAcquire = "acquire"
	opRelease = "release"
)

// arms are the faults that wait for an event of the participant, and those whose event has come. It is part of relay,
// under its lock.
type arms struct {
	armed  map[string]*arming
	firing []*firing
}

type arming struct {
	Armed
	seen int
}

// firing is an armed fault from its event until it has been said what became of it.
type firing struct {
	Armed
	child *child
	hold  string
	over  bool // what it was armed on no longer holds
}

func newArms() arms { return arms{armed: map[string]*arming{}} }

func (r *relay) arm(a Armed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed[a.Fault] = &arming{Armed: a}
}

// disarm takes a fault back, also one whose event has come: it has taken effect already, or never will. The faults' lock
// is held here and while a firing takes effect.
func (r *relay) disarm(fault string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.armed, fault)
	r.firing = slices.DeleteFunc(r.firing, func(f *firing) bool { return f.Fault == fault })
	r.wake.Signal()
}

// stillOn tells whether the firing has not been disarmed.
func (r *relay) stillOn(f *firing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.firing, f)
}

// event fires what waits for it. Of several faults armed on the same event the lowest id comes first.
func (r *relay) event(e nemesis.Event, hold string) {
	if len(r.armed) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(r.armed)) {
		a := r.armed[id]
		if a.Event != string(e) {
			continue
		}
		if a.seen++; a.seen < a.Nth {
			continue
		}
		delete(r.armed, id)
		f := &firing{Armed: a.Armed, child: r.child, hold: hold}
		r.firing = append(r.firing, f)
		r.fire(f)
	}
}

func (r *relay) acquired(hold string) { r.event(nemesis.OnAcquired, hold) }

func (r *relay) handedOver(o op) {
	if string(o.F) == opRelease {
		r.over(string(o.Hold))
	}
	r.event(nemesis.OnOp, "")
}

func (r *relay) noted(h head) {
	if f := string(h.F); f == history.NoteLost || f == history.NoteExpired {
		r.over(string(h.Hold))
	}
}

// over ends a hold; an op or a note that names none ends whichever there is.
func (r *relay) over(hold string) {
	for _, f := range r.firing {
		if f.Event == string(nemesis.OnAcquired) && (hold == "" || f.hold == "" || f.hold == hold) {
			f.over = true
		}
	}
}

// firingNow tells whether the next op waits for a fault that is to take effect before it.
func (r *relay) firingNow() bool {
	return slices.ContainsFunc(r.firing, func(f *firing) bool { return f.After == 0 })
}

// settle ends a firing and tells whether it was late.
func (r *relay) settle(f *firing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.firing = slices.DeleteFunc(r.firing, func(g *firing) bool { return g == f })
	r.wake.Signal()
	return f.over
}
