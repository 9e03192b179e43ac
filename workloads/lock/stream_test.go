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

// TestRestLetsGo: wherever the stream is cut off, Rest leaves nothing held.
func TestRestLetsGo(t *testing.T) {
	stream := Workload().Ops(spec.Default(), "p1", rand.New(rand.NewPCG(1, 1)))
	require.Empty(t, stream.Rest())
	stream.Next()
	require.Equal(t, []history.Op{{F: Release}}, stream.Rest(), "after an acquire")
	stream.Next()
	require.Equal(t, []history.Op{{F: Release}}, stream.Rest(), "after work")
	stream.Next()
	require.Empty(t, stream.Rest(), "after a release")
}

func TestQuiet(t *testing.T) {
	s := spec.Default()
	require.Equal(t, []history.Op{{F: Acquire}, {F: Work, N: 200}, {F: Release}}, Workload().Quiet(s, "p1"))
	s.Hold = spec.Duration(20 * time.Millisecond)
	require.Equal(t, int64(20), Workload().Quiet(s, "p1")[1].N)
}

func TestRestReleasesWhatIsHeld(t *testing.T) {
	stream := Workload().Ops(spec.Default(), "p1", rand.New(rand.NewPCG(1, 1)))
	release := []history.Op{{F: Release}}
	for _, want := range [][]history.Op{nil, release, release, nil} {
		require.Equal(t, want, stream.Rest())
		stream.Next()
	}
}

func TestAtLeastTwoAccessesFitIntoAHold(t *testing.T) {
	for _, work := range []time.Duration{time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
		require.LessOrEqual(t, 2*Pace(work), work)
	}
	require.Equal(t, 50*time.Millisecond, Pace(10*time.Second))
}
