//go:build docker

package docker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

// Who leads (FastLeaderElection.totalOrderPredicate): of servers that are started one by one the one that makes the
// majority, as the largest id of those that are there; after a restart whoever knows of the latest epoch, and only then
// the larger id.
func TestWhoLeads(t *testing.T) {
	w := newWitness()
	cfg := testConfig(5, 1, w, t.Logf)
	cfg.Spec.Staged = true
	c := started(t, cfg, w)
	ctx := t.Context()
	require.Equal(t, "zk3", c.leader())

	kill := func(nodes ...string) {
		for _, n := range nodes {
			_, _, err := c.Kill(ctx, n)
			require.NoError(t, err)
		}
	}
	kill("zk5", "zk3")
	w.until(t, "zk4 to lead", func() bool { return c.leader() == "zk4" })
	require.NoError(t, c.Formed(ctx))
	kill("zk1", "zk2", "zk4")
	w.until(t, "everyone's end", func() bool {
		return w.seen(func(e history.Event) bool { return e.Type == history.Exit }) == 5
	})
	// No two of these are a majority; zk5 has not heard of the second epoch.
	for _, n := range []string{"zk5", "zk2", "zk1"} {
		_, _, err := c.Restart(ctx, n)
		require.NoError(t, err)
	}
	w.until(t, "a leader", func() bool { return c.leader() != "nobody" })
	require.Equal(t, "zk2", c.leader())
	require.NoError(t, c.Formed(ctx))

	first := map[int64]string{}
	var epochs []int64
	w.until(t, "what was seen", func() bool {
		return w.seen(func(e history.Event) bool {
			lead := e.Type == history.Role && e.F == roleLeader
			if lead {
				require.Equal(t, e.N>>32, e.Token)
				epochs, first[e.Token] = append(epochs, e.Token), e.Node
			}
			return lead
		}) > 0
	})
	require.Equal(t, []int64{1, 2, 3}, epochs)
	require.Equal(t, map[int64]string{1: "zk3", 2: "zk4", 3: "zk2"}, first)
}
