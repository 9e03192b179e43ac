package counter

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
)

func take(n int, seed uint64) (ops []history.Op) {
	stream := Workload().Ops(spec.Default(), "p1", rand.New(rand.NewPCG(seed, 1)))
	for range n {
		ops = append(ops, stream.Next())
	}
	return append(ops, stream.Rest()...)
}

func TestStreamGoesRound(t *testing.T) {
	ops := take(13, 1)
	var names []string
	for _, op := range ops {
		names = append(names, op.F)
	}
	require.Equal(t, []string{Add, Add, Add, Add, Read, Rest, Add, Add, Add, Add, Read, Rest, Add}, names)
	require.Equal(t, history.Op{F: Add, N: 1}, ops[0])
}

func TestStreamVariesRests(t *testing.T) {
	var least, most int64 = 1 << 62, 0
	for _, op := range take(12_000, 1) {
		if op.F == Rest {
			least, most = min(least, op.N), max(most, op.N)
		}
	}
	require.Equal(t, []int64{leastRest, mostRest}, []int64{least, most})
}

func TestSameSeedSameStream(t *testing.T) {
	require.Equal(t, take(300, 7), take(300, 7))
	require.NotEqual(t, take(300, 7), take(300, 8))
}

func TestNothingIsProtected(t *testing.T) {
	r := Workload().Resource(spec.Default())
	require.Equal(t, env.Reply{Seq: 1, Text: `no resource "register"`}, r.Decide("p1", env.Request{Resource: "register"}))
	require.Equal(t, int64(2), r.Decide("p1", env.Request{}).Seq)
}
