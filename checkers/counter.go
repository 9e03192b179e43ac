package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"riven/harness/history"
)

// Counter decides whether additions of one that were told the value that they made (fetch-and-add) are linearizable,
// with any number of additions of unknown outcome. O(n log n), exact in both directions.
//
// The values leave no choice of the order: an acknowledged addition with the value v is the v-th that took effect. So
// the history is linearizable if and only if
//
//  1. no two acknowledged additions have the same value, and none has one below 1;
//  2. no addition was invoked after one with a higher value had returned: for each the lowest return among all that
//     come later in the order, a minimum over a suffix, is not before its invocation;
//  3. every value below the highest that nobody was told (a gap) is the work of an addition of unknown outcome, each
//     of which can make one. Such an addition has no return, so nothing must come after it, and it may take a gap if
//     it was invoked no later than the lowest return among those after the gap, the gap's deadline. Deadlines do not
//     fall as gaps rise. So if any assignment does, the one in which the k-th gap gets the k-th invocation does: two
//     that are the other way round can be exchanged, the earlier invocation meets the earlier deadline, and the later
//     one the later deadline.
//
// What is left of the unknown ones never took effect or did so at the end. Times that are equal leave both orders open.
func Counter(in Input) Check {
	p := in.promise(ClaimCounter)
	c := Check{Claim: ClaimCounter, Rule: p.Rule, Engine: "value order"}
	a, odd := in.additions()
	if odd != "" {
		return new(findings).close(c, odd, "")
	}
	lacking := ""
	if in.Incomparable {
		a.forgetTimes()
		lacking = "the nodes do not share a kernel, so the order in real time was not judged"
	}
	j := &counterJudge{in: in, additions: a, promise: p, ground: survey(in)}
	j.run()
	c.Detail = fmt.Sprintf("%s acknowledged, %d of unknown outcome, %d of those found by their values", plural(len(a.known), "addition", "additions"), len(a.unknown), j.used)
	return j.close(c, "", p.lack(lacking))
}

// addition is an add op that was not refused.
type addition struct {
	invoked, returned int64 // ns; only acknowledged ones have a return
	value             int64
	op                opSpan
}

type additions struct {
	known   []addition // acknowledged; by value
	unknown []addition // by invocation
}

// additions are the add ops; odd says why they are none that Counter can judge. One pass: a history is large.
func (in Input) additions() (a additions, odd string) {
	var (
		h       = in.History
		all     = make([]addition, 0, len(h)/2)
		pending = newPending(len(h)) // id → index in all
	)
	for i := range h {
		e := &h[i]
		if e.F != OpAdd {
			continue
		}
		if e.Type == history.Invoke {
			if e.N != 1 && odd == "" {
				odd = fmt.Sprintf("%s added %d: only additions of one are judged", e.Node, e.N)
			}
			pending.put(e.ID, int32(len(all)))
			all = append(all, addition{invoked: e.Time, op: opSpan{int32(i), open}})
			continue
		}
		if !e.Completes() {
			continue
		}
		if k := pending.take(e.ID); k != none {
			all[k].end(e, int32(i))
		}
	}
	a.known = all[:0]
	for i := range all {
		switch x := &all[i]; {
		case x.op.completed >= 0:
			a.known = append(a.known, *x)
		case x.op.completed != refused:
			a.unknown = append(a.unknown, *x)
		}
	}
	a.known = byValue(a.known, len(a.unknown))
	return a, odd
}

func (a *addition) end(e *history.Event, at int32) {
	switch e.Type {
	case history.OK:
		a.value, a.returned, a.op.completed = e.N, e.Time, at
	case history.Fail:
		a.op.completed = refused
	}
}

// byValue sorts. In a right history every value is told once and is no higher than there are additions: then each is put
// in its place, which is quicker.
func byValue(known []addition, unknown int) []addition {
	out := make([]addition, len(known)+unknown)
	for _, x := range known {
		if x.value < 1 || x.value > int64(len(out)) || out[x.value-1].value != 0 {
			slices.SortFunc(known, func(x, y addition) int {
				return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(x.op.invoked, y.op.invoked))
			})
			return known
		}
		out[x.value-1] = x
	}
	return slices.DeleteFunc(out, func(x addition) bool { return x.value == 0 })
}

