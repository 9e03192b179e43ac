package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// byZones judges a register of which each value was written once (Gibbons and Korach, Testing Shared Memories, 1997).
//
// A value's ops, its write and the reads of it, form a cluster. Nothing can come between them but what is concurrent, so
// all of a cluster comes before all of another one or after it. Cluster A must come before B if one of A's ops was over before one
// of B's began: if A's first return is before B's last invocation. The history is linearizable if and only if
//
//  1. every value that was read was written, by an op that began no later than the read was over;
//  2. no two clusters must each come before the other. Longer circles hold such a pair: in one, the cluster with the
//     earliest first return must come before the cluster that must come before it.
//
// A cluster's zone is the time between first return and last invocation, forward if the return comes first. Two
// clusters are in each other's way if their forward zones overlap, or one's backward zone lies inside the other's forward
// zone. A write of unknown outcome has no return; if nobody read it, it can be left out. That a register reads 0 at
// first is a write that was over before everything.
func (j *registerJudge) byZones(k register, l outline, index writesOf) {
	z := zones{ops: k.ops}
	z.gather(j, k, l, index)
	slices.SortFunc(z.forward, func(a, b zone) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
	})
	reach := make([]int32, len(z.forward)) // of those up to here, the one that ends last
	for i := range z.forward {
		reach[i] = int32(i)
		if i == 0 {
			continue
		}
		before := z.forward[reach[i-1]]
		if before.last > z.forward[i].first {
			j.crossed(k, before, z.forward[i])
		}
		if before.last > z.forward[i].last {
			reach[i] = reach[i-1]
		}
	}
	before := make([]int32, len(z.ops)) // of each op: how many forward zones begin before its invocation
	n := int32(0)
	for i := range z.ops {
		for int(n) < len(z.forward) && z.forward[n].first < z.ops[i].invoked {
			n++
		}
		before[i] = n
	}
	for _, b := range z.backward {
		if n := before[b.lastOp]; n > 0 && z.forward[reach[n-1]].last > b.first {
			j.crossed(k, z.forward[reach[n-1]], b)
		}
	}
}

// zone is what counts of a cluster.
type zone struct {
	first, last     int64 // return and invocation
	firstOp, lastOp int32 // whose they are; none for the register's beginning
}

type zones struct {
	ops               []registerOp
	forward, backward []zone
}

// gather makes the zones of the clusters, those that some op is known of.
func (z *zones) gather(j *registerJudge, k register, l outline, index writesOf) {
	clusters := make([]zone, len(index.at), len(index.at)+1) // by the number of the write
	beginning := zone{first: math.MinInt64, last: math.MinInt64, firstOp: none, lastOp: none}
	for n, i := range index.at {
		o := &z.ops[i]
		clusters[n] = zone{o.returned, o.invoked, i, i}
	}
	for _, i := range l.reads {
		o := &z.ops[i]
		if o.value == 0 {
			beginning.take(o, i)
			continue
		}
		n := index.number(o.value)
		if n == none {
			j.report(k, func() string { return j.tell(o) + " shows what nobody wrote" }, o)
			continue
		}
		if w := &z.ops[index.at[n]]; o.returned < w.invoked {
			j.report(k, func() string { return fmt.Sprintf("%s was over before %s began", j.tell(o), j.tell(w)) }, o, w)
			continue
		}
		clusters[n].take(o, i)
	}
	z.part(append(clusters, beginning))
}

// part keeps the zones that count, in place: a million of them are many.
func (z *zones) part(all []zone) {
	counts := slices.DeleteFunc(all, func(c zone) bool {
		return c.lastOp == none || c.first == math.MaxInt64
	})
	forward := 0
	for i := range counts {
		if c := counts[i]; c.first < c.last {
			counts[i], counts[forward] = counts[forward], c
			forward++
		}
	}
	z.forward, z.backward = counts[:forward], counts[forward:]
}

// take puts an op into the cluster.
func (c *zone) take(o *registerOp, i int32) {
	if o.returned < c.first {
		c.first, c.firstOp = o.returned, i
	}
	if o.invoked > c.last {
		c.last, c.lastOp = o.invoked, i
	}
}

// crossed reports two clusters that must each come before the other.
func (j *registerJudge) crossed(k register, a, b zone) {
	op := func(i int32) *registerOp { return &k.ops[i] }
	if a.firstOp == none {
		j.report(k, func() string {
			return fmt.Sprintf("%s shows that nothing had been written yet, although it began when %s was over", j.tell(op(a.lastOp)), j.tell(op(b.firstOp)))
		}, op(a.lastOp), op(b.firstOp))
		return
	}
	j.report(k, func() string {
		return fmt.Sprintf("%s was over before %s, and %s was over before %s, so each of the two values came before the other",
			j.tell(op(a.firstOp)), j.tell(op(b.lastOp)), j.tell(op(b.firstOp)), j.tell(op(a.lastOp)))
	}, op(a.firstOp), op(b.lastOp), op(b.firstOp), op(a.lastOp))
}
