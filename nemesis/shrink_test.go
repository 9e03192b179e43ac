package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

func many(n int) (p Plan) {
	for i := range n {
		p.Steps = append(p.Steps, Step{
			ID: fmt.Sprintf("f%d", i+1), At: spec.Duration(time.Duration(i) * time.Second), For: spec.Duration(8 * time.Second),
			Fault: Fault{Kind: LoseReply, Op: "create", Count: 8, Target: Target{Role: Participant}},
		})
	}
	return p
}

func ids(p Plan) (ids []string) {
	for _, s := range p.Steps {
		ids = append(ids, s.ID)
	}
	return ids
}

// TestShrinkToWhatIsNeeded: of plans of all sizes exactly the steps that are needed are left, as short as they may be.
func TestShrinkToWhatIsNeeded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + r.IntN(20)
		p := many(n)
		var need []string
		for _, i := range r.Perm(n)[:r.IntN(min(n, 4)+1)] {
			need = append(need, p.Steps[i].ID)
		}
		runs := 0
		left := Shrink(p, func(p Plan) bool {
			runs++
			for _, id := range need {
				i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
				if i < 0 || p.Steps[i].For.D() < 3*time.Second || p.Steps[i].Fault.Count < 2 {
					return false
				}
			}
			return true
		})
		require.ElementsMatch(t, need, ids(left))
		require.True(t, slices.IsSortedFunc(left.Steps, func(a, b Step) int { return int(a.At - b.At) }))
		for _, s := range left.Steps {
			require.Equal(t, 4*time.Second, s.For.D())
			require.Equal(t, 2, s.Fault.Count)
		}
		require.Equal(t, many(n), p, "the plan itself is left alone")
		require.Less(t, runs, 200)
	}
}

// TestShrinkKeepsWhatItMay: what is not monotonic is kept true, and a budget that is spent ends the search.
func TestShrinkKeepsWhatItMay(t *testing.T) {
	odd := func(p Plan) bool { return len(p.Steps)%2 == 1 }
	require.Len(t, Shrink(many(7), odd).Steps, 1)
	pair := func(p Plan) bool { // f2 shows nothing without f5, and neither may be alone
		return slices.Contains(ids(p), "f2") == slices.Contains(ids(p), "f5") && len(p.Steps) > 0
	}
	require.True(t, pair(Shrink(many(9), pair)))
	budget := 5
	left := Shrink(many(16), func(p Plan) bool {
		if budget == 0 {
			return false
		}
		budget--
		return slices.Contains(ids(p), "f16")
	})
	require.Contains(t, ids(left), "f16")
	require.Zero(t, budget)
}
