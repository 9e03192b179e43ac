package checkers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"riven/harness/history"
	"riven/nemesis"
)

// RoundTripMargin is the longest time that an access may take between its request's arrival at the agent and the
// handing over of the reply. What took longer, with no fault to explain it, says more about the harness than about a recipe.
const RoundTripMargin = 500 * time.Millisecond

// accessLog is the resource's own record of a run.
type accessLog struct {
	in       Input
	accepted []recorded // in the resource's order
	holds    int        // numbers of holds, from 0
	rejected int
	mixed    bool    // two incarnations used one hold
	broken   string  // why the record can not be relied on
	missing  string  // what the record lacks
	answers  []int32 // this and the rest: made when first needed
	exits    map[incarnation]int64
	faults   []nemesis.Receipt
}

// recorded is an access in short, so that the order of a million of them is found without going through a history of gigabytes.
type recorded struct {
	seq  int64
	at   int32 // position in the history
	hold int32 // number of the hold, or rejected
}

const rejected = -1

// incarnation is one start of a node's child.
type incarnation struct {
	node string
	n    int
}

func of(e *history.Event) incarnation { return incarnation{e.Node, e.Incarnation} }

func (i incarnation) String() string { return fmt.Sprintf("%s.%d", i.node, i.n) }

// accesses are the resource's own record.
func (in Input) accesses() *accessLog {
	r := in.readings()
	if r.accesses == nil {
		r.accesses = readAccesses(in)
	}
	return r.accesses
}

func readAccesses(in Input) *accessLog {
	l := &accessLog{in: in}
	if sound := l.scan(); !sound {
		slices.SortFunc(l.accepted, func(a, b recorded) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.at, b.at)) })
		l.broken = l.findBroken()
	}
	l.missing = l.findMissing()
	decided := len(l.accepted)
	l.accepted = slices.DeleteFunc(l.accepted, func(a recorded) bool { return a.hold == rejected })
	l.rejected = decided - len(l.accepted)
	return l
}

// scan takes all accesses in, the rejected ones too; sound if they have the resource's order and are not broken.
func (l *accessLog) scan() (sound bool) {
	h := l.in.History
	l.accepted = make([]recorded, 0, len(h)/4)
	holds := newHoldTable(h)
	var before *history.Event // the accepted one before
	var number int32
	sound = true
	last := int64(0)
	for i := range h {
		e := &h[i]
		if e.Type != history.Access {
			continue
		}
		sound = sound && e.Seq > last && e.Hold != ""
		last = e.Seq
		if e.Rejected {
			l.accepted = append(l.accepted, recorded{e.Seq, int32(i), rejected})
			continue
		}
		if before == nil || before.Hold != e.Hold {
			number = holds.number(int32(i))
			before = &h[holds.first[number]]
		}
		l.mixed = l.mixed || of(before) != of(e)
		before = e
		l.accepted = append(l.accepted, recorded{e.Seq, int32(i), number})
	}
	l.holds = len(holds.first)
	return sound
}

// bySeq are the positions of the events of a type in order of Seq.
func bySeq(h []history.Event, t history.Type) []int32 {
	n := 0
	for i := range h {
		if h[i].Type == t {
			n++
		}
	}
	out := make([]int32, 0, n)
	for i := range h {
		if h[i].Type == t {
			out = append(out, int32(i))
		}
	}
	order := func(a, b int32) int { return cmp.Or(cmp.Compare(h[a].Seq, h[b].Seq), cmp.Compare(a, b)) }
	if !slices.IsSortedFunc(out, order) {
		slices.SortFunc(out, order)
	}
	return out
}

// counted is the record in numbers.
func (l *accessLog) counted() string {
	return fmt.Sprintf("%s accepted, %d rejected", plural(len(l.accepted), "access", "accesses"), l.rejected)
}

// findBroken looks for what a sound record can not hold; accepted still has every access.
func (l *accessLog) findBroken() string {
	var before *history.Event
	for _, a := range l.accepted {
		e := &l.in.History[a.at]
		switch {
		case e.Seq < 1:
			return fmt.Sprintf("an access of %s has no number", e.Node)
		case e.Hold == "":
			return fmt.Sprintf("access %d of %s names no hold", e.Seq, e.Node)
		case before != nil && before.Seq == e.Seq:
			return fmt.Sprintf("two accesses have the number %d", e.Seq)
		}
		before = e
	}
	return ""
}

// findMissing counts the numbers that the resource gave out and nobody recorded; accepted still has every access.
func (l *accessLog) findMissing() string {
	if len(l.accepted) == 0 {
		return ""
	}
	last := l.accepted[len(l.accepted)-1].seq
	if lost := last - int64(len(l.accepted)); lost > 0 {
		return fmt.Sprintf("%d of the resource's %d accesses are not in the history", lost, last)
	}
	return ""
}

// slow says what is wrong with the round trips of the accesses at these positions; empty if all were quick or are explained.
func (l *accessLog) slow(positions ...int32) string {
	for _, i := range positions {
		e := &l.in.History[i]
		end, how := l.answered(e)
		if took := end - e.Time; took > int64(RoundTripMargin) && !l.explained(e.Node, span{e.Time, end}) {
			return fmt.Sprintf("access %d of %s %s %s after its request, and nothing was done to %s then", e.Seq, e.Node, how, seconds(took), e.Node)
		}
	}
	return ""
}

// answered is when the reply to an access was handed over, or when there was nobody left to hand it to.
func (l *accessLog) answered(e *history.Event) (at int64, how string) {
	h := l.in.History
	if l.exits == nil {
		l.answers = bySeq(h, history.Answer)
		l.exits = l.in.exits()
		l.faults = l.in.faults()
	}
	i, found := slices.BinarySearchFunc(l.answers, e.Seq, func(i int32, seq int64) int { return cmp.Compare(h[i].Seq, seq) })
	if found {
		return h[l.answers[i]].Time, "was answered"
	}
	if at, dead := l.exits[of(e)]; dead {
		return at, "was not answered until the participant's end,"
	}
	return runEnd(h), "was not answered until the run's end,"
}

// explained tells whether the node's processes were killed or stopped at that time. Partitions do not reach the stream
// between agent and harness, so they explain nothing.
func (l *accessLog) explained(node string, when span) bool {
	end := runEnd(l.in.History)
	return slices.ContainsFunc(l.faults, func(r nemesis.Receipt) bool {
		s, ok := inForce(&r, end)
		stops := r.Step.Fault.Kind == nemesis.Kill || r.Step.Fault.Kind == nemesis.Pause
		return ok && stops && hits(&r, node) && s.meets(when)
	})
}

// exits are the times at which incarnations ended.
func (in Input) exits() map[incarnation]int64 {
	r := in.readings()
	if r.exits != nil {
		return r.exits
	}
	r.exits = map[incarnation]int64{}
	for i := range in.History {
		if e := &in.History[i]; e.Type == history.Exit {
			r.exits[of(e)] = e.Time
		}
	}
	return r.exits
}

// access says which access it was.
func access(e *history.Event) string {
	if e.Token == 0 {
		return fmt.Sprintf("access %d, no token", e.Seq)
	}
	return fmt.Sprintf("access %d, token %d", e.Seq, e.Token)
}
