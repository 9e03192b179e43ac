package results

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/nemesis"
)

func TestElectionsAndRecoveries(t *testing.T) {
	role := func(at int64, node, role string) history.Event {
		return history.Event{Time: at * ms, Type: history.Role, Node: node, Process: history.NoProcess, Op: history.Op{F: role}}
	}
	op := func(from, to int64, id int64, end history.Type) []history.Event {
		return []history.Event{{Time: from * ms, Type: history.Invoke, ID: id, Node: "p1"}, {Time: to * ms, Type: end, ID: id, Node: "p1"}}
	}
	events := []history.Event{
		role(1, "zk1", "leader"), role(2, "zk2", "follower"),
		{Time: 10 * ms, Type: history.Exit, Node: "zk1", Process: history.NoProcess}, role(11, "zk2", "none"), role(310, "zk2", "leader"),
		role(400, "zk2", "none"), role(450, "zk2", "leader"),
	}
	events = append(events, op(90, 500, 1, history.OK)...)
	events = append(events, op(100, 120, 2, history.Fail)...)
	events = append(events, op(130, 400, 3, history.OK)...)
	events = append(events, op(140, 150, 4, history.OK)...)
	events = history.Sorted(events)
	require.Equal(t, []float64{300, 50}, elections(events))
	fault := func(end int64, s nemesis.Status) nemesis.Receipt { return nemesis.Receipt{Status: s, End: end * ms} }
	require.Equal(t, []float64{50, 10}, recoveries(events, []nemesis.Receipt{
		fault(100, nemesis.Applied), fault(100, nemesis.Unmet), fault(140, nemesis.Applied), fault(141, nemesis.Applied), {Status: nemesis.Applied},
	}))
}
