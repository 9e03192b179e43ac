package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// byVersion judges a register whose updates each make the next version and are told it, and whose reads are told the
// version that they saw (Gibbons and Korach, theorem 4.13). No value was written twice, so an update of unknown outcome
// whose value was read is known to have made that version.
//
// Versions leave no choice of the order: the update that made version v is the v-th, and the reads of v come between
// it and the next one. So the history is linearizable if and only if
//
//  1. no version was made twice, what was read of a version is what its update wrote, and a compare-and-set made the version
//     after the one that it expected;
//  2. no op began after one that comes later in the order was over;
//  3. every version that no known op made or saw (a gap), below the highest that one did, is the work of an update of unknown outcome
//     of its own, that began no later than the first return among what comes later, the gap's deadline. A
//     compare-and-set can fill no gap but the one after the version that it expected, so it is taken if there is one that began
//     in time. The other gaps go to writes in order of their invocations, as for Counter.
//
// Whether all of this holds is decided without sorting; only what does not is put in order, to tell what is wrong.
func (j *registerJudge) byVersion(k register, l outline, index writesOf) {
	v := &versions{registerJudge: j, register: k, outline: l, index: index}
	v.place()
	if v.hold() {
		return
	}
	v.replace()
	v.order()
	v.compare()
	v.fill()
}

type versions struct {
	*registerJudge
	register
	outline
	index  writesOf
	placed []int32 // ops whose version is known, in the order that it gives: an update before the reads
	last   []int32 // last[i]: of placed at i and above, the one with the lowest return
}

// place finds the ops whose version is known. An update that was seen by a read alone gets its version from it.
func (v *versions) place() {
	for _, i := range v.reads {
		o := &v.ops[i]
		if o.value == 0 && o.version == 0 {
			continue
		}
		w := v.index.find(o.value)
		if o.value == 0 || w == none {
			v.report(v.register, func() string { return v.tell(o) + " shows what nobody wrote" }, o)
			continue
		}
		u := &v.ops[w]
		switch {
		case u.version == 0:
			u.version = o.version
		case u.version != o.version:
			v.report(v.register, func() string {
				return fmt.Sprintf("%s shows another version than %s", v.tell(o), v.tell(u))
			}, o, u)
		}
	}
}

// jumps tells whether the op is a compare-and-set that made another version than the one after what it expected.
func (o *registerOp) jumps() bool {
	return o.kind == casOp && o.version > 0 && o.version != o.expected+1
}

// made is when a version was made and read: MinInt64 and MaxInt64 where it was not.
type made struct {
	invoked, returned   int64 // of the update
	firstRead, lastRead int64 // the first return and the last invocation of a read
}

// known tells whether an op is known to have made or seen it.
func (m *made) known() bool { return max(m.invoked, m.lastRead) != math.MinInt64 }

// hold tells whether the rules do, but for what place has reported.
func (v *versions) hold() bool {
	all, plain := v.history()
	if !plain {
		return false
	}
	rest := int64(math.MaxInt64) // the lowest return among what comes later
	for i := len(all) - 1; i >= 0; i-- {
		m := &all[i]
		if max(m.invoked, m.lastRead) > rest || m.invoked > m.firstRead {
			return false
		}
		rest = min(rest, m.returned, m.firstRead)
		m.returned = rest
	}
	var u *unplaced
	for i := 1; i < len(all); i++ {
		if all[i].known() {
			continue
		}
		if u == nil {
			u = v.unplaced()
		}
		if !u.make(int64(i), all[i].returned) {
			return false
		}
	}
	return true
}

// history is the register's versions from 0; not plain if there are more than ops, one was made twice, or one
// was not made of what was expected.
func (v *versions) history() (all []made, plain bool) {
	if v.versions.least < 0 || v.versions.most > int64(len(v.ops)) {
		return nil, false
	}
	all = make([]made, v.versions.most+1)
	for i := range all {
		all[i] = made{math.MinInt64, math.MaxInt64, math.MaxInt64, math.MinInt64}
	}
	for _, i := range v.updates {
		o := &v.ops[i]
		if !o.placed() {
			continue
		}
		m := &all[o.version]
		if m.invoked != math.MinInt64 || o.jumps() {
			return nil, false
		}
		m.invoked, m.returned = o.invoked, o.returned
	}
	for _, i := range v.reads {
		o := &v.ops[i]
		m := &all[o.version]
		m.firstRead, m.lastRead = min(m.firstRead, o.returned), max(m.lastRead, o.invoked)
	}
	return all, true
}

