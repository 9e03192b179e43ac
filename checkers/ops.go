package checkers

import (
	"riven/harness/history"
)

// open is the position of the completion that an op never had.
const open = -1

// opSpan is the positions of an op's invocation and completion.
type opSpan struct{ invoked, completed int32 }

// opsOf are the ops of a history in order of their invocation.
func opsOf(h []history.Event) []opSpan {
	var out []opSpan
	pending := map[int64]int{} // id → index in out
	for i := range h {
		e := &h[i]
		switch {
		case e.Type == history.Invoke:
			pending[e.ID] = len(out)
			out = append(out, opSpan{int32(i), open})
		case e.Completes():
			if k, ok := pending[e.ID]; ok {
				out[k].completed = int32(i)
				delete(pending, e.ID)
			}
		}
	}
	return out
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
