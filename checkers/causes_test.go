package checkers

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// TestElectionCauses: a fault that must end a term demands an election of a later epoch, and no other fault does.
func TestElectionCauses(t *testing.T) {
	long := int(expiry(mustDefault())/1e6) + 100
	fault := func(k nemesis.Kind, node string) nemesis.Fault {
		return nemesis.Fault{Kind: k, Target: nemesis.Target{Node: node}}
	}
	slow := fault(nemesis.Slow, "service1")
	slow.Delay = mustDefault().Timing.Session
	quick := slow
	quick.Delay /= 4
	for _, c := range []struct {
		fault nemesis.Fault
		lasts int
		want  string
	}{
		{fault(nemesis.Kill, "controller1"), 100, electionsAfter + wasKilled},
		{fault(nemesis.Kill, "controller2"), long, ""},
		{fault(nemesis.Pause, "controller1"), long, electionsAfter + "was paused beyond its session"},
		{fault(nemesis.Pause, "controller1"), 500, ""},
		{fault(nemesis.Pause, "service1"), long, electionsAfter + "lost its service"},
		{fault(nemesis.Pause, "service2"), long, ""},
		{slow, long, electionsAfter + "lost its service"},
		{quick, long, ""},
	} {
		for _, followed := range []bool{false, true} {
			s := nemesis.Step{ID: "f1", Fault: c.fault}
			in := Input{Spec: mustDefault(), Plan: nemesis.Plan{Steps: []nemesis.Step{s}}}
			in.Receipts = []nemesis.Receipt{{Step: s, Status: nemesis.Applied, Nodes: []string{c.fault.Target.Node}, BeginFrom: ms(1000), Begin: ms(1000), End: ms(1000 + c.lasts), EndBy: ms(1000 + c.lasts)}}
			elected := func(at int, node string, epoch int64) {
				in.History = append(in.History, history.Event{Type: history.Note, Time: ms(at), Node: node, Op: history.Op{F: history.NoteElected, Token: epoch}})
			}
			elected(10, "controller1", 1)
			if followed {
				elected(1000+long, "controller2", 2)
			}
			in.History = append(in.History, history.Event{Type: history.Phase, Time: ms(20_000), Op: history.Op{F: history.PhaseDone}})
			if c.want == "" {
				require.Empty(t, in.electionCauses(), "%+v", c.fault)
				continue
			}
			got := 0
			if followed {
				got = 1
			}
			require.Equal(t, []Floor{{Name: c.want, Want: 1, Got: got}}, in.electionCauses(), "%+v", c.fault)
		}
	}
}

// TestRebalanceCauses: a change of the group demands a rebalance of its cause while a member waits, and nothing else goes on.
func TestRebalanceCauses(t *testing.T) {
	for name, c := range map[string]struct {
		rebalanced, other int // ms of the member's last rebalance, and of another change
		fault             bool
		want              map[string]bool
	}{
		"in quiet":                  {rebalanced: 100, want: map[string]bool{BrokersChanged: true}},
		"in a rebalance":            {rebalanced: 9990, want: map[string]bool{}},
		"at the time of another":    {rebalanced: 100, other: 10_001, want: map[string]bool{}},
		"soon after a fault's end":  {rebalanced: 100, fault: true, want: map[string]bool{}},
		"nobody is there to notice": {want: map[string]bool{}},
	} {
		in := Input{Spec: mustDefault()}
		in.Spec.Roles = []spec.Role{{Name: "consumer", Count: 1}, {Name: "producer", Count: 1}}
		add := func(at int, e history.Event) {
			e.Time = ms(at)
			in.History = append(in.History, e)
		}
		if c.rebalanced > 0 {
			add(50, history.Event{Type: history.Note, Node: "consumer1", Op: history.Op{F: NoteMember}})
			add(c.rebalanced, history.Event{Type: history.Note, Node: "consumer1", Op: history.Op{F: history.NoteRebalance, Text: "joined"}})
		}
		add(10_000, history.Event{Type: history.Invoke, ID: 1, Node: "producer1", Op: history.Op{F: OpBroker}})
		if c.other > 0 {
			add(c.other, history.Event{Type: history.Note, Node: "consumer2", Op: history.Op{F: NoteLeft}})
		}
		add(10_005, history.Event{Type: history.OK, ID: 1, Node: "producer1", Op: history.Op{F: OpBroker}})
		add(30_000, history.Event{Type: history.Phase, Op: history.Op{F: history.PhaseDone}})
		if c.fault {
			in.Receipts = []nemesis.Receipt{{BeginFrom: ms(9000), EndBy: ms(9900)}}
		}
		got := in.demandedCauses()
		if c.other > 0 {
			delete(got, MembersChanged) // the other change is as disturbed
		}
		require.Equal(t, c.want, got, name)
	}
}

