package run

import (
	"context"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/spec"
	"riven/workloads/catalogue"
)

func simulated(workload string, seed uint64) spec.Spec {
	s := spec.Default()
	s.Workload, s.Recipe, s.Cluster, s.Participants, s.Seed = workload, catalogue.FirstRecipe(workload), "sim", 0, seed
	return catalogue.Complete(s)
}

// TestSimulatedWorkloads makes a run of every recipe in the simulation: each passes, so there were faults with receipts
// and hand-overs, elections, rebalances enough.
func TestSimulatedWorkloads(t *testing.T) {
	for _, w := range catalogue.All() {
		for _, r := range w.Recipes {
			if r.New == nil {
				continue // containers only
			}
			s := simulated(w.Name, 7)
			s.Recipe, s.Roles = r.Name, nil
			x, err := Simulate(context.Background(), catalogue.Complete(s), nil)
			require.NoError(t, err, r.Name)
			require.Equal(t, checkers.Pass, x.Verdict.Outcome, "%s: %v", r.Name, x.Verdict.Reasons)
		}
	}
}

// TestSimulationRepeats holds a seed against itself, on one processor and on several, and seeds against each other.
func TestSimulationRepeats(t *testing.T) {
	s := simulated("lock", 7)
	s.Time = spec.Duration(20 * time.Second)
	first, err := Simulate(context.Background(), s, nil)
	require.NoError(t, err)
	for i := range 100 {
		before := runtime.GOMAXPROCS(1 + i%2)
		again, err := Simulate(context.Background(), s, nil)
		runtime.GOMAXPROCS(before)
		require.NoError(t, err)
		require.Equal(t, first.Hash, again.Hash, "run %d", i)
		require.Equal(t, first.Input.History, again.Input.History, "run %d", i)
	}
	hashes := map[uint64]bool{}
	for seed := range uint64(100) {
		s.Seed = seed
		x, err := Simulate(context.Background(), s, nil)
		require.NoError(t, err)
		hashes[x.Hash] = true
	}
	require.Len(t, hashes, 100)
}

// BenchmarkSimulate is the lock workload over 40 virtual seconds, judged.
func BenchmarkSimulate(b *testing.B) {
	s := simulated("lock", 0)
	s.Servers, s.Time = 5, spec.Duration(40*time.Second)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as riven hunt
	before, allocated := cpuTime(b), allocatedBytes()
	var events uint64
	var simulator Simulator
	for b.Loop() {
		s.Seed++
		x, err := simulator.Simulate(context.Background(), s, nil)
		require.NoError(b, err)
		events += x.Events
	}
	cpu := cpuTime(b) - before
	b.ReportMetric(float64(events)/cpu.Seconds(), "events/cpu-s")
	b.ReportMetric(float64(b.N)/cpu.Seconds(), "seeds/cpu-s")
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
	b.ReportMetric((allocatedBytes()-allocated)/float64(events), "B/event")
}

// allocatedBytes is all that this process has ever allocated.
func allocatedBytes() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.TotalAlloc)
}

// cpuTime is what this process has used: other work on the machine does not count.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
