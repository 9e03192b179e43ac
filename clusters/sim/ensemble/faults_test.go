package ensemble

import "time"

// plan schedules faults of all kinds until a time; then everything is healed.
func (w *world) plan(until time.Duration) {
	kinds := w.rng.Perm(9)[:3+w.rng.IntN(6)]
	for at := 800 * time.Millisecond; at < until; at += w.jitter(1200 * time.Millisecond) {
		kind := kinds[w.rng.IntN(len(kinds))]
		w.after(at, event{kind: evFault, fault: func() { w.fault(kind) }})
	}
	w.after(until, event{kind: evFault, fault: w.healAll})
}

func (w *world) healAll() {
	w.quiet = true
	for i, a := range w.nodes {
		a.slow = false
		a.resume()
		a.start()
		for _, b := range w.nodes[i+1:] {
			w.heal(int(a.id), int(b.id), w.rng.IntN(2) == 0)
		}
		for _, c := range w.clients {
			w.heal(int(a.id), c.id, true)
		}
	}
}

func (w *world) someBox() *box {
	if w.rng.IntN(2) == 0 {
		for _, b := range w.nodes {
			if b.server != nil && b.server.Role() == Leading {
				return b
			}
		}
	}
	return w.nodes[w.rng.IntN(len(w.nodes))]
}

func (w *world) during(d time.Duration, end func()) {
	w.after(d, event{kind: evFault, fault: func() {
		if !w.quiet {
			end()
		}
	}})
}

func (w *world) fault(kind int) {
	if w.quiet {
		return
	}
	b := w.someBox()
	long := w.jitter([]time.Duration{50 * time.Millisecond, time.Second, 4 * time.Second}[w.rng.IntN(3)])
	switch kind {
	case 0, 1:
		b.kill(kind == 1)
		w.during(long, b.start)
	case 2: // all of them
		for _, o := range w.nodes {
			if w.rng.IntN(5) > 0 {
				o.kill(w.rng.IntN(2) == 0)
				w.during(w.jitter(time.Second), o.start)
			}
		}
	case 3:
		b.paused = b.server != nil
		w.during(long, b.resume)
	case 4: // a partition
		side := w.rng.IntN(1 << len(w.nodes))
		dead := w.rng.IntN(2) == 0
		w.between(side, func(x, y int) { w.cut(x, y, dead) })
		drop := w.rng.IntN(2) == 0
		w.during(long, func() { w.between(side, func(x, y int) { w.heal(x, y, drop) }) })
	case 5: // one way
		o := w.nodes[w.rng.IntN(len(w.nodes))]
		if o != b {
			w.cutOneWay(int(b.id), int(o.id))
			w.during(long, func() { w.heal(int(b.id), int(o.id), w.rng.IntN(2) == 0) })
		}
	case 6:
		b.slow = true
		w.during(long, func() { b.slow = false })
	case 7: // connections break, and come again
		for _, o := range w.nodes {
			if o != b && w.rng.IntN(2) == 0 {
				w.breakLink(int(b.id), int(o.id))
			}
		}
	case 8:
		c := w.clients[w.rng.IntN(len(w.clients))]
		dead := w.rng.IntN(2) == 0
		w.cut(c.id, int(b.id), dead)
		w.during(long, func() { w.heal(c.id, int(b.id), w.rng.IntN(2) == 0) })
	}
}

func (w *world) between(side int, f func(x, y int)) {
	for i, a := range w.nodes {
		for j, b := range w.nodes[i+1:] {
			if side>>i&1 != side>>(i+1+j)&1 {
				f(int(a.id), int(b.id))
			}
		}
	}
}
