package ensemble

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	faultTime = 12 * time.Second
	restTime  = 8 * time.Second
)

// chaos is one run of a seed: faults, then rest; 3 servers where it is even, 5 where it is odd.
func chaos(seed uint64, defect string) *world {
	w := newWorld(seed, 3+2*int(seed%2), defect)
	w.plan(faultTime)
	w.run(faultTime + restTime)
	w.check.end()
	return w
}

func TestChaos(t *testing.T) {
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 200
	}
	var elections, expiries, committed, acked int
	for i := range seeds + 1 {
		seed := i
		if i == seeds {
			seed = 22090 // lost writes when a leader made its epoch current before its log was synced
		}
		w := chaos(seed, "")
		if w.check.failed != "" {
			t.Fatalf("%s\nrepeat with chaos(%d, \"\")", w.check.failed, seed)
		}
		elections += w.check.elections
		expiries += w.check.expiries
		committed += len(w.check.committed)
		for _, c := range w.clients {
			acked += c.acked
		}
	}
	// A run in which nothing happens shows nothing.
	n := int(seeds)
	require.Greater(t, elections, 3*n)
	require.Greater(t, expiries, n/2)
	require.Greater(t, committed, 300*n)
	require.Greater(t, acked, 100*n)
}

// TestDefectsAreFound: each defect breaks what it says, within so many seeds.
func TestDefectsAreFound(t *testing.T) {
	within := map[string]uint64{
		"small-quorum": 5, "election-ignores-zxid": 40, "ack-before-log": 300, "counted-acks": 30, "no-epoch-promise": 40,
		"stale-touch-table": 20, "ephemeral-kept": 10, "watch-lost": 10, "read-behind": 300, "torn-close": 5,
	}
	for _, d := range Defects() {
		t.Run(d.Name, func(t *testing.T) {
			require.Contains(t, within, d.Name)
			for seed := range within[d.Name] {
				if w := chaos(seed, d.Name); w.check.failed != "" {
					t.Logf("seed %d: %s", seed, w.check.failed)
					return
				}
			}
			t.Fatalf("not found in %d seeds", within[d.Name])
		})
	}
}

func TestUnknownDefect(t *testing.T) {
	_, err := New(1, Config{Servers: []ServerID{1}, Defects: []string{"none-such"}}, NewDisk(), nil)
	require.EqualError(t, err, `unknown defect "none-such" of the ensemble`)
}

func TestSameSeedSameTrace(t *testing.T) {
	hashes := map[uint64]uint64{}
	for seed := range uint64(50) {
		w := chaos(seed, "")
		for range 3 {
			require.Equal(t, w.hash, chaos(seed, "").hash, "seed %d", seed)
		}
		hashes[w.hash] = seed
	}
	require.Len(t, hashes, 50)
}

// BenchmarkEvents is servers, links, clients and checks together, without faults.
func BenchmarkEvents(b *testing.B) {
	b.ReportAllocs()
	events := 0
	for i := 0; b.Loop(); i++ {
		w := newWorld(uint64(i), 5, "")
		w.run(20 * time.Second)
		events += w.events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