// replace holds the compare-and-sets against what they expected.
func (v *versions) replace() {
	for _, i := range v.updates {
		if o := &v.ops[i]; o.jumps() {
			v.report(v.register, func() string {
				return fmt.Sprintf("%s took effect, although it was to replace version %d", v.tell(o), o.expected)
			}, o)
		}
	}
}

// order puts the ops whose version is known in their order.
func (v *versions) order() {
	for i := range v.ops {
		if v.ops[i].placed() {
			v.placed = append(v.placed, int32(i))
		}
	}
	slices.SortFunc(v.placed, func(a, b int32) int {
		x, y := &v.ops[a], &v.ops[b]
		return cmp.Or(cmp.Compare(x.version, y.version), cmp.Compare(min(y.kind, writeOp), min(x.kind, writeOp)), cmp.Compare(a, b))
	})
}

// placed tells whether the op has a place in the order: its version is known, or it read that there was none yet.
func (o *registerOp) placed() bool { return o.known || o.version > 0 }

// compare holds each version against its neighbours, and the order against real time.
func (v *versions) compare() {
	v.last = make([]int32, len(v.placed)+1)
	v.last[len(v.placed)] = none
	for i := len(v.placed) - 1; i >= 0; i-- {
		v.last[i] = v.placed[i]
		if l := v.last[i+1]; l != none && v.ops[l].returned < v.ops[v.placed[i]].returned {
			v.last[i] = l
		}
	}
	next := 0 // the position after the last op that need not come after this one
	for i, at := range v.placed {
		o := &v.ops[at]
		if o.kind != readOp {
			next = i + 1
			if i > 0 {
				if b := &v.ops[v.placed[i-1]]; b.version == o.version && b.kind != readOp {
					v.report(v.register, func() string { return fmt.Sprintf("%s and %s made one version", v.tell(b), v.tell(o)) }, b, o)
				}
			}
		} else {
			for next = max(next, i+1); next < len(v.placed) && v.ops[v.placed[next]].version == o.version; next++ {
			}
		}
		if l := v.last[next]; l != none && v.ops[l].returned < o.invoked {
			v.report(v.register, func() string {
				return fmt.Sprintf("%s began when %s was over, which comes later by its version", v.tell(o), v.tell(&v.ops[l]))
			}, o, &v.ops[l])
		}
	}
}

// fill gives the gaps to updates of unknown outcome.
func (v *versions) fill() {
	u := v.unplaced()
	made := int64(0)
	for i, at := range v.placed {
		to := v.ops[at].version
		late := &v.ops[v.last[i]]
		for gap := made + 1; gap < to; gap++ {
			if u.make(gap, late.returned) {
				continue
			}
			v.report(v.register, func() string {
				return fmt.Sprintf("nobody made version %d: no update of unknown outcome is left that could have and began before the end of %s", gap, v.tell(late))
			}, late)
			break
		}
		made = max(made, to)
	}
}

// unplaced are the updates of unknown outcome that nobody saw, for gaps that rise.
type unplaced struct {
	ops       []registerOp
	free      []int32         // writes in order of invocation
	expecting map[int64]int32 // version → the compare-and-set that expects it and began first
}

func (v *versions) unplaced() *unplaced {
	u := &unplaced{ops: v.ops, expecting: map[int64]int32{}}
	for _, i := range v.updates {
		o := &v.ops[i]
		if o.placed() {
			continue
		}
		if o.kind == writeOp {
			u.free = append(u.free, i)
		} else if _, have := u.expecting[o.expected]; !have {
			u.expecting[o.expected] = i
		}
	}
	return u
}

// make has one of them make the version, if one can have that began by the deadline.
func (u *unplaced) make(version, deadline int64) bool {
	if c, have := u.expecting[version-1]; have && u.ops[c].invoked <= deadline {
		return true
	}
	if len(u.free) == 0 || u.ops[u.free[0]].invoked > deadline {
		return false
	}
	u.free = u.free[1:]
	return true
}
