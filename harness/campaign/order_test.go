package campaign

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOrder(t *testing.T) {
	c, err := parse("f.yaml", []byte(`
name: order
matrix: {recipe: lock/curator, servers: [1, 3, 5, 7], faults: none, seeds: 2}
canaries:
  - {recipe: lock/curator, defect: no-token, faults: none, tries: 2}
  - {recipe: lock/curator, defect: sort-by-name, faults: none, tries: 1}
`), anything)
	require.NoError(t, err)
	id := func(servers int) string { return fmt.Sprintf("lock/curator/docker/bookworm/%dx4/none", servers) }
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	past := map[string]Past{
		id(1): {Runs: 4, Last: day},                                  // looked at yesterday
		id(3): {Runs: 4, Last: day.AddDate(0, 0, -9)},                // long ago
		id(5): {Runs: 10, Violations: 2, Last: day.AddDate(0, 0, 1)}, // found something in one of five
	}
	var got []string
	for _, r := range c.Runs(Whole, past) {
		got = append(got, fmt.Sprintf("%s #%d", r.Cell.ID, r.N))
	}
	require.Equal(t, []string{
		id(3) + "/defect=no-token #1", id(3) + "/defect=sort-by-name #1", id(3) + "/defect=no-token #2",
		id(5) + " #1", id(7) + " #1", id(3) + " #1", id(1) + " #1", // 7 was never looked at
		id(5) + " #2", id(7) + " #2", id(3) + " #2", id(1) + " #2",
	}, got)
}

// Cells of which nothing is known come by lot, the same for the same seed: a small budget is not spent on one recipe.
func TestOrderOfCellsThatAreNew(t *testing.T) {
	c, err := parse("f.yaml", []byte(`
name: lot
matrix: {recipe: [counter/cas, lock/curator, register/znode], servers: [1, 3, 5, 7, 9], faults: none}
canaries: [{recipe: lock/curator, defect: no-token, faults: none, tries: 1}]
`), anything)
	require.NoError(t, err)
	orders, firsts := map[string]bool{}, map[string]bool{}
	for c.Seed = range 50 {
		var order []string
		for _, r := range c.Runs(Whole, nil)[1:] {
			order = append(order, r.Cell.ID)
		}
		require.Len(t, order, 15)
		orders[strings.Join(order, " ")] = true
		firsts[order[0]] = true
		for i, r := range c.Runs(Whole, nil)[1:] {
			require.Equal(t, order[i], r.Cell.ID)
		}
	}
	require.Len(t, orders, 50)
	require.Greater(t, len(firsts), 10)
}

// A run's seed depends on the campaign's seed, its cell and its number, not on what else is there.
func TestSeeds(t *testing.T) {
	require.Equal(t, uint64(0xbb4390f3), seed(1, "lock", 1)>>16, "seeds of old campaigns stay what they were")
	seen := map[uint64]bool{}
	for s := range uint64(10) {
		for _, cell := range []string{"a", "b", "a\x001"} {
			for n := range 10 {
				x := seed(s, cell, n)
				require.Less(t, x, uint64(1)<<48)
				require.False(t, seen[x])
				seen[x] = true
			}
		}
	}
}