// forgetTimes makes every op concurrent with every other one.
func (a additions) forgetTimes() {
	for _, list := range [][]addition{a.known, a.unknown} {
		for i := range list {
			list[i].invoked, list[i].returned = 0, math.MaxInt64
		}
	}
}

// counterJudge goes up the values.
type counterJudge struct {
	findings
	additions
	in      Input
	promise promise
	ground  *ground
	first   []int32 // first[i]: the position in known of the lowest return at i and above
	used    int     // of unknown: so many have taken a gap
}

func (j *counterJudge) run() {
	j.first = make([]int32, len(j.known)+1)
	j.first[len(j.known)] = -1
	for i := len(j.known) - 1; i >= 0; i-- {
		j.first[i] = int32(i)
		if k := j.first[i+1]; k >= 0 && j.known[k].returned < j.known[i].returned {
			j.first[i] = k
		}
	}
	last := int64(0)
	for i := range j.known {
		a := &j.known[i]
		switch {
		case a.value < 1:
			j.report(j.tooLow(a), a)
		case a.value == last:
			j.report(j.twice(&j.known[i-1], a), &j.known[i-1], a)
		default:
			j.gap(last, i)
		}
		if k := j.first[i+1]; k >= 0 && j.known[k].returned < a.invoked {
			j.report(j.late(a, &j.known[k]), &j.known[k], a)
		}
		last = max(last, a.value)
	}
}

// gap fills the values between last and that of position i.
func (j *counterJudge) gap(last int64, i int) {
	deadline := &j.known[j.first[i]]
	from, to := last+1, j.known[i].value-1
	for from <= to && j.used < len(j.unknown) && j.unknown[j.used].invoked <= deadline.returned {
		j.used++
		from++
	}
	if from <= to {
		j.report(j.missing(from, to, deadline), deadline)
	}
}

// report takes in what was seen; the sentence is only made when it is shown.
func (j *counterJudge) report(sentence func() string, about ...*addition) {
	n := Anomaly{Claim: ClaimCounter}
	var proof []int32
	n.From, n.To = math.MaxInt64, 0
	for _, a := range about {
		e := &j.in.History[a.op.invoked]
		proof = append(proof, a.op.invoked, a.op.completed)
		if !slices.Contains(n.Nodes, e.Node) {
			n.Nodes = append(n.Nodes, e.Node)
		}
		n.From, n.To = min(n.From, e.Time), max(n.To, j.in.History[a.op.completed].Time)
	}
	sort, why := j.ground.sort(j.promise, circumstance{nodes: n.Nodes, when: span{n.From, n.To}}, "")
	j.add(sort, "", "", func() Anomaly {
		n.Nodes = j.in.scene(int(about[0].op.completed), n.Nodes...)
		n.Sentence = fmt.Sprintf("%s; %s", sentence(), j.in.meanwhile(n.Nodes, span{n.From, n.To}))
		n.Proof, n.Hazard, n.Why = ordered(proof...), sort == hazard, why
		return n
	})
}

// tell says which addition it was.
func (j *counterJudge) tell(a *addition) string {
	zero := RunStart(j.in.History)
	invoked, completed := &j.in.History[a.op.invoked], &j.in.History[a.op.completed]
	return fmt.Sprintf("%s's addition from %s to %s (process %d)", invoked.Node, seconds(invoked.Time-zero), seconds(completed.Time-zero), invoked.Process)
}

func (j *counterJudge) tooLow(a *addition) func() string {
	return func() string {
		return fmt.Sprintf("%s was told %d, but a counter that starts at 0 makes 1 first", j.tell(a), a.value)
	}
}

func (j *counterJudge) twice(a, b *addition) func() string {
	return func() string { return fmt.Sprintf("%s and %s were both told %d", j.tell(a), j.tell(b), a.value) }
}

func (j *counterJudge) late(low, high *addition) func() string {
	return func() string {
		return fmt.Sprintf("%s was told %d, although it began when %s was over, which had been told %d", j.tell(low), low.value, j.tell(high), high.value)
	}
}

func (j *counterJudge) missing(from, to int64, above *addition) func() string {
	return func() string {
		values := fmt.Sprintf("the value %d", from)
		if from < to {
			values = fmt.Sprintf("the values %d to %d", from, to)
		}
		return fmt.Sprintf("nobody made %s: no addition was told so, and none of unknown outcome is left that began before the end of %s, which was told %d",
			values, j.tell(above), above.value)
	}
}
