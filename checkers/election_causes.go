package checkers

import (
	"strings"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// lead is the time in which a controller was active by its own account. Its end may be unknown to the node: then it lasts to the node's
// end, or to the end of the run.
type lead struct {
	node     string
	epoch    int64
	from, to int64
}

func leadsOf(h []history.Event) (leads []lead) {
	open := map[string]int{} // node → index
	for i := range h {
		e := &h[i]
		switch {
		case e.Type == history.Note && e.F == history.NoteElected:
			open[e.Node] = len(leads)
			leads = append(leads, lead{e.Node, e.Token, e.Time, runEnd(h)})
		case e.Type == history.Exit, e.Type == history.Note && e.F == history.NoteDeposed:
			if k, is := open[e.Node]; is {
				leads[k].to = e.Time
				delete(open, e.Node)
			}
		}
	}
	return leads
}

// mustEnd tells which cause a fault is of the end of the term in which it came; empty: the term may go on. A fault counts only for as long
// as no other one begins or ends.
func (in Input) mustEnd(r *nemesis.Receipt, t lead) string {
	when := in.undisturbed(r)
	long := when.to - when.from
	session := in.Spec.Timing.Session.D()
	f := r.Step.Fault
	cut := f.Kind == nemesis.Partition && (f.Shape == nemesis.FromServers || f.Shape == nemesis.Isolate)
	switch node := r.Nodes[0]; {
	case node == t.node && f.Kind == nemesis.Kill:
		return wasKilled
	case node == t.node && f.Kind == nemesis.Pause && in.outlasts(r):
		return "was paused beyond its session"
	case node == t.node && cut && in.outlasts(r):
		return "was cut off beyond its session"
	case spec.RoleOf(node) == "service" && strings.TrimPrefix(node, "service") == strings.TrimPrefix(t.node, "controller"):
		// A monitor probes every quarter of a session timeout and waits for half of one.
		hangs := f.Kind == nemesis.Pause || f.Kind == nemesis.Partition && f.Shape == nemesis.Isolate || f.Kind == nemesis.Slow && f.Delay.D() > session/2+100*time.Millisecond
		if f.Kind == nemesis.Kill && long > int64(session) || hangs && long > int64(session) {
			return "lost its service"
		}
	}
	return ""
}

const (
	electionsAfter = "elections after the active "
	wasKilled      = "was killed"
)

// electionCauses are the elections that the faults of the run must have brought about: one with a later epoch, after each fault that
// ends a term by its nature and came in one.
func (in Input) electionCauses() (floors []Floor) {
	leads := leadsOf(in.History)
	last := lastReceipts(in)
	for _, s := range in.Plan.Steps {
		r := last[s.ID]
		if r == nil || r.Status != nemesis.Applied || len(r.Nodes) == 0 {
			continue
		}
		for _, t := range leads {
			if t.from >= r.BeginFrom || t.to < r.BeginFrom {
				continue
			}
			cause := in.mustEnd(r, t)
			if cause == "" {
				continue
			}
			followed := 0
			for _, n := range leads {
				if n.from > r.BeginFrom && n.epoch > t.epoch {
					followed = 1
				}
			}
			floors = count(floors, electionsAfter+cause, 1, followed)
		}
	}
	return floors
}

// count adds to the floor of that name.
func count(floors []Floor, name string, want, got int) []Floor {
	for i := range floors {
		if floors[i].Name == name {
			floors[i].Want += want
			floors[i].Got += got
			return floors
		}
	}
	return append(floors, Floor{Name: name, Want: want, Got: got})
}
