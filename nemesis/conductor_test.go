package nemesis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

// TestConductor plays scripts: a plan in JSON, then lines of time and event; after each line the orders are printed.
func TestConductor(t *testing.T) {
	datadriven.Walk(t, "testdata/conductor", func(t *testing.T, path string) {
		var c *Conductor
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "plan":
				p, err := ParsePlan([]byte(d.Input))
				require.NoError(t, err)
				c = NewConductor(p, threeAndTwo())
				if err := p.Validate(c.View.Servers, c.View.Participants); err != nil {
					return err.Error() + "\n"
				}
				return ""
			case "play":
				var out strings.Builder
				for _, line := range strings.Split(d.Input, "\n") {
					play(t, c, line, &out)
				}
				return out.String()
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func threeAndTwo() *View {
	servers, participants := []string{"zk1", "zk2", "zk3"}, []string{"p1", "p2"}
	return NewView(servers, participants, map[string][]string{"p1": servers, "p2": servers})
}

// play reads "1.5s p1 acquire p1.1/1", "2s zk2 leader", "2s tick", "2s fired f1 p1", "9s finish" and prints the orders that follow.
func play(t *testing.T, c *Conductor, line string, out *strings.Builder) {
	w := strings.Fields(line)
	now, err := time.ParseDuration(w[0])
	require.NoError(t, err, line)
	e := history.Event{Time: int64(now), Node: w[1], Process: history.NoProcess}
	arg := func(i int) string {
		if i < len(w) {
			return w[i]
		}
		return ""
	}
	var orders []Order
	switch {
	case w[1] == "tick":
	case w[1] == "fired":
		orders = c.Fired(now, w[2], w[3], arg(4))
	case w[1] == "finish":
		orders = c.Finish()
	case w[1] == "rearm":
		c.Rearm(w[2])
	default:
		switch w[2] {
		case "acquire":
			e.Type, e.Op = history.OK, history.Op{F: "acquire", Hold: arg(3)}
		case "release", "work":
			e.Type, e.F = history.Invoke, w[2]
		case "leader", "follower", "none":
			e.Type, e.F = history.Role, w[2]
		case "exit":
			e.Type = history.Exit
		default: // a note: p1 connected zk2, p1 lost p1.1/1
			e.Type, e.Op = history.Note, history.Op{F: w[2], Text: arg(3), Hold: arg(3)}
		}
		c.Observe(now, &e)
	}
	if w[1] != "finish" {
		orders = append(orders, c.Poll(now)...)
	}
	for _, o := range orders {
		fmt.Fprintf(out, "%v %s %s", now, o.Act, o.Step.ID)
		if len(o.Nodes) > 0 {
			fmt.Fprintf(out, " in %v", o.Nodes)
		}
		if len(o.Resolved.Nodes) > 0 {
			fmt.Fprintf(out, " on %v", o.Resolved.Nodes)
		}
		for _, x := range o.Resolved.Edges {
			fmt.Fprintf(out, " %s→%s", x.From, x.To)
		}
		fmt.Fprintln(out)
	}
}
