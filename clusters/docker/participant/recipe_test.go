//go:build docker

package participant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
	"riven/workloads"
	"riven/workloads/lock"
)

// A recipe of the lock workload, over a lost reply and an expiry.
func TestRecipe(t *testing.T) {
	noLeaks(t)
	g := newGate(t)
	r := startRecipe(t, []protocol.Server{{Name: "zk1", Address: g.address()}}, func(_, _ string) (workloads.Recipe, error) {
		curator, found := lock.Workload().Recipe("curator")
		require.True(t, found)
		return curator, nil
	})
	r.send(protocol.In{Type: protocol.TypeOrder, Op: history.Op{Key: "f1", F: "create", N: 2}}) // of the parent, if it is made, and of the node
	first := r.do(history.Op{F: lock.Acquire})
	require.Equal(t, "p1.2/1", first.Hold)
	work := r.invoke(history.Op{F: lock.Work, N: 60_000})
	require.Equal(t, history.Op{Key: lock.Register, Hold: "p1.2/1", Token: first.Token, N: 1}, r.answer(1, true).Op)
	g.set(true)
	require.Equal(t, first.Hold, r.awaitNote(history.NoteLost).Hold)
	worked := r.await(func(o protocol.Out) bool { return o.ID == work && o.Type == string(history.OK) })
	require.Equal(t, lock.Lost, worked.Text)
	g.set(false)
	second := r.do(history.Op{F: lock.Acquire})
	require.Equal(t, "p1.2/2", second.Hold)
	require.Greater(t, second.Token, first.Token)
	require.Equal(t, "ok", r.do(history.Op{F: lock.Release}).Type)
	require.Equal(t, history.Op{F: lock.List}, r.do(history.Op{F: lock.List}).Op)
	require.NoError(t, r.end())
}
