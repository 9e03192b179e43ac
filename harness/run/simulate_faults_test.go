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

// TestArmedTooLate: what has not struck when the ops end never does, though its event has come; and nobody is paused
// twice at a time.
func TestArmedTooLate(t *testing.T) {
	s := simulated("lock", 3)
	s.Time, s.Hold = spec.Duration(12*time.Second), spec.Duration(time.Second)
	pause := func(id string, at, after time.Duration) nemesis.Step {
		return nemesis.Step{
			ID: id, At: spec.Duration(at), For: spec.Duration(3 * time.Second),
			On:    &nemesis.Trigger{Event: nemesis.OnAcquired, After: spec.Duration(after)},
			Fault: nemesis.Fault{Kind: nemesis.Pause, Target: nemesis.Target{Role: nemesis.Holder}},
		}
	}
	x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: []nemesis.Step{
		pause("f1", time.Second, 50*time.Millisecond), pause("f2", time.Second, 100*time.Millisecond), pause("f3", 10*time.Second, 3*time.Second),
	}})
	require.NoError(t, err)
	said := map[string][]nemesis.Status{}
	for _, r := range x.Input.Receipts {
		said[r.Step.ID] = append(said[r.Step.ID], r.Status)
	}
	require.Equal(t, map[string][]nemesis.Status{
		"f1": {nemesis.Applied}, "f2": {nemesis.Late, nemesis.Applied}, "f3": {nemesis.Unmet},
	}, said)
	last := slices.IndexFunc(x.Input.History, func(e history.Event) bool { return e.Type == history.Phase && e.F == history.PhaseHeal })
	for _, e := range x.Input.History[last:] {
		require.NotEqual(t, history.Fault, e.Type, "after the heal: %v", e)
	}
	for _, c := range x.Verdict.Checks {
		require.NotEqual(t, checkers.Violation, c.Outcome, c.Claim)
	}
}

// TestClockOfTheDead: a process takes its skewed clock to its grave, and that is no fault of the harness.
func TestClockOfTheDead(t *testing.T) {
	s := simulated("lock", 3)
	s.Time = spec.Duration(12 * time.Second)
	p2 := nemesis.Target{Node: "p2"}
	x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: []nemesis.Step{
		{ID: "f1", At: spec.Duration(2 * time.Second), For: spec.Duration(2 * time.Second), Fault: nemesis.Fault{Kind: nemesis.Clock, Target: p2, Jump: spec.Duration(time.Minute)}},
		{ID: "f2", At: spec.Duration(3 * time.Second), For: spec.Duration(2 * time.Second), Fault: nemesis.Fault{Kind: nemesis.Kill, Target: p2}},
	}})
	require.NoError(t, err)
	require.Equal(t, checkers.Pass, x.Verdict.Outcome, x.Verdict.Reasons)
	require.True(t, x.Input.Receipts[0].Clocks[0].Killed)
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
