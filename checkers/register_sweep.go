package checkers

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// sweep carries the states through the history.
func (l *lives) sweep() (gaveUp string) {
	returns := make([]int32, 0, len(l.ops))
	for i := range l.ops {
		if l.ops[i].known {
			returns = append(returns, int32(i))
		}
	}
	slices.SortStableFunc(returns, func(a, b int32) int { return cmp.Compare(l.ops[a].returned, l.ops[b].returned) })
	coming := l.comings()
	states := []lived{{spot: spot{life: -1}}}
	next, last := 0, int32(none)
	for _, r := range returns {
		o := &l.ops[r]
		for ; next < len(l.ops) && l.ops[next].invoked <= o.returned; next++ {
			l.now, l.coming = l.ops[next].invoked, coming[next+1]
			if states = l.invoke(states, int32(next)); states == nil {
				return fmt.Sprintf("register %q: unknown: %d ops of which nothing was told are under way at once", l.key, len(l.pending)+1)
			}
			if len(states) == 0 {
				l.unexplained(next, last, &l.ops[next])
				return ""
			}
		}
		l.now = o.returned
		if states = l.until(states, r); l.steps < 0 {
			return fmt.Sprintf("register %q: unknown: its states used up their %d steps; up to %s it is linearizable", l.key, searchSteps, l.tell(o))
		}
		if len(states) == 0 {
			l.unexplained(next, last, o)
			return ""
		}
		last = r
	}
	return ""
}

// unexplained reports the op after which no state is left.
func (l *lives) unexplained(begun int, last int32, o *registerOp) {
	about := []*registerOp{o}
	upTo := ""
	if last != none {
		about = append(about, &l.ops[last])
		upTo = fmt.Sprintf(" (up to the end of %s there is one)", l.tell(&l.ops[last]))
	}
	l.report(l.register, func() string {
		return fmt.Sprintf("%s fits in no order of the %s that had begun by its end which keeps to real time and explains what they were told%s",
			l.tell(o), plural(begun, "op", "ops"), upTo)
	}, about...)
}

// comings are, for each op, the first told state among it and those that are invoked later.
func (l *lives) comings() []spot {
	out := make([]spot, len(l.ops)+1)
	out[len(l.ops)] = spot{math.MaxInt32, 0}
	for i := len(l.ops) - 1; i >= 0; i-- {
		out[i] = out[i+1]
		if o := &l.ops[i]; o.told() {
			if at := l.spot(o); at.compare(out[i]) < 0 {
				out[i] = at
			}
		}
	}
	return out
}

// invoke takes the op in. What it is told must not be behind a state. Nil: too many are under way.
func (l *lives) invoke(states []lived, i int32) []lived {
	o := &l.ops[i]
	switch {
	case o.told():
		at := l.spot(o)
		return slices.DeleteFunc(states, func(s lived) bool { return s.at().compare(at) > 0 })
	case !o.known && o.kind != casOp:
		l.pool[o.kind]++
		return states
	}
	taken := uint64(0)
	for _, p := range l.pending {
		taken |= 1 << l.slots[p]
	}
	free := bits.TrailingZeros64(^taken)
	if free == 64 {
		return nil
	}
	l.slots[i] = int8(free)
	l.pending = append(l.pending, i)
	for n := range states {
		l.see(&states[n])
	}
	return states
}

// until gives the states in which op r has taken effect, and no more has than must.
func (l *lives) until(states []lived, r int32) []lived {
	o := &l.ops[r]
	bit := uint64(1) << l.slots[r]
	in := func(s *lived) bool { return s.done&bit != 0 }
	if o.told() {
		at := l.spot(o)
		in = func(s *lived) bool { return s.at().compare(at) >= 0 }
	}
	l.found.reset()
	l.seen.reset()
	l.open = append(l.open[:0], states...)
	for len(l.open) > 0 && l.steps >= 0 {
		s := l.open[len(l.open)-1]
		l.open = l.open[:len(l.open)-1]
		if in(&s) {
			l.found.add(s)
		} else if l.seen.add(s) {
			l.steps--
			l.follow(s)
		}
	}
	if !o.told() {
		l.pending = slices.DeleteFunc(l.pending, func(p int32) bool { return p == r })
		for i := range l.found.states {
			l.found.states[i].done &^= bit
		}
	}
	return append(states[:0], l.found.states...)
}

