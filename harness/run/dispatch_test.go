package run

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"riven/clusters"
	"riven/harness/history"
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
				n := 0
				d.supplyFrom(func(string) (history.Op, bool) {
					n++
					return history.Op{F: "op" + strconv.Itoa(n)}, true
				}, strings.Fields(td.Input))
				return out.String()
			}
			for _, line := range strings.Split(td.Input, "\n") {
				act(t, d, strings.Fields(line))
			}
			return out.String()
		})
	})
}

// act reads "p1 ready", "p1 exit", "p1 invoke 1", "p1 ok 1", "p1 info 1", "p1 returned 2".
func act(t *testing.T, d *dispatcher, w []string) {
	e := history.Event{Node: w[0]}
	if len(w) > 2 {
		id, err := strconv.ParseInt(w[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.ID = id
	}
	switch w[1] {
	case "ready":
		e.Type, e.F = history.Note, history.NoteReady
	case "returned":
		d.returned(w[0], e.ID)
		return
	default:
		e.Type = history.Type(w[1])
	}
	d.observe(e)
}
