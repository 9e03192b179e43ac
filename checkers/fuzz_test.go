package checkers

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/nemesis"
)

// FuzzChecks: whatever the history, every checker ends, says the same twice, points into the history, and the verdict
// is never better than a check.
func FuzzChecks(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("a lock that is held and lost and held again by somebody else entirely"))
	f.Add([]byte{0, 1, 2, 3, 250, 251, 252, 253, 9, 8, 7, 6, 100, 101, 102, 103})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := arbitrary(data)
		checks := append(lockChecks(in), electionChecks(in)...)
		require.Equal(t, checks, append(lockChecks(in), electionChecks(in)...))
		v := Judge(in, checks, append(LockFloors(in), ElectionFloors(in)...), nil)
		for _, c := range checks {
			require.GreaterOrEqual(t, v.Outcome, c.Outcome)
			for _, a := range c.Anomalies {
				for _, i := range a.Proof {
					require.Less(t, i, len(in.History))
					require.GreaterOrEqual(t, i, 0)
				}
				require.NotEmpty(t, a.Sentence)
			}
		}
	})
}

// arbitrary makes an input of bytes, six an event.
func arbitrary(data []byte) Input {
	types := []history.Type{
		history.Invoke, history.OK, history.Fail, history.Info, history.Note, history.Access, history.Answer,
		history.Start, history.Exit, history.Stall, history.Fault, history.Phase,
	}
	kinds := []string{
		OpAcquire, OpWork, OpRelease, OpList, history.NoteLost, history.NoteExpired, history.NoteSuspended,
		history.NoteConnected, history.PhaseOps, history.PhaseQuiet, "begin", "end",
		history.NoteElected, history.NoteDeposed, NoteFenced, OpWrite, KeyAppend,
	}
	in := Input{Spec: mustDefault(), Claims: lockClaims()}
	in.Spec.Participants = 3
	for now := int64(0); len(data) >= 6; data = data[6:] {
		now += int64(data[0]) * ms(20)
		e := history.Event{
			Time: now, Type: types[int(data[1])%len(types)], Node: fmt.Sprintf("p%d", data[2]%4), Incarnation: int(data[2]>>4) % 2,
			ID: int64(data[3] % 8), Seq: int64(data[4]) % 16, Rejected: data[5]%3 == 0, End: now + ms(int(data[5])),
			Op: history.Op{F: kinds[int(data[3])%len(kinds)], Token: int64(data[4] % 4), N: int64(data[4] % 3), Hold: fmt.Sprintf("h%d", data[5]%5), Key: "s1"},
		}
		if e.F == history.NoteDeposed && data[4]%2 == 0 {
			e.Text = Resigned
		}
		if e.F == NoteFenced {
			e.Key = fmt.Sprintf("p%d", data[5]%4)
		}
		in.History = append(in.History, e)
		if data[3] > 240 {
			step := nemesis.Step{ID: "s1", Fault: nemesis.Fault{Kind: []nemesis.Kind{nemesis.Kill, nemesis.Pause, nemesis.Partition}[data[4]%3]}}
			in.Plan.Steps = []nemesis.Step{step}
			in.Receipts = append(in.Receipts, nemesis.Receipt{
				Step: step, Status: nemesis.Applied, Nodes: []string{e.Node}, BeginFrom: now, Begin: now + 1, End: e.End, EndBy: e.End,
				Expect: nemesis.Expect{Serves: []string{"p1"}, Stalls: []string{"p2"}},
			})
		}
	}
	in.History = history.Sorted(in.History)
	return in
}