// follow opens the states that can follow at once.
func (l *lives) follow(s lived) {
	next := s.life + 1
	isNext := int(next) < len(l.sinces)
	if s.version == 0 {
		if isNext && l.highest[next] == 0 && !s.told {
			l.enter(s.to(next, 0, true))
		}
		if isNext && l.begun(spot{next, 1}) {
			l.enter(s.to(next, 1, true))
		}
		l.unseen(s, s.to(s.life, 1, false), createOp, writeOp)
		return
	}
	till := int64(0) // the version that unseen updates may be needed for
	if s.told {
		till = l.highest[s.life]
	} else if isNext && l.highest[next] > 0 {
		till = l.lowest[next] - 1
	}
	above := s.to(s.life, s.version+1, s.told)
	if _, made := l.makers[above.spot]; s.told && made {
		if l.begun(above.spot) {
			l.enter(above)
		}
	} else {
		if !s.told && s.version == till && l.begun(spot{next, s.version + 1}) {
			l.enter(s.to(next, s.version+1, true))
		}
		if s.version < till || l.isRefused(s) {
			l.unseen(s, above, writeOp)
		}
	}
	if !s.told || s.version >= till {
		l.unseen(s, s.to(s.life, 0, false), deleteOp)
	}
}

// isRefused tells whether an op that was refused because of another version than this waits for one. Nothing else needs an update that
// nobody saw above the versions that were told, and it can come when it is needed.
func (l *lives) isRefused(s lived) bool {
	return slices.ContainsFunc(l.pending, func(p int32) bool {
		o := &l.ops[p]
		return o.kind == sawAnother && o.expected == s.version && s.done>>l.slots[p]&1 == 0
	})
}

// enter opens a state, if it is not past what is still to be seen.
func (l *lives) enter(s lived) {
	if s.at().compare(l.coming) <= 0 {
		l.see(&s)
		l.open = append(l.open, s)
	}
}

// to is the state after this one with that place.
func (s lived) to(life int32, version int64, told bool) lived {
	s.spot, s.told = spot{life, version}, told
	return s
}

// begun tells whether a told update that has begun made that state.
func (l *lives) begun(at spot) bool {
	i, made := l.makers[at]
	return made && l.ops[i].invoked <= l.now
}

// unseen opens what comes of the updates that nothing was told of: after, by each that must have taken effect, and by one that may
// have, of the first kind of which some are left.
func (l *lives) unseen(s, after lived, kinds ...registerKind) {
	for _, p := range l.pending {
		o := &l.ops[p]
		bit := uint64(1) << l.slots[p]
		if s.done&bit != 0 || !o.leads(s.version, after.version) {
			continue
		}
		n := after
		n.done |= bit
		l.enter(n)
	}
	for _, k := range kinds {
		if s.used[k] < l.pool[k] {
			after.used[k]++
			l.enter(after)
			return
		}
	}
}

// leads tells whether an untold update that is taken for itself can lead from the one version to the other.
func (o *registerOp) leads(from, to int64) bool {
	switch o.kind {
	case casOp:
		return o.expected == from && to == from+1 && (!o.known || to == 1)
	case createOp, writeOp:
		return from == 0 && to == 1
	case deleteOp:
		return from > 0 && to == 0
	}
	return false
}

// see has the ops that change nothing take effect, where they fit.
func (l *lives) see(s *lived) {
	for _, p := range l.pending {
		o := &l.ops[p]
		fits := false
		switch o.kind {
		case readOp, sawNone:
			fits = s.version == 0
		case sawNode:
			fits = s.version > 0
		case sawAnother:
			fits = s.version > 0 && s.version != o.expected
		}
		if fits {
			s.done |= 1 << l.slots[p]
		}
	}
}

// front is states of which none was better than another when it came: had all that the other one has, and more to spare.
type front struct {
	states []lived
	first  map[lived]int32 // of those that differ in nothing but what they used of the pool
	next   []int32         // state → the next such
}

func (f *front) reset() {
	if f.first == nil {
		f.first = map[lived]int32{}
	}
	clear(f.first)
	f.states, f.next = f.states[:0], f.next[:0]
}

// add takes the state in, if there is no better one.
func (f *front) add(s lived) bool {
	like := s
	like.used = [deleteOp + 1]int32{}
	first, is := f.first[like]
	if !is {
		first = none
	}
	for i := first; i != none; i = f.next[i] {
		if spares(f.states[i].used, s.used) {
			return false
		}
		if spares(s.used, f.states[i].used) {
			f.states[i] = s
			return true
		}
	}
	f.first[like] = int32(len(f.states))
	f.states, f.next = append(f.states, s), append(f.next, first)
	return true
}

// spares tells whether a has used no more of anything than b.
func spares(a, b [deleteOp + 1]int32) bool {
	for k := range a {
		if a[k] > b[k] {
			return false
		}
	}
	return true
}
