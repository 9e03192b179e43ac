package checkers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
)

// TestQuorumOracle: on histories of one server or client event a moment, a put violates the claim where a majority was
// dead at each moment from its invocation to its success, counted moment by moment.
func TestQuorumOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Input{Spec: mustDefault(), Claims: []Claim{{Name: ClaimQuorum}}}
		in.Spec.Servers, in.Spec.Participants = rapid.SampledFrom([]int{3, 4, 5}).Draw(t, "servers"), 1
		in.History = []history.Event{{Type: history.Phase, Op: history.Op{F: history.PhaseOps}}}
		dead, id, asked := map[string]bool{}, int64(0), 0
		lost := []int{len(dead)} // how many servers are dead from each event to the next
		want := 0
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			e := history.Event{Time: int64(len(in.History)), Node: "p1"}
			what := rapid.SampledFrom(append(in.Spec.ServerNames(), "put", "put", "put")).Draw(t, "what")
			switch {
			case what == "put" && asked == 0:
				id++
				e.Type, e.ID, e.F, asked = history.Invoke, id, OpPut, len(in.History)
			case what == "put":
				e.Type, e.ID, e.F = rapid.SampledFrom([]history.Type{history.OK, history.Info, history.Fail}).Draw(t, "end"), id, OpPut
				if e.Type == history.OK && !majorityAtSome(lost[asked:], in.Spec.Servers) {
					want++
				}
				asked = 0
			default:
				e.Node, e.Type = what, history.Exit
				if dead[what] {
					e.Type = history.Start
				}
				dead[what] = !dead[what]
			}
			in.History = append(in.History, e)
			n := 0
			for _, d := range dead {
				if d {
					n++
				}
			}
			lost = append(lost, n)
		}
		in.History = append(in.History, history.Event{Time: int64(len(in.History)), Type: history.Phase, Op: history.Op{F: history.PhaseQuiet}})
		for i := range in.History {
			in.History[i].Index = i
		}
		c := Quorum(in)
		require.Len(t, c.Anomalies, min(want, MaxShown), "%+v", in.History)
		require.Equal(t, want > 0, c.Outcome == Violation)
	})
}

func majorityAtSome(lost []int, servers int) bool {
	for _, n := range lost {
		if 2*(servers-n) > servers {
			return true
		}
	}
	return false
}
