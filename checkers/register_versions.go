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
func (j *registerJudge) byVersion(k register, index writesOf) {
	v := &versions{registerJudge: j, register: k, index: index}
	v.place()
	v.order()
	v.compare()
	v.fill()
}

type versions struct {
	*registerJudge
	register
	index  writesOf
	placed []int32 // ops whose version is known, in the order that it gives: an update before the reads
	last   []int32 // last[i]: of placed at i and above, the one with the lowest return
}

// place finds the ops whose version is known. An update that was seen by a read alone gets its version from it.
func (v *versions) place() {
	for i := range v.ops {
		o := &v.ops[i]
		if !o.known || o.kind != readOp || o.value == 0 && o.version == 0 {
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
	for i := range v.ops {
		o := &v.ops[i]
		if o.kind == casOp && o.version > 0 && o.version != o.expected+1 {
			v.report(v.register, func() string {
				return fmt.Sprintf("%s took effect, although it was to replace version %d", v.tell(o), o.expected)
			}, o)
		}
	}
}

// order puts the ops whose version is known in their order. In a right history no version is higher than there are ops: then they are
// counted, which is quicker than to sort them.
func (v *versions) order() {
	highest, lowest := int64(0), int64(0)
	n := 0
	for i := range v.ops {
		if o := &v.ops[i]; o.placed() {
			n++
			highest, lowest = max(highest, o.version), min(lowest, o.version)
		}
	}
	v.placed = make([]int32, n)
	if lowest < 0 || highest > int64(len(v.ops)) {
		v.sort()
		return
	}
	from := make([]int32, 2*highest+3) // how many come before the updates of version v at 2v, before its reads at 2v+1
	slot := func(o *registerOp) int64 { return 2*o.version + 1 - int64(min(o.kind, writeOp)) }
	for i := range v.ops {
		if o := &v.ops[i]; o.placed() {
			from[slot(o)+1]++
		}
	}
	for i := 1; i < len(from); i++ {
		from[i] += from[i-1]
	}
	for i := range v.ops {
		if o := &v.ops[i]; o.placed() {
			s := slot(o)
			v.placed[from[s]] = int32(i)
			from[s]++
		}
	}
}

func (v *versions) sort() {
	v.placed = v.placed[:0]
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
	var free []int32               // writes in order of invocation
	expecting := map[int64]int32{} // version → the compare-and-set that expects it and began first
	for i := range v.ops {
		o := &v.ops[i]
		if o.known || o.version > 0 {
			continue
		}
		if o.kind == writeOp {
			free = append(free, int32(i))
		} else if _, have := expecting[o.expected]; !have {
			expecting[o.expected] = int32(i)
		}
	}
	made := int64(0)
	for i, at := range v.placed {
		to := v.ops[at].version
		deadline := int64(math.MaxInt64)
		late := &v.ops[at]
		if l := v.last[i]; l != none {
			late, deadline = &v.ops[l], v.ops[l].returned
		}
		for gap := made + 1; gap < to; gap++ {
			if c, have := expecting[gap-1]; have && v.ops[c].invoked <= deadline {
				continue
			}
			if len(free) > 0 && v.ops[free[0]].invoked <= deadline {
				free = free[1:]
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
