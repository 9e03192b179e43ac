package hunt

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

// pairs is how often one worker is held against two. Of nine ratios the second lowest and the second highest enclose
// the median of all that could be measured with 96 % confidence, whatever their distribution.
const pairs = 9

// BenchmarkWorkers searches the same seeds with one worker on one processor and with two on two, in turns, since other work on the machine
// comes and goes: the lock workload with 5 servers over 40 virtual seconds. x2 is how much sooner two are done, and
// cpu-x2 what it would be if each had a processor for itself: twice the CPU time of one over that of two.
func BenchmarkWorkers(b *testing.B) {
	o := options("lock", 60)
	o.Spec.Servers, o.Spec.Time, o.Fixed = 5, spec.Duration(40*time.Second), true
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as riven hunt
	var wall, cpu []float64
	for b.Loop() {
		for range pairs {
			one, oneCPU := search(b, o, 1)
			two, twoCPU := search(b, o, 2)
			wall = append(wall, one.Seconds()/two.Seconds())
			cpu = append(cpu, 2*oneCPU.Seconds()/twoCPU.Seconds())
			o.Spec.Seed += uint64(o.Seeds)
		}
	}
	for _, m := range []struct {
		name   string
		ratios []float64
	}{{"x2", wall}, {"cpu-x2", cpu}} {
		slices.Sort(m.ratios)
		n := len(m.ratios)
		edge := n / pairs // 1 for the nine pairs of one round
		b.ReportMetric(m.ratios[n/2], m.name)
		b.ReportMetric(m.ratios[edge], m.name+"-low")
		b.ReportMetric(m.ratios[n-1-edge], m.name+"-high")
	}
}

// search is how long a search took on as many processors as workers, and the CPU time that it used: on a processor that
// is to spare one worker's garbage would be collected beside it.
func search(b *testing.B, o Options, workers int) (wall, cpu time.Duration) {
	o.Workers = workers
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
	began, before := time.Now(), cpuTime(b)
	sum, err := Do(context.Background(), o)
	wall, cpu = time.Since(began), cpuTime(b)-before
	require.NoError(b, err)
	require.Equal(b, o.Seeds, sum.Seeds)
	return wall, cpu
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
