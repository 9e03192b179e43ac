package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// byLives judges a register that is created and deleted, whose versions are counted anew in each life. What reads and updates were
// told puts most of it in order: the life or the absence (witness.since) and in a life the version. Nothing tells that of deletes,
// refused ops, some creates, and updates whose reply was lost, unless their value was read.
//
// All states that the register can be in are carried through the history, returns and invocations in order of time, and an op takes
// effect no earlier than when something must have returned (just-in-time linearization, Lowe 2017). The history is linearizable if and
// only if a state is left at the end. What keeps them few:
//
//   - A told state is entered by the op that made it and by no other, and an order that is past a told state which an op still to come
//     sees is dropped. So where everything is told one state is left after every return.
//   - Updates of unknown outcome that nobody saw are all alike, once they have begun: they are counted. A create can do less than a
//     write, so it goes first.
func (j *registerJudge) byLives(k register, index writesOf) (gaveUp string) {
	l := &lives{registerJudge: j, register: k, index: index, steps: searchSteps, slots: make([]int8, len(k.ops))}
	if !l.place() {
		return ""
	}
	return l.sweep()
}

// lives goes through the ops of one register.
type lives struct {
	*registerJudge
	register
	index   writesOf
	sinces  []int64             // told, in order
	highest []int64             // version told of each; 0 of an absence
	lowest  []int64             // version that a told update made
	makers  map[spot]int32      // told updates
	slots   []int8              // op → its bit in lived.done, of those that are under way and untold
	pending []int32             // those ops
	pool    [deleteOp + 1]int32 // invoked updates of unknown outcome that nobody saw, by kind
	coming  spot                // the first told state that an op not yet invoked makes or sees
	now     int64
	steps   int

	open        []lived // states to go on from
	seen, found front
}

// spot is the place of a told state: the number of its since, and its version.
type spot struct {
	life    int32
	version int64
}

func (s spot) compare(o spot) int {
	return cmp.Or(cmp.Compare(s.life, o.life), cmp.Compare(s.version, o.version))
}

// lived is a state that the register may be in, and how it got there.
type lived struct {
	spot      // of a state that is not told: the last one before it that is, and the version
	told bool // the state is the spot
	done uint64
	used [deleteOp + 1]int32 // of the pool
}

// at is how far the state is past what was told.
func (s *lived) at() spot {
	if s.told {
		return s.spot
	}
	return spot{s.life, math.MaxInt64}
}

// inLives tells whether byLives can place the op.
func (o *registerOp) inLives() bool {
	switch {
	case o.kind == readOp && o.value == 0:
		return o.version == 0
	case o.kind == readOp:
		return o.since > 0 && o.version > 0
	case o.known && (o.kind == writeOp || o.kind == casOp):
		return o.since > 0 && o.version > 0 || o.version == 1
	}
	return true
}

func allInLives(ops []registerOp) bool {
	for i := range ops {
		if !ops[i].inLives() {
			return false
		}
	}
	return true
}

// told tells whether the op's place is known. One that made version 1 of a life that was not told is a create like any other.
func (o *registerOp) told() bool { return o.since > 0 }

// place finds the told states. An update that was seen by a read alone gets its place from it. False: it has found what no order
// explains.
func (l *lives) place() bool {
	found := l.violated + l.hazardous
	for i := range l.ops {
		l.learn(&l.ops[i])
	}
	for i := range l.ops {
		if o := &l.ops[i]; o.told() {
			l.sinces = append(l.sinces, o.since)
		}
	}
	slices.Sort(l.sinces)
	l.sinces = slices.Compact(l.sinces)
	l.highest = make([]int64, len(l.sinces))
	l.lowest = make([]int64, len(l.sinces))
	l.makers = make(map[spot]int32, len(l.ops))
	for i := range l.lowest {
		l.lowest[i] = math.MaxInt64
	}
	for i := range l.ops {
		if o := &l.ops[i]; o.told() {
			l.note(o, int32(i))
		}
	}
	for i := range l.ops {
		if o := &l.ops[i]; o.told() && o.version == 0 && l.highest[l.spot(o).life] > 0 {
			l.report(l.register, func() string {
				return fmt.Sprintf("%s shows that it is not there, since the zxid %#x that others show as its creation", l.tell(o), o.since)
			}, o)
		}
	}
	return l.violated+l.hazardous == found
}

// learn holds a read against the update that wrote its value, and tells that one its place.
func (l *lives) learn(o *registerOp) {
	if o.kind != readOp || o.value == 0 {
		return
	}
	w := l.index.find(o.value)
	if w == none {
		l.report(l.register, func() string { return l.tell(o) + " shows what nobody wrote" }, o)
		return
	}
	switch u := &l.ops[w]; {
	case !u.told() && (u.version == 0 || u.version == o.version):
		u.witness = o.witness
	case u.witness != o.witness:
		l.report(l.register, func() string {
			return fmt.Sprintf("%s shows another version than %s, or another life of the node", l.tell(o), l.tell(u))
		}, o, u)
	}
}

// note enters a told op.
func (l *lives) note(o *registerOp, i int32) {
	at := l.spot(o)
	l.highest[at.life] = max(l.highest[at.life], at.version)
	if o.kind == readOp {
		return
	}
	l.lowest[at.life] = min(l.lowest[at.life], at.version)
	if m, made := l.makers[at]; made {
		b := &l.ops[m]
		l.report(l.register, func() string { return fmt.Sprintf("%s and %s made one version", l.tell(b), l.tell(o)) }, b, o)
	}
	l.makers[at] = i
	switch {
	case o.kind == createOp && o.version != 1:
		l.report(l.register, func() string { return l.tell(o) + " took effect, although the node was there" }, o)
	case o.kind == casOp && o.version != o.expected+1:
		l.report(l.register, func() string {
			return fmt.Sprintf("%s took effect, although it was to replace version %d", l.tell(o), o.expected)
		}, o)
	}
}

func (l *lives) spot(o *registerOp) spot {
	n, _ := slices.BinarySearch(l.sinces, o.since)
	return spot{int32(n), o.version}
}
