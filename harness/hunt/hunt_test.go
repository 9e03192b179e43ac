package hunt

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
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

// TestReduce: the reduced run shows the same with nothing in it that can be left out, and reducing it once more changes
// nothing.
func TestReduce(t *testing.T) {
	o := options("lock", 60)
	o.Spec.Claims, o.Spec.Faults, o.Spec.Fencing = []string{"belief"}, []string{"partition"}, false
	o.Spec.Time = spec.Duration(20 * time.Second)
	sum, err := Do(context.Background(), o)
	require.NoError(t, err)
	require.NotEmpty(t, sum.Findings)
	f := sum.Findings[0]
	require.Equal(t, []string{"exclusion", "tokens", "belief"}, f.Claims, "one run shows them all")
	require.Equal(t, []string{"partition from-peers"}, f.Cause)
	r := f.Reduced
	require.NotNil(t, r)
	require.LessOrEqual(t, r.Runs, budget)
	require.LessOrEqual(t, r.Arming, armBudget)
	require.Equal(t, neighbours, r.Armed.Of)
	require.GreaterOrEqual(t, r.Armed.Shown, r.Timed.Shown)
	require.Less(t, len(r.Plan.Steps), len(f.Plan.Steps))
	require.LessOrEqual(t, r.Spec.Participants, f.Spec.Participants)
	require.LessOrEqual(t, r.Spec.Time, f.Spec.Time)
	f.Key = "belief at recipe"
	a := &attempts{ctx: context.Background(), key: f.Key, left: 1000}
	require.True(t, a.shows(r.Spec, r.Plan))
	for i := range r.Plan.Steps {
		less := r.Plan
		less.Steps = slices.Delete(slices.Clone(r.Plan.Steps), i, i+1)
		require.False(t, a.shows(r.Spec, less), "step %d is not needed", i)
	}
	require.Equal(t, r.Plan.Cause(), f.Cause)
	f.Spec, f.Plan = r.Spec, r.Plan
	twice, err := reduce(context.Background(), f)
	require.NoError(t, err)
	require.Len(t, twice.Plan.Steps, len(r.Plan.Steps))
}

// TestArm: a pause that hit a holder by its time alone shows rarely in other seeds; armed on the acquire it shows in nearly all,
// and so says the reduced plan.
func TestArm(t *testing.T) {
	o := options("lock", 30)
	o.Spec.Claims, o.Spec.Faults = []string{"belief"}, []string{"pause"}
	sum, err := Do(context.Background(), o)
	require.NoError(t, err)
	require.NotEmpty(t, sum.Findings)
	r := sum.Findings[0].Reduced
	require.GreaterOrEqual(t, r.Armed.Shown, enough)
	require.Len(t, r.Plan.Steps, 1)
	require.NotNil(t, r.Plan.Steps[0].On)
	require.Equal(t, nemesis.OnAcquired, r.Plan.Steps[0].On.Event)
	a := &attempts{ctx: context.Background(), key: sum.Findings[0].Key, left: 100}
	y, ok := a.yield(r.Spec, r.Plan)
	require.True(t, ok)
	require.Equal(t, r.Armed, y)
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
	require.Nil(t, sum.Findings[0].Reduced)
	require.Less(t, sum.Seeds, sum.Of)
}

// TestWithin: what needs other kinds of faults is another finding, what needs more of the same is not.
func TestWithin(t *testing.T) {
	cut, kill := []string{"partition from-peers"}, []string{"kill of a server"}
	require.True(t, within(nil, cut))
	require.True(t, within(cut, append(kill, cut...)))
	require.False(t, within(cut, kill))
	require.False(t, within(append(kill, cut...), cut))
}

// TestTurns: every spec meets every searcher, however many specs there are.
func TestTurns(t *testing.T) {
	searchers := len(nemesis.Searchers())
	for n := 1; n <= 2*searchers; n++ {
		met := map[[2]int]bool{}
		for i := range n * searchers {
			met[[2]int{turn(i, n), i % searchers}] = true
		}
		require.Len(t, met, n*searchers, "%d specs", n)
	}
}
