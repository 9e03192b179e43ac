package checkers

import (
	"riven/harness/history"
)

// Positions of completions.
const (
	open    = -1 // of an op that never had one
	refused = -2 // of one that did nothing, where nobody wants to know more
)

// opSpan is the positions of an op's invocation and completion.
type opSpan struct{ invoked, completed int32 }

// ops are those of the history in order of their invocation.
func (in Input) ops() []opSpan {
	r := in.readings()
	if r.ops == nil {
		r.ops = opsOf(in.History)
	}
	return r.ops
}

func opsOf(h []history.Event) []opSpan {
	out := make([]opSpan, 0, len(h)/4)
	pending := newPending(len(h)) // id → index in out
	for i := range h {
		e := &h[i]
		switch {
		case e.Type == history.Invoke:
			pending.put(e.ID, int32(len(out)))
			out = append(out, opSpan{int32(i), open})
		case e.Completes():
			if k := pending.take(e.ID); k != none {
				out[k].completed = int32(i)
			}
		}
	}
	return out
}

// pending finds the op that is under way by its id. Ids that are no more than there are events, as in every history of a run, cost
// no look-up.
type pending struct {
	dense  []int32 // id → index + 1
	sparse map[int64]int32
}

func newPending(events int) pending { return pending{make([]int32, events+1), map[int64]int32{}} }

func (p pending) put(id int64, at int32) {
	if id >= 0 && id < int64(len(p.dense)) {
		p.dense[id] = at + 1
		return
	}
	p.sparse[id] = at + 1
}

func (p pending) take(id int64) int32 {
	if id >= 0 && id < int64(len(p.dense)) {
		at := p.dense[id] - 1
		p.dense[id] = 0
		return at
	}
	at := p.sparse[id] - 1
	delete(p.sparse, id)
	return at
}

// phase is the position of the beginning of a phase.
func phase(h []history.Event, name string) (int32, bool) {
	for i := range h {
		if h[i].Type == history.Phase && h[i].F == name {
			return int32(i), true
		}
	}
	return 0, false
}

// lastList is the last list op that was invoked after a position and succeeded.
func lastList(h []history.Event, ops []opSpan, after int32) (opSpan, bool) {
	for k := len(ops) - 1; k >= 0 && ops[k].invoked > after; k-- {
		if o := ops[k]; h[o.invoked].F == OpList && o.completed != open && h[o.completed].Type == history.OK {
			return o, true
		}
	}
	return opSpan{}, false
}
