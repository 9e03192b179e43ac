package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/spec"
)

// Every seed's plan is valid for its nodes, has all kinds that were asked for, one fault at a time, ends before the ops
// do, and comes out the same again.
func TestNewPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec.Default()
		s.Seed = rapid.Uint64().Draw(t, "seed")
		s.Servers = rapid.IntRange(1, 7).Draw(t, "servers")
		s.Faults = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"partition", "kill", "pause", "lose-reply"}), 1, 4, rapid.ID).Draw(t, "faults")
		s.Time = spec.Duration(time.Duration(rapid.IntRange(30, 120).Draw(t, "seconds")) * time.Second)
		p, err := NewPlan(s)
		require.NoError(t, err)
		require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()))
		again, err := NewPlan(s)
		require.NoError(t, err)
		require.Equal(t, p, again)
		var end time.Duration
		for _, step := range p.Steps {
			require.Greater(t, step.At.D(), end)
			end = step.At.D() + step.For.D()
		}
		require.Less(t, end, s.Time.D())
	})
}

// A plan for a workload in which nobody holds anything names no holder and waits for none.
func TestNewPlanWithoutHolds(t *testing.T) {
	for seed := range uint64(50) {
		s := spec.Default()
		s.Workload, s.Seed, s.Faults = "counter", seed, []string{"partition", "kill", "pause", "lose-reply"}
		p, err := NewPlan(s)
		require.NoError(t, err)
		for _, step := range p.Steps {
			require.Nil(t, step.On)
			require.NotContains(t, []Role{Holder, HolderServer, Waiter}, step.Fault.Target.Role)
		}
	}
}

// A plan for failover controllers is valid for their nodes, names nobody that holds, and in the long run hits everything
// that a failover depends on.
func TestNewPlanForElections(t *testing.T) {
	hit := map[Target]bool{}
	for seed := range uint64(200) {
		s := spec.Default()
		s.Workload, s.Seed, s.Faults = "election", seed, []string{"partition", "kill", "pause", "clock", "lose-reply", "slow"}
		s.Time = spec.Duration(time.Minute)
		s.Roles = []spec.Role{{Name: "controller", Count: 2}, {Name: "service", Count: 2}, {Name: "journal", Count: 1}, {Name: "client", Count: 2}}
		p, err := NewPlan(s)
		require.NoError(t, err)
		require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()), "seed %d", seed)
		for _, step := range p.Steps {
			require.Equal(t, step.Fault.Kind == LoseReply, step.On != nil)
			target := step.Fault.Target
			require.NotContains(t, []Role{Holder, HolderServer, Waiter}, target.Role)
			target.Pick = 0
			hit[target] = true
		}
	}
	for _, r := range []Role{Active, ActiveServer, Leader, AnyServer, "controller", "service", "journal"} {
		require.True(t, hit[Target{Role: r}], "%s", r)
	}
	for _, n := range []string{"controller1", "controller2", "journal1", "client1", "client2"} {
		require.True(t, hit[Target{Node: n}], "%s is cut from others", n)
	}
}

// Plans for a group's members are valid for its nodes, name no holder, and aim at owners, members and the producer.
func TestNewPlanOfRebalance(t *testing.T) {
	aimed := map[Role]bool{}
	for seed := range uint64(50) {
		s := spec.Default()
		s.Workload, s.Seed, s.Faults = "rebalance", seed, []string{"partition", "kill", "pause", "clock", "lose-reply"}
		s.Time = spec.Duration(time.Minute)
		s.Roles = []spec.Role{{Name: "consumer", Count: 3}, {Name: "producer", Count: 1}}
		p, err := NewPlan(s)
		require.NoError(t, err)
		require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()))
		for _, step := range p.Steps {
			require.NotContains(t, []Role{Holder, HolderServer, Waiter, Active}, step.Fault.Target.Role)
			aimed[step.Fault.Target.Role] = true
		}
	}
	for _, r := range []Role{Owner, "consumer", "producer", Leader, AnyServer} {
		require.True(t, aimed[r], r)
	}
}

func TestNewPlanRefusesWhatHasNoRoom(t *testing.T) {
	s := spec.Default()
	s.Time = spec.Duration(5 * time.Second)
	_, err := NewPlan(s)
	require.ErrorContains(t, err, "too short for a ")
	s.Faults = []string{"meteor"}
	_, err = NewPlan(s)
	require.EqualError(t, err, `unknown fault "meteor" (know partition, kill, pause, clock, mono-rate, lose-reply, slow)`)
}

func TestExpect(t *testing.T) {
	v := threeAndTwo()
	for _, c := range []struct {
		name   string
		active []Resolved
		want   Expect
	}{
		{"nothing", nil, Expect{Serves: []string{"p1", "p2"}}},
		{"one server down", []Resolved{{Down: []string{"zk1"}}}, Expect{Serves: []string{"p1", "p2"}}},
		{"two servers down", []Resolved{{Down: []string{"zk1"}}, {Down: []string{"zk2"}}}, Expect{Stalls: []string{"p1", "p2"}}},
		{"p1 cut from all", []Resolved{{Edges: both([]string{"p1"}, v.Servers)}}, Expect{Serves: []string{"p2"}, Stalls: []string{"p1"}}},
		{"p1 down", []Resolved{{Down: []string{"p1"}}}, Expect{Serves: []string{"p2"}}},
		{"p1 with the minority", []Resolved{{Edges: both([]string{"zk1", "p1"}, []string{"zk2", "zk3", "p2"})}}, Expect{Serves: []string{"p2"}, Stalls: []string{"p1"}}},
		{"ring cut one way", []Resolved{{Edges: []Edge{{"zk1", "zk2"}, {"zk2", "zk3"}, {"zk3", "zk1"}}}}, Expect{Stalls: []string{"p1", "p2"}}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, v.Expect(c.active)) })
	}
}
