package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/spec"
)

// TestArmed: a cut that happened to hit the holder's server shortly after an acquire can be armed on the acquire and aimed at
// that role; what came after the fault, or long before it, says nothing.
func TestArmed(t *testing.T) {
	at := func(d time.Duration) int64 { return int64(10*time.Second + d) }
	events := []history.Event{
		{Type: history.Role, Node: "zk3", Time: at(0), Op: history.Op{F: "leader"}},
		{Type: history.Role, Node: "zk2", Time: at(0), Op: history.Op{F: "follower"}},
		{Type: history.Note, Node: "p1", Time: at(0), Op: history.Op{F: history.NoteConnected, Text: "zk2"}},
		{Type: history.Note, Node: "p2", Time: at(0), Op: history.Op{F: history.NoteConnected, Text: "zk3"}},
		{Type: history.Role, Node: "zk3", Time: at(time.Second), Op: history.Op{F: "leader"}},
		{Type: history.Invoke, Node: "p1", Time: at(8 * time.Second), Op: history.Op{F: "acquire"}},
		{Type: history.OK, Node: "p1", Time: at(8100 * time.Millisecond), Op: history.Op{F: "acquire", Hold: "p1.1/1"}},
		{Type: history.Note, Node: "p2", Time: at(9 * time.Second), Op: history.Op{F: history.NoteElected}},
	}
	step := Step{ID: "f1", At: spec.Duration(8 * time.Second), For: spec.Duration(time.Second), Fault: Fault{Kind: Partition, Shape: FromPeers, Target: Target{Role: AnyServer, Pick: 7}}}
	began := Receipt{Step: step, Nodes: []string{"zk2"}, BeginFrom: at(8300 * time.Millisecond)}
	armed := Armed(step, began, events, []string{"zk1", "zk2", "zk3"}, []string{"p1", "p2"})
	require.NotEmpty(t, armed)
	first := armed[0]
	require.Equal(t, &Trigger{Event: OnAcquired, After: spec.Duration(200 * time.Millisecond)}, first.On)
	require.Equal(t, Target{Role: HolderServer}, first.Fault.Target)
	require.Zero(t, first.At)
	seen := map[Event]int{}
	for _, s := range armed {
		require.NoError(t, Plan{Steps: []Step{s}}.Validate([]string{"zk1", "zk2", "zk3"}, []string{"p1", "p2"}))
		require.Equal(t, step.For, s.For)
		require.NotEqual(t, Leader, s.Fault.Target.Role)
		seen[s.On.Event]++
	}
	require.Positive(t, seen[OnOp])
	require.Zero(t, seen[OnElected], "it came after the fault")
	require.Zero(t, seen[OnLeaderChanged], "the first leader is no change")

	step.On = first.On
	require.Empty(t, Armed(step, began, events, nil, nil), "it is armed already")
	require.Empty(t, Armed(Step{Fault: Fault{Kind: Clock}}, began, events, nil, nil))
	require.Empty(t, Armed(Step{Fault: step.Fault}, Receipt{}, events, nil, nil), "it never began")
}
