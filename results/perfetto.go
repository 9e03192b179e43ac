package results

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"riven/harness/history"
)

// traceEvent is one event of the Trace Event Format, which Perfetto and chrome://tracing read. Times are in µs.
type traceEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"` // X lasts, i is a moment, M names a track
	TS    float64        `json:"ts"`
	Dur   float64        `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Scope string         `json:"s,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

// Tracks of a node, and of the run.
const (
	trackStates = 1 // starts, roles, stalls
	trackNotes  = 2
	trackOps    = 10 // and one for each further process
)

// WritePerfetto writes the history as a trace: a process for each node, with a track for each process of ops, and one for the
// faults and the phases of the run. Anomalies are marked on the run's own track. Times count from the begin of the ops.
func (b *Bundle) WritePerfetto(w io.Writer) error {
	t := tracer{zero: zero(b.History), nodes: map[string]int{}}
	t.name(0, 0, "process_name", "run")
	t.name(0, trackStates, "thread_name", "phases")
	t.name(0, trackNotes, "thread_name", "anomalies")
	for _, n := range append(b.Spec.ServerNames(), b.Spec.ParticipantNames()...) {
		t.node(n)
	}
	t.ops(b.History)
	t.others(b.History)
	for i, f := range b.faults(t.zero) {
		t.name(0, trackOps+i, "thread_name", "fault "+f.ID)
		for _, r := range b.Receipts {
			if r.Step.ID == f.ID && r.Begin != 0 {
				t.lasting(0, trackOps+i, f.Fault, r.Begin, max(r.End, r.Begin), map[string]any{"status": f.Status, "nodes": f.Nodes, "seen": f.Seen})
			}
		}
	}
	if b.Verdict != nil {
		for _, a := range anomalies(*b.Verdict, false) {
			t.moment(0, trackNotes, "anomaly: "+a.Claim, a.From, map[string]any{"sentence": a.Sentence})
		}
	}
	out := bufio.NewWriter(w)
	if err := t.write(out); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

type tracer struct {
	zero   int64
	nodes  map[string]int
	events []traceEvent
}

func (t *tracer) at(ns int64) float64 { return float64(ns-t.zero) / 1000 }

func (t *tracer) name(pid, tid int, what, name string) {
	t.events = append(t.events, traceEvent{Name: what, Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": name}})
}

func (t *tracer) lasting(pid, tid int, name string, from, to int64, args map[string]any) {
	t.events = append(t.events, traceEvent{Name: name, Phase: "X", TS: t.at(from), Dur: float64(to-from) / 1000, PID: pid, TID: tid, Args: args})
}

func (t *tracer) moment(pid, tid int, name string, at int64, args map[string]any) {
	t.events = append(t.events, traceEvent{Name: name, Phase: "i", TS: t.at(at), PID: pid, TID: tid, Scope: "t", Args: args})
}

// node is the number of the node's process.
func (t *tracer) node(name string) int {
	pid, known := t.nodes[name]
	if !known {
		pid = len(t.nodes) + 1
		t.nodes[name] = pid
		t.name(pid, 0, "process_name", name)
		t.name(pid, trackStates, "thread_name", "states")
		t.name(pid, trackNotes, "thread_name", "notes and accesses")
	}
	return pid
}

// ops draws each op on the track of its process.
func (t *tracer) ops(events []history.Event) {
	process := map[int64]int{} // by op
	var tracks []int
	for _, e := range events {
		if e.Type == history.Invoke {
			process[e.ID] = e.Process
			if !slices.Contains(tracks, e.Process) {
				tracks = append(tracks, e.Process)
				t.name(t.node(e.Node), trackOps+e.Process, "thread_name", fmt.Sprintf("process %d", e.Process))
			}
		}
	}
	invoked := 0
	ops := joinOps(events)
	for _, e := range events {
		if e.Type != history.Invoke {
			continue
		}
		o := ops[invoked] // in the order of invocations
		invoked++
		args := map[string]any{"status": statusNames[o.Status]}
		for _, x := range []struct{ name, text string }{{"key", o.Key}, {"hold", o.Hold}, {"error", o.Error}, {"text", o.Text}} {
			if x.text != "" {
				args[x.name] = x.text
			}
		}
		if o.Token != 0 {
			args["token"] = o.Token
		}
		if o.N != 0 {
			args["n"] = o.N
		}
		t.lasting(t.node(o.Node), trackOps+process[e.ID], o.F, o.From, o.To, args)
	}
}

var statusNames = map[status]string{statusOK: "ok", statusFail: "fail", statusInfo: "info", statusOpen: "open"}

func (t *tracer) others(events []history.Event) {
	for _, e := range events {
		switch e.Type {
		case history.Phase:
			t.moment(0, trackStates, "phase "+e.F, e.Time, nil)
		case history.Stall:
			t.lasting(t.node(e.Node), trackStates, "stall", e.Time, max(e.End, e.Time), map[string]any{"text": e.Text})
		case history.Start, history.Exit, history.Role:
			t.moment(t.node(e.Node), trackStates, eventWords(e), e.Time, nil)
		case history.Note, history.Access:
			args := map[string]any{}
			if e.Hold != "" {
				args["hold"] = e.Hold
			}
			if e.Token != 0 {
				args["token"] = e.Token
			}
			t.moment(t.node(e.Node), trackNotes, eventWords(e), e.Time, args)
		}
	}
}

func (t *tracer) write(out *bufio.Writer) error {
	if _, err := out.WriteString(`{"displayTimeUnit":"ms","traceEvents":[` + "\n"); err != nil {
		return err
	}
	for i, e := range t.events {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if i < len(t.events)-1 {
			line = append(line, ',')
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	_, err := out.WriteString("]}\n")
	return err
}
