package results

import (
	"cmp"
	"slices"

	"riven/harness/history"
)

// status is how an op ended; a worse one compares greater.
type status uint8

const (
	statusOK status = iota
	statusFail
	statusInfo
	statusOpen // never completed
)

var statusOf = map[history.Type]status{history.OK: statusOK, history.Fail: statusFail, history.Info: statusInfo}

// op is an invocation joined with its completion.
type op struct {
	history.Op
	interval
	Node   string
	Error  string
	Status status
}

// joinOps gives the ops of a sorted history in the order of their invocations. One that was never answered lasts until
// its process ended or the history does.
func joinOps(events []history.Event) []op {
	var ops []op
	open := map[int64]int{}
	end := span(events).To
	for _, e := range events {
		switch {
		case e.Type == history.Invoke:
			open[e.ID] = len(ops)
			ops = append(ops, op{Op: e.Op, interval: interval{e.Time, end}, Node: e.Node, Status: statusOpen})
		case e.Completes():
			i, known := open[e.ID]
			if !known {
				continue
			}
			delete(open, e.ID)
			complete(&ops[i], e)
		case e.Type == history.Exit:
			for _, i := range open {
				if ops[i].Node == e.Node {
					ops[i].To = min(ops[i].To, e.Time)
				}
			}
		}
	}
	return ops
}

// complete adds what the completion says; what it leaves out is the invocation's.
func complete(o *op, e history.Event) {
	o.To, o.Status, o.Error = e.Time, statusOf[e.Type], e.Error
	o.Hold, o.Text = cmp.Or(e.Hold, o.Hold), cmp.Or(e.Text, o.Text)
	o.Token, o.N = cmp.Or(e.Token, o.Token), cmp.Or(e.N, o.N)
}

// interval is a span of time in ns.
type interval struct{ From, To int64 }

// span is the time that a sorted history covers.
func span(events []history.Event) interval {
	if len(events) == 0 {
		return interval{}
	}
	s := interval{events[0].Time, events[len(events)-1].Time}
	for _, e := range events {
		s.To = max(s.To, e.End)
	}
	return s
}

// zero is the moment from which people count: the begin of the ops, which plans count from too.
func zero(events []history.Event) int64 {
	i := slices.IndexFunc(events, func(e history.Event) bool { return e.Type == history.Phase && e.F == history.PhaseOps })
	if i >= 0 {
		return events[i].Time
	}
	return span(events).From
}

// hold is one tenure by its owner's own account.
type hold struct {
	interval
	Node, Name string
	Token      int64
}

// holds are the tenures: from the acquire that came back to the release's invocation, the note that it is lost or the
// end of the process, whichever is first.
func holds(events []history.Event) []hold {
	var out []hold
	open := map[string]int{} // node → its hold
	end := func(node string, at int64) {
		if i, is := open[node]; is {
			out[i].To = at
			delete(open, node)
		}
	}
	last := span(events).To
	for _, e := range events {
		switch {
		case e.Type == history.OK && e.F == "acquire":
			end(e.Node, e.Time)
			open[e.Node] = len(out)
			out = append(out, hold{interval{e.Time, last}, e.Node, e.Hold, e.Token})
		case e.Type == history.Invoke && e.F == "release", e.Type == history.Exit,
			e.Type == history.Note && (e.F == history.NoteLost || e.F == history.NoteExpired):
			end(e.Node, e.Time)
		}
	}
	return out
}
