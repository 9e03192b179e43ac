package results

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/nemesis"
)

func TestFailovers(t *testing.T) {
	role := func(at int64, node, role string) history.Event {
		return history.Event{Time: at * ms, Type: history.Role, Node: node, Process: history.NoProcess, Op: history.Op{F: role}}
	}
	exit := func(at int64, node string) history.Event {
		return history.Event{Time: at * ms, Type: history.Exit, Node: node, Process: history.NoProcess}
	}
	op := func(f string, from, to, id int64, end history.Type) []history.Event {
		return []history.Event{
			{Time: from * ms, Type: history.Invoke, ID: id, Node: "p1", Op: history.Op{F: f}},
			{Time: to * ms, Type: end, ID: id, Node: "p1", Op: history.Op{F: f}},
		}
	}
	events := []history.Event{
		role(1, "zk1", "leader"),
		role(101, "zk1", "none"), exit(102, "zk1"), role(402, "zk2", "leader"), // the agent may see no role before the exit
		exit(600, "zk3"), // a follower
		exit(800, "zk2"), // the last leader, and no other one comes
	}
	events = append(events, op(checkers.OpAdd, 90, 150, 1, history.OK)...)   // invoked before
	events = append(events, op(checkers.OpRead, 110, 120, 2, history.OK)...) // needs no leader
	events = append(events, op(checkers.OpAdd, 110, 130, 3, history.Info)...)
	events = append(events, op(checkers.OpAdd, 120, 552, 4, history.OK)...)
	events = append(events, op(checkers.OpAdd, 420, 502, 5, history.OK)...)
	events = history.Sorted(events)
	kill := func(at int64, node string, gone bool) nemesis.Receipt {
		return nemesis.Receipt{
			Step: nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.Kill}}, BeginFrom: at * ms,
			Processes: []nemesis.ProcessReceipt{{Node: node, Gone: gone}},
		}
	}
	paused := kill(100, "zk1", true)
	paused.Step.Fault.Kind = nemesis.Pause
	last := kill(100, "zk1", true)
	last.Expect.Stalls = []string{"p1"}
	got := failovers(events, []nemesis.Receipt{last, kill(100, "zk1", true), paused, kill(100, "zk1", false), kill(599, "zk3", true), kill(799, "zk2", true)})
	require.Equal(t, []Failover{{Leader: 300, Serving: 400}, {}}, got)
	require.Equal(t, [][]string{
		{"to the next leader", "1 of 2", "300 ms", "300 ms", "300 ms", "300 ms"},
		{"to the next write", "1 of 2", "400 ms", "400 ms", "400 ms", "400 ms"},
	}, failoverRows(got))
	require.Nil(t, failoverRows([]Failover{{}}))
	require.Equal(t, []string{"10 of 11", "1 ms", "5 ms", "9 ms", "10 ms"}, distribution([]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}))
}
