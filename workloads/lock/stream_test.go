package lock

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/spec"
)

func take(n int, seed uint64, hold time.Duration) (ops []history.Op) {
	s := spec.Default()
	s.Hold = spec.Duration(hold)
	stream := Workload().Ops(s, "p1", rand.New(rand.NewPCG(seed, 1)))
	for range n {
		ops = append(ops, stream.Next())
	}
	return ops
}

func TestStreamGoesRound(t *testing.T) {
	require.Equal(t, []history.Op{
		{F: Acquire}, {F: Work}, {F: Release}, {F: Acquire}, {F: Work}, {F: Release}, {F: Acquire},
	}, take(7, 1, 0))
}

func TestStreamVariesHolds(t *testing.T) {
	var least, most int64 = 1 << 62, 0
	for _, op := range take(3000, 1, 300*time.Millisecond) {
		if op.F == Work {
			least, most = min(least, op.N), max(most, op.N)
		}
	}
	require.Equal(t, []int64{150, 450}, []int64{least, most})
}

func TestSameSeedSameStream(t *testing.T) {
	require.Equal(t, take(300, 7, time.Second), take(300, 7, time.Second))
	require.NotEqual(t, take(300, 7, time.Second), take(300, 8, time.Second))
}

func TestQuiet(t *testing.T) {
	s := spec.Default()
	round := []history.Op{{F: Acquire}, {F: Work, N: 200}, {F: Release}}
	require.Equal(t, append(round, history.Op{F: List}), Workload().Quiet(s, "p1"))
	require.Equal(t, round, Workload().Quiet(s, "p2"))
	s.Hold = spec.Duration(20 * time.Millisecond)
	require.Equal(t, int64(20), Workload().Quiet(s, "p2")[1].N)
}

func TestAtLeastTwoAccessesFitIntoAHold(t *testing.T) {
	for _, work := range []time.Duration{time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
		require.LessOrEqual(t, 2*Pace(work), work)
	}
	require.Equal(t, 50*time.Millisecond, Pace(10*time.Second))
}
