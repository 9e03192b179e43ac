package run

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"riven/clusters"
	"riven/harness/history"
	"riven/workloads"
)

// TestDispatcher plays what participants do, line by line, and prints what the dispatcher hands out.
func TestDispatcher(t *testing.T) {
	datadriven.Walk(t, "testdata/dispatcher", func(t *testing.T, path string) {
		var out strings.Builder
		var d *dispatcher
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			out.Reset()
			if td.Cmd == "participants" {
				d = newDispatcher(strings.Fields(td.Input), func(node string, inv clusters.Invocation) error {
					fmt.Fprintf(&out, "%s: op %d of process %d: %s\n", node, inv.ID, inv.Process, inv.Op.F)
					return nil
				}, func(node string, err error) { fmt.Fprintf(&out, "%s broken: %v\n", node, err) })
				streams := map[string]workloads.Stream{}
				for _, p := range strings.Fields(td.Input) {
					streams[p] = &numbers{}
				}
				d.start(streams)
				return out.String()
			}
			for _, line := range strings.Split(td.Input, "\n") {
				act(t, &out, d, strings.Fields(line))
			}
			return out.String()
		})
	})
}

// numbers is a stream of op1, op2, …
type numbers struct{ n int }

func (s *numbers) Next() history.Op {
	s.n++
	return history.Op{F: "op" + strconv.Itoa(s.n)}
}

func (s *numbers) Rest() []history.Op { return []history.Op{{F: "rest"}} }

// act reads "p1 ready", "p1 exit", "p1 invoke 1", "p1 ok 1", "p1 ok 1 after 20ms", "p1 info 1", "p1 returned 2", "p1 does 16 after 3ms", "p1 add",
// "p1 idle", "all finish". Every op is invoked at the time 0.
func act(t *testing.T, out *strings.Builder, d *dispatcher, w []string) {
	e := history.Event{Node: w[0]}
	if len(w) > 2 {
		id, err := strconv.ParseInt(w[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.ID = id
	}
	if len(w) > 4 {
		after, err := time.ParseDuration(w[4])
		if err != nil {
			t.Fatal(err)
		}
		e.Time = after.Nanoseconds()
	}
	switch w[1] {
	case "finish":
		d.finish()
		return
	case "add":
		d.add(w[0], history.Op{F: "added"})
		return
	case "idle":
		fmt.Fprintf(out, "%s idle: %v\n", w[0], d.idle(w[0]))
		return
	case "does": // so many ops in turn, each ok after that time
		for range e.ID {
			id := d.nodes[w[0]].out[0].id
			d.observe(&history.Event{Node: w[0], Type: history.Invoke, ID: id})
			d.observe(&history.Event{Node: w[0], Type: history.OK, ID: id, Time: e.Time})
		}
		return
	case "ready":
		e.Type, e.F = history.Note, history.NoteReady
	case "returned":
		d.returned(w[0], e.ID)
		return
	default:
		e.Type = history.Type(w[1])
	}
	d.observe(&e)
}
