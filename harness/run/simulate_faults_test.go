package run

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// TestSimulatedFaults makes one run for every fault there is: each has a receipt that says that it had its effect.
func TestSimulatedFaults(t *testing.T) {
	after := func(f nemesis.Fault) nemesis.Step {
		return nemesis.Step{ID: "f1", At: spec.Duration(4 * time.Second), For: spec.Duration(3 * time.Second), Fault: f}
	}
	on := func(e nemesis.Event, f nemesis.Fault) nemesis.Step {
		s := after(f)
		s.On = &nemesis.Trigger{Event: e, After: spec.Duration(50 * time.Millisecond)}
		return s
	}
	part := func(shape nemesis.Shape, role nemesis.Role) nemesis.Fault {
		return nemesis.Fault{Kind: nemesis.Partition, Shape: shape, Target: nemesis.Target{Role: role}}
	}
	at := func(k nemesis.Kind, role nemesis.Role) nemesis.Fault {
		return nemesis.Fault{Kind: k, Target: nemesis.Target{Role: role}}
	}
	clock := func(jump time.Duration, rate float64) nemesis.Fault {
		f := at(nemesis.Clock, nemesis.Participant)
		f.Jump, f.Rate = spec.Duration(jump), rate
		return f
	}
	lose := func(op string) nemesis.Fault {
		f := at(nemesis.LoseReply, nemesis.Participant)
		f.Op = op
		return f
	}
	for name, step := range map[string]nemesis.Step{
		"isolate the leader":          after(part(nemesis.Isolate, nemesis.Leader)),
		"from peers":                  after(part(nemesis.FromPeers, nemesis.Follower)),
		"from server":                 on(nemesis.OnAcquired, part(nemesis.FromServer, nemesis.Holder)),
		"from servers":                on(nemesis.OnAcquired, part(nemesis.FromServers, nemesis.Holder)),
		"one way in":                  after(part(nemesis.OneWayIn, nemesis.Leader)),
		"one way out":                 after(part(nemesis.OneWayOut, nemesis.Leader)),
		"halves":                      after(part(nemesis.Halves, nemesis.AnyServer)),
		"kill the leader":             after(at(nemesis.Kill, nemesis.Leader)),
		"kill a waiter":               after(at(nemesis.Kill, nemesis.Waiter)),
		"kill the holder, armed":      on(nemesis.OnAcquired, at(nemesis.Kill, nemesis.Holder)),
		"pause the leader":            after(at(nemesis.Pause, nemesis.Leader)),
		"pause the holder, armed":     on(nemesis.OnAcquired, at(nemesis.Pause, nemesis.Holder)),
		"clock jumps":                 after(clock(-time.Minute, 0)),
		"clock runs fast":             after(clock(0, 1.5)),
		"lose replies to create":      after(lose("create")),
		"lose replies to delete":      after(lose("delete")),
		"lose replies to getChildren": after(lose("getChildren2")),
	} {
		s := simulated("lock", 3)
		s.Time = spec.Duration(12 * time.Second)
		x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: []nemesis.Step{step}})
		require.NoError(t, err, name)
		require.Len(t, x.Input.Receipts, 1, name)
		r := x.Input.Receipts[0]
		require.Equal(t, nemesis.Applied, r.Status, "%s: %s", name, r.Why)
		require.Equal(t, checkers.Pass, x.Verdict.Outcome, "%s: %v", name, x.Verdict.Reasons)
		if step.Fault.Kind != nemesis.LoseReply {
			require.GreaterOrEqual(t, time.Duration(r.End-r.Begin), 2900*time.Millisecond, name)
		}
	}
}

// TestSlowService: one that is slower than its monitor waits is found silent, and one that is quicker is not.
func TestSlowService(t *testing.T) {
	for delay, ended := range map[time.Duration]bool{400 * time.Millisecond: false, 1500 * time.Millisecond: true} {
		s := simulated("election", 3)
		s.Time = spec.Duration(12 * time.Second)
		var steps []nemesis.Step
		for _, service := range []string{"service1", "service2"} { // one of them is the active one's
			steps = append(steps, nemesis.Step{
				ID: service, At: spec.Duration(5 * time.Second), For: spec.Duration(4 * time.Second),
				Fault: nemesis.Fault{Kind: nemesis.Slow, Target: nemesis.Target{Node: service}, Delay: spec.Duration(delay)},
			})
		}
		x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: steps})
		require.NoError(t, err)
		require.NotEqual(t, checkers.Violation, x.Verdict.Outcome, x.Verdict.Reasons)
		for _, r := range x.Input.Receipts {
			require.Equal(t, nemesis.Applied, r.Status, r.Why)
			require.GreaterOrEqual(t, r.Late[0].Least.D(), delay)
		}
		silent := slices.ContainsFunc(x.Input.History, func(e history.Event) bool {
			return e.Type == history.Note && e.F == history.NoteHealth && e.Text == "silent"
		})
		require.Equal(t, ended, silent, "slow by %v", delay)
	}
}

// TestBrokenServers: with half of the servers for a quorum two histories come about, and the checkers see it.
func TestBrokenServers(t *testing.T) {
	s := simulated("counter", 1)
	s.Broken, s.Servers, s.Time = []string{"small-quorum"}, 4, spec.Duration(20*time.Second)
	var steps []nemesis.Step
	for i, at := range []time.Duration{3, 10} {
		steps = append(steps, nemesis.Step{
			ID: []string{"f1", "f2"}[i], At: spec.Duration(at * time.Second), For: spec.Duration(4 * time.Second),
			Fault: nemesis.Fault{Kind: nemesis.Partition, Shape: nemesis.Halves, Target: nemesis.Target{Role: nemesis.Leader}},
		})
	}
	x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: steps})
	require.NoError(t, err)
	require.Equal(t, checkers.Violation, x.Verdict.Outcome, x.Verdict.Sentence)
	s.Broken = nil
	x, err = Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: steps})
	require.NoError(t, err)
	require.Equal(t, checkers.Pass, x.Verdict.Outcome, x.Verdict.Reasons)
}
