package checkers

import (
	"fmt"
	"slices"
	"strings"

	"riven/harness/history"
	"riven/nemesis"
)

// maxTold is how many faults a sentence names.
const maxTold = 3

// faultBegins is the F of a Fault event at a fault's begin.
const faultBegins = "begin"

// span is a closed stretch of time in ns.
type span struct{ from, to int64 }

func (s span) meets(o span) bool { return s.from <= o.to && o.from <= s.to }

// inForce is the time in which a fault may have had an effect, whatever became of it; ok is false for one that never began.
func inForce(r *nemesis.Receipt, end int64) (s span, ok bool) {
	s = span{r.BeginFrom, r.EndBy}
	if s.from == 0 {
		s.from = r.Begin
	}
	if s.to == 0 {
		s.to = max(r.End, end)
	}
	return s, s.from != 0
}

// faults are the receipts, and for a fault that began and has none, as in a run that was cut short, what its event tells.
func (in Input) faults() []nemesis.Receipt {
	out := slices.Clone(in.Receipts)
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.Fault || e.F != faultBegins {
			continue
		}
		step := slices.IndexFunc(in.Plan.Steps, func(s nemesis.Step) bool { return s.ID == e.Key })
		told := slices.ContainsFunc(in.Receipts, func(r nemesis.Receipt) bool {
			return r.Step.ID == e.Key && r.BeginFrom <= e.Time && (e.Time <= r.EndBy || r.EndBy == 0)
		})
		if step >= 0 && !told {
			out = append(out, nemesis.Receipt{Step: in.Plan.Steps[step], Nodes: []string{e.Node}, BeginFrom: e.Time, Begin: e.End})
		}
	}
	return out
}

// hits tells whether the fault was aimed at the node or did something to its processes.
func hits(r *nemesis.Receipt, node string) bool {
	return slices.Contains(r.Nodes, node) ||
		slices.ContainsFunc(r.Processes, func(p nemesis.ProcessReceipt) bool { return p.Node == node })
}

// meanwhile tells which faults were in force: those on the nodes if there were any, else all others.
func (in Input) meanwhile(nodes []string, when span) string {
	var near, far []string
	end := runEnd(in.History)
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		s, ok := inForce(r, end)
		if !ok || !s.meets(when) {
			continue
		}
		said := in.tell(r, s)
		if slices.ContainsFunc(nodes, func(n string) bool { return hits(r, n) }) {
			near = append(near, said)
		} else {
			far = append(far, said)
		}
	}
	told := near
	if len(told) == 0 {
		told = far
	}
	if len(told) == 0 {
		return "no fault was in force"
	}
	if more := len(told) - maxTold; more > 0 {
		told = append(told[:maxTold:maxTold], fmt.Sprintf("and %d more faults", more))
	}
	return strings.Join(told, ", ")
}

// tell says what a fault did, to whom and when.
func (in Input) tell(r *nemesis.Receipt, s span) string {
	zero := RunStart(in.History)
	who := strings.Join(r.Nodes, " and ")
	if who == "" {
		who = r.Step.Fault.Target.Node + string(r.Step.Fault.Target.Role)
	}
	verb := "was"
	if len(r.Nodes) > 1 {
		verb = "were"
	}
	return fmt.Sprintf("%s %s %s from %s to %s", who, verb, doneTo(r.Step.Fault), seconds(s.from-zero), seconds(s.to-zero))
}

// doneTo is the participle of a fault.
func doneTo(f nemesis.Fault) string {
	switch f.Kind {
	case nemesis.Pause:
		return "paused"
	case nemesis.Kill:
		return "down after a kill"
	case nemesis.MonoRate:
		return fmt.Sprintf("with a monotonic clock at rate %v", f.Rate)
	case nemesis.Clock:
		return skewed(f)
	case nemesis.LoseReply:
		return "losing replies to " + f.Op
	case nemesis.Slow:
		return fmt.Sprintf("slow by %v", f.Delay.D())
	case nemesis.Partition:
		return partitioned(f.Shape)
	}
	return "under " + string(f.Kind)
}

// skewed says what a wall clock was made to do.
func skewed(f nemesis.Fault) string {
	var said []string
	if f.Jump != 0 {
		said = append(said, fmt.Sprintf("by %v", f.Jump.D()))
	}
	if f.Rate != 0 {
		said = append(said, fmt.Sprintf("at rate %v", f.Rate))
	}
	return "with a wall clock skewed " + strings.Join(said, " and ")
}

func partitioned(s nemesis.Shape) string {
	switch s {
	case nemesis.Isolate:
		return "isolated from all others"
	case nemesis.FromPeers:
		return "cut from the other servers"
	case nemesis.FromServer:
		return "cut from its server"
	case nemesis.FromServers:
		return "cut from all servers"
	case nemesis.OneWayIn:
		return "deaf to the other servers"
	case nemesis.OneWayOut:
		return "unheard by the other servers"
	case nemesis.FromNodes:
		return "cut from some others"
	case nemesis.Halves:
		return "in the smaller half"
	}
	return "partitioned"
}

// scene is the nodes together with the servers that they were connected to before the event at position i.
func (in Input) scene(i int, nodes ...string) []string {
	out := slices.Clone(nodes)
	for _, n := range nodes {
		if s := in.serverOf(n, i); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// serverOf is the server that the participant last said it was connected to before the event at position i.
func (in Input) serverOf(node string, i int) string {
	for ; i >= 0; i-- {
		e := &in.History[i]
		if e.Type == history.Note && e.F == history.NoteConnected && e.Node == node {
			return e.Text
		}
	}
	return ""
}
