package results

import (
	"slices"
	"time"

	"riven/harness/history"
	"riven/nemesis"
)

func milliseconds(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }

// elections are the times without a leader, in ms.
func elections(events []history.Event) (out []float64) {
	leader, ended := "", int64(0)
	for _, e := range events {
		leads := e.Type == history.Role && e.F == "leader"
		switch {
		case leads:
			if ended != 0 {
				out = append(out, milliseconds(e.Time-ended))
			}
			leader, ended = e.Node, 0
		case e.Node == leader && (e.Type == history.Exit || e.Type == history.Role):
			leader, ended = "", e.Time
		}
	}
	return out
}

// recoveries are the times, in ms, from the end of each fault that had an effect to the completion of the first op
// that was invoked after it and went well, in the order of the faults.
func recoveries(events []history.Event, receipts []nemesis.Receipt) (out []float64) {
	type done struct{ from, first int64 } // first is the earliest end of the ops invoked at from or later
	var ops []done
	for _, o := range joinOps(events) {
		if o.Status == statusOK {
			ops = append(ops, done{o.From, o.To})
		}
	}
	for i := len(ops) - 2; i >= 0; i-- {
		ops[i].first = min(ops[i].first, ops[i+1].first)
	}
	for _, r := range receipts {
		if r.Status != nemesis.Applied || r.End == 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(ops, r.End, func(d done, at int64) int {
			if d.from < at {
				return -1
			}
			return 1
		})
		if i < len(ops) {
			out = append(out, milliseconds(ops[i].first-r.End))
		}
	}
	return out
}
