package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// failoversMeasured is how long it took on the real ensemble from a leader's death to the next leader and to the next
// write that went well, in ms: the least, the median and the most of make accept ROWS=failovers on 2026-11-26 (3.8.0,
// tickTime 200, two busy cores; 6 deaths with 3 servers, 8 with 5).
var failoversMeasured = []struct {
	servers         int
	leader, serving [3]float64
}{
	{3, [3]float64{370, 450, 531}, [3]float64{431, 452, 531}},
	{5, [3]float64{498, 579, 1241}, [3]float64{454, 585, 1285}},
}

// failoverBound is how many times shorter or longer the simulation's median may be.
const failoverBound = 1.5

// TestElectionTimes: the median of the times that the simulation takes to replace a dead leader is within a factor of
// the real one. A real least or most of six or eight deaths, on a busy machine, binds nothing.
func TestElectionTimes(t *testing.T) {
	for _, m := range failoversMeasured {
		var leader, serving []float64
		for seed := range uint64(4) {
			s := spec.Default()
			s.Workload, s.Recipe, s.Cluster, s.Seed = "election", "ensemble", "sim", seed+1
			s.Servers, s.Faults, s.Time = m.servers, []string{string(nemesis.Kill)}, spec.Duration(45*time.Second)
			w, _, err := catalogue.Find(s.Workload, s.Recipe)
			require.NoError(t, err)
			s.Participants = w.Participants
			s.Roles = w.Roles(s.Recipe, s.Participants)
			b, err := simulate(context.Background(), run.Options{Spec: s, Root: t.TempDir()})
			require.NoError(t, err)
			for _, f := range b.Measures.Failovers {
				require.NotZero(t, f.Leader, "seed %d: no leader came", s.Seed)
				leader, serving = append(leader, f.Leader), append(serving, f.Serving)
			}
		}
		require.GreaterOrEqual(t, len(leader), 8, "deaths")
		near(t, fmt.Sprintf("%d servers, next leader", m.servers), leader, m.leader)
		near(t, fmt.Sprintf("%d servers, next write", m.servers), serving, m.serving)
	}
}

// near compares times of the simulation with the least, the median and the most that were measured.
func near(t *testing.T, what string, here []float64, real [3]float64) {
	slices.Sort(here)
	median := here[len(here)/2]
	told := fmt.Sprintf("%s: %d times, %.0f to %.0f ms, median %.0f, in the simulation; least, median and most on the real ensemble %.0f", what, len(here), here[0], here[len(here)-1], median, real)
	t.Log(told)
	if r := median / real[1]; r > failoverBound || r < 1.0/failoverBound {
		t.Errorf("the median is %.2f times the real one: %s", r, told)
	}
}
