package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

// Every seed's plan for an ensemble is valid, never takes more servers than a majority, and in some a majority dies by
// kills that overlap, the last of them when the others have been in force for long enough to be served meanwhile.
func TestNewPlanOfEnsemble(t *testing.T) {
	for _, servers := range []int{1, 2, 3, 5, 7} {
		waves := 0
		for seed := range uint64(40) {
			s := spec.Default()
			s.Workload, s.Recipe, s.Servers, s.Participants, s.Seed = "election", "ensemble", servers, 2, seed
			s.Faults = []string{"partition", "kill", "pause", "clock", "lose-reply"}
			s.Time = spec.Duration(time.Minute)
			p, err := NewPlan(s)
			require.NoError(t, err)
			require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()))
			most := 0
			for i, last := range p.Steps {
				require.Less(t, last.At.D()+last.For.D(), s.Time.D())
				n := 1
				for _, other := range p.Steps[:i] {
					if other.Fault.Kind == Kill && other.At+other.For > last.At {
						n++
					}
				}
				if most = max(most, n); n > 1 && n == servers/2+1 {
					waves++
					require.Equal(t, Target{Role: Leader, Pick: last.Fault.Target.Pick}, last.Fault.Target)
					require.Greater(t, last.At.D()-p.Steps[i-1].At.D(), s.Timing.FollowerTimeout()+s.Timing.Session.D())
				}
			}
			require.LessOrEqual(t, most, servers/2+1)
		}
		require.Equal(t, servers > 2, waves > 0, "%d servers", servers)
	}
}
