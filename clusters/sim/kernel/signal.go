package kernel

import "time"

// Signal fires once and wakes whoever waits for it. Its zero value has not fired. It must not be copied.
type Signal struct {
	fired   bool
	waiters []waiter
	room    [1]waiter // for the first: mostly there is one alone
}

type waiter struct {
	task *Task
	turn uint64
}

// Fired tells whether Fire was called.
func (s *Signal) Fired() bool { return s.fired }

// Fire wakes whoever waits, now and later.
func (s *Signal) Fire() {
	if s.fired {
		return
	}
	s.fired = true
	for _, w := range s.waiters {
		if w.waits() {
			w.task.group.k.wake(w.task)
		}
	}
	s.waiters = nil
}

func (w waiter) waits() bool { return !w.task.over && w.task.turn == w.turn }

func (s *Signal) add(t *Task) {
	if s.waiters == nil {
		s.waiters = s.room[:0]
	}
	if len(s.waiters) >= 8 { // most will have gone
		kept := s.waiters[:0]
		for _, w := range s.waiters {
			if w.waits() {
				kept = append(kept, w)
			}
		}
		s.waiters = kept
	}
	s.waiters = append(s.waiters, waiter{t, t.turn})
}

// Deadline is a signal that fires by a monotonic clock.
type Deadline struct {
	k    *Kernel
	node int // whose
	at   time.Duration
}

// Deadline is over when d has passed.
func (k *Kernel) Deadline(d time.Duration) Deadline { return k.DeadlineOn(World, d) }

// DeadlineOn is over when d has passed by the node's clock.
func (k *Kernel) DeadlineOn(node int, d time.Duration) Deadline {
	return Deadline{k, node, k.Mono(node) + d}
}

// Fired tells whether the time has come.
func (d Deadline) Fired() bool { return d.k.Mono(d.node) >= d.at }

// Expect makes the signal wake the task that runs from its next Park.
func (g *Group) Expect(s interface{ Fired() bool }) {
	t := g.k.current
	switch s := s.(type) {
	case *Signal:
		s.add(t)
	case Deadline:
		g.k.After(g.k.Lasts(s.node, s.at-g.k.Mono(s.node)), g.node, g.k, 0, uint64(t.number), t.turn)
	default:
		panic("wait for a signal that is not of this world")
	}
}
