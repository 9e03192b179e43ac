package hunt

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/run"
	"riven/harness/spec"
	"riven/workloads/catalogue"
)

func options(workload string, seeds int, defects ...string) Options {
	s := spec.Default()
	s.Workload, s.Recipe, s.Cluster, s.Participants, s.Faults = workload, catalogue.FirstRecipe(workload), "sim", 0, nil
	s.Time, s.Seed, s.Defects = spec.Duration(12*time.Second), 1, defects
	return Options{Spec: catalogue.Complete(s), Seeds: seeds, Workers: 1}
}

// TestFindings: a search comes to the same however many workers it has, and what it says of a finding repeats it.
func TestFindings(t *testing.T) {
	o := options("lock", 40, "sort-by-name")
	one, err := Do(context.Background(), o)
	require.NoError(t, err)
	o.Workers = 4
	four, err := Do(context.Background(), o)
	require.NoError(t, err)
	one.Took, four.Took = 0, 0
	require.Equal(t, one, four)
	require.NotEmpty(t, one.Findings)
	f := one.Findings[0]
	require.Equal(t, "belief at recipe", f.Key)
	again, err := run.Simulate(context.Background(), f.Spec, &f.Plan)
	require.NoError(t, err)
	require.Equal(t, f.Sentence, again.Verdict.Sentence)
}

// TestClean: the correct recipe stands up to all planners, and things did happen.
func TestClean(t *testing.T) {
	sum, err := Do(context.Background(), options("lock", 120))
	require.NoError(t, err)
	require.Empty(t, sum.Findings)
	require.Equal(t, 120, sum.Seeds)
	require.Equal(t, 2, sum.Repeated)
	for _, c := range sum.Counters.Listed() {
		if c.Name != "unknown outcomes" { // of ops: a lock's are told apart
			require.Positive(t, c.Seeds, c.Name)
		}
	}
}

// TestInterrupt: what was found before is kept.
func TestInterrupt(t *testing.T) {
	o := options("lock", 1_000_000, "sort-by-name")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.View = func(s Status) {
		if s.Findings > 0 {
			cancel()
		}
	}
	sum, err := Do(ctx, o)
	require.NoError(t, err)
	require.NotEmpty(t, sum.Findings)
	require.Less(t, sum.Seeds, sum.Of)
}
