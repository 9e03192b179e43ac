package results

import (
	"fmt"
	"slices"

	"riven/checkers"
	"riven/harness/history"
	"riven/nemesis"
)

// Failover is what came of the kill of a leading server, in ms from its exit. Zero: it was not seen before the end.
type Failover struct {
	Leader  float64 `json:"leader,omitempty"`  // until a server said that it leads, as its agent saw it
	Serving float64 `json:"serving,omitempty"` // until the first write that was invoked after the exit had gone well
}

// ensembleWrites are the ops that go well as soon as the ensemble commits something, and not before. A follower may
// answer reads until it notices that its leader is gone, an acquisition also waits for the holder, and writes of the
// election workload go to a journal.
var ensembleWrites = []string{checkers.OpAdd, checkers.OpPut}

// failovers are those of the kills that hit the leader and left a majority, in the order of the faults.
func failovers(events []history.Event, receipts []nemesis.Receipt) (out []Failover) {
	var ops []op
	for _, r := range receipts {
		died, hit := leaderDied(events, r)
		if !hit || nobodyServed(r.Expect) {
			continue
		}
		if ops == nil {
			ops = joinOps(events)
		}
		var f Failover
		next := slices.IndexFunc(events, func(e history.Event) bool {
			return e.Time > died && e.Type == history.Role && e.F == "leader"
		})
		if next >= 0 {
			f.Leader = milliseconds(events[next].Time - died)
		}
		for _, o := range ops {
			if o.From < died || o.Status != statusOK || !slices.Contains(ensembleWrites, o.F) {
				continue
			}
			if took := milliseconds(o.To - died); f.Serving == 0 || took < f.Serving {
				f.Serving = took
			}
		}
		out = append(out, f)
	}
	return out
}

// nobodyServed tells of a fault that was to leave nobody service: what came then came of its end.
func nobodyServed(x nemesis.Expect) bool { return len(x.Stalls) > 0 && len(x.Serves) == 0 }

// leaderDied is when the server that led before the fault exited, if the fault killed it.
func leaderDied(events []history.Event, r nemesis.Receipt) (at int64, hit bool) {
	if r.Step.Fault.Kind != nemesis.Kill {
		return 0, false
	}
	leader := ""
	for _, e := range events {
		switch {
		case e.Time < r.BeginFrom && e.Type == history.Role && e.F == "leader":
			leader = e.Node
		case e.Time < r.BeginFrom && e.Node == leader && (e.Type == history.Role || e.Type == history.Exit):
			leader = ""
		case e.Time >= r.BeginFrom && e.Type == history.Exit && e.Node == leader:
			gone := slices.ContainsFunc(r.Processes, func(p nemesis.ProcessReceipt) bool { return p.Node == leader && p.Gone })
			return e.Time, gone
		}
	}
	return 0, false
}

// distribution says how many of the times, in ms, were seen, and of those the least, the median and the 90th percentile
// (by nearest rank) and the most; nil if none was.
func distribution(times []float64) []string {
	seen := slices.DeleteFunc(slices.Clone(times), func(t float64) bool { return t == 0 })
	if len(seen) == 0 {
		return nil
	}
	slices.Sort(seen)
	rank := func(percent int) float64 { return seen[(len(seen)*percent+99)/100-1] }
	out := []string{fmt.Sprintf("%d of %d", len(seen), len(times))}
	for _, t := range []float64{seen[0], rank(50), rank(90), seen[len(seen)-1]} {
		out = append(out, fmt.Sprintf("%.0f ms", t))
	}
	return out
}

// failoverRows are the two distributions, for a table. One in which nothing was seen has no row: most workloads have no
// op to tell the second by.
func failoverRows(list []Failover) (rows [][]string) {
	var leader, serving []float64
	for _, f := range list {
		leader, serving = append(leader, f.Leader), append(serving, f.Serving)
	}
	for _, r := range []struct {
		name  string
		times []float64
	}{{"to the next leader", leader}, {"to the next write", serving}} {
		if d := distribution(r.times); d != nil {
			rows = append(rows, append([]string{r.name}, d...))
		}
	}
	return rows
}