// TestOutlasts: what was sent into a cut that was healed a moment ago may still touch the session.
func TestOutlasts(t *testing.T) {
	need := int(expiry(mustDefault()) / 1e6)
	receipt := func(node string, from, to int, edges ...nemesis.EdgeReceipt) nemesis.Receipt {
		return nemesis.Receipt{Nodes: []string{node}, BeginFrom: ms(from), Begin: ms(from), End: ms(to), EndBy: ms(to), Edges: edges}
	}
	cut := nemesis.EdgeReceipt{Edge: nemesis.Edge{From: "p1", To: "zk1"}}
	other := nemesis.EdgeReceipt{Edge: nemesis.Edge{From: "p2", To: "zk1"}}
	for name, c := range map[string]struct {
		length int
		before []nemesis.Receipt
		want   bool
	}{
		"shorter than a session":        {length: need - 1},
		"longer":                        {length: need + 1, want: true},
		"words of a cut may still come": {length: need + 1, before: []nemesis.Receipt{receipt("p1", 6000, 8500, cut)}},
		"no words of the node":          {length: need + 1, before: []nemesis.Receipt{receipt("p2", 6000, 8500, other)}, want: true},
		"they have come":                {length: need + 1, before: []nemesis.Receipt{receipt("p1", 6000, 8000, cut)}, want: true},
	} {
		in := Input{Spec: mustDefault(), Receipts: append([]nemesis.Receipt{receipt("p1", 10_000, 10_000+c.length)}, c.before...)}
		require.Equal(t, c.want, in.outlasts(&in.Receipts[0]), name)
	}
}

// TestExpiriesWhileOwning: a member may give up what it owned before it learns that its session is over; what it had given up when a
// server last answered it did not own.
func TestExpiriesWhileOwning(t *testing.T) {
	note := func(kind string) history.Event {
		return history.Event{Type: history.Note, Node: "consumer1", Op: history.Op{F: kind}}
	}
	reply := history.Event{Type: history.Wire, Node: "consumer1", Op: history.Op{F: "reply", Text: "delete"}}
	assigned, revoked, expired := note(history.NoteAssigned), note(history.NoteRevoked), note(history.NoteExpired)
	for name, c := range map[string]struct {
		events []history.Event
		want   int
	}{
		"owns":                       {[]history.Event{assigned, reply, expired}, 1},
		"gave up unheard":            {[]history.Event{assigned, reply, revoked, expired}, 1},
		"gave up, and was told so":   {[]history.Event{assigned, revoked, reply, expired}, 0},
		"died before":                {[]history.Event{assigned, {Type: history.Exit, Node: "consumer1"}, expired}, 0},
		"one expiry is counted once": {[]history.Event{assigned, expired, expired}, 1},
	} {
		in := Input{Spec: mustDefault(), History: c.events}
		for _, f := range RebalanceFloors(in) {
			if f.Name == "expiries while owning" {
				require.Equal(t, c.want, f.Got, name)
			}
		}
	}
}
