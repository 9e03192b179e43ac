package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/workloads/conformance"
)

var rewrite = flag.Bool("rewrite", false, "take what the real ensemble answers into the scripts where they do not say what may be answered")

// conforming is a run of every script, faults included.
func conforming(seed uint64) spec.Spec {
	s := spec.Default()
	s.Workload, s.Recipe, s.Seed = "conformance", "script", seed
	s.Participants, s.Pins, s.Faults, s.Time = conformance.Participants, conformance.Pins(), nil, spec.Duration(75*time.Second)
	s.Roles = conformance.Roles(s.Recipe, s.Participants)
	return s
}

// simulated is what the simulated ensemble answers, script by script.
func simulated(t *testing.T, s spec.Spec, broken ...string) [][]string {
	s.Cluster, s.Broken = "sim", broken
	scripts := conformance.Scripts(s)
	plan := conformance.Plan(scripts)
	x, err := run.Simulate(context.Background(), s, &plan)
	require.NoError(t, err)
	if broken == nil {
		require.Equal(t, checkers.Pass, x.Verdict.Outcome, x.Verdict.Sentence)
	}
	return conformance.Answers(scripts, x.Input.History)
}

// within wants every answer among those that the script allows.
func within(t *testing.T, who string, scripts []conformance.Script, answers [][]string) {
	for i, s := range scripts {
		require.Len(t, answers[i], len(s.Steps), "%s: %s: %s left steps without an answer", s.Topic, s.Name, who)
		for k, step := range s.Steps {
			if got := answers[i][k]; !step.Allows(got) {
				t.Errorf("%s: %s: %s: %s answered %q, allowed are %s", s.Topic, s.Name, step.Text, who, got, strings.Join(step.Allowed, " | "))
			}
		}
	}
}

// TestConformance: the simulated ensemble answers what the scripts allow, whatever the seed.
func TestConformance(t *testing.T) {
	for seed := range uint64(3) {
		s := conforming(seed)
		within(t, fmt.Sprintf("seed %d", seed), conformance.Scripts(s), simulated(t, s))
	}
}

// TestShrinkConformance: of a script of many steps over which a broken ensemble and a sound one differ, those are left
// that it takes to see it.
func TestShrinkConformance(t *testing.T) {
	long := conformance.Parse("long", `# long
a open p2
b open
c open
a create -s $/n-
a create $/x 0
c childrenw v $
b sync $
b get $/x
a getw w $/x
c create -e $/e
b exists $/e
a cut server
c set $/e d
b set $/x 1
b create $/x/y
a fired w
c close
a get $/x
b children $
b close
`)
	runs := 0
	differ := func(tries []conformance.Script) ([]bool, error) {
		runs++
		s := conforming(7)
		s.Scripts = conformance.Format(tries)
		return conformance.Differ(simulated(t, s), simulated(t, s, "watch-lost")), nil
	}
	small, err := conformance.Shrink(long[0], differ)
	require.NoError(t, err)
	require.Less(t, runs, 20)
	require.Less(t, len(small.Steps), 8, small.String())
	require.Contains(t, small.String(), "a cut server", "it is the loss of the connection that loses the watch")
	for i := range small.Steps {
		less := small
		less.Steps = slices.Delete(slices.Clone(small.Steps), i, i+1)
		still, err := differ([]conformance.Script{small, less})
		require.NoError(t, err)
		require.Equal(t, []bool{true, false}, still, "without step %d of\n%s", i+1, small)
	}
}

// TestConformanceSeesDefects: the suite is not content with servers that are broken.
func TestConformanceSeesDefects(t *testing.T) {
	for _, defect := range []string{"watch-lost", "ephemeral-kept", "torn-close"} {
		s := conforming(1)
		scripts := conformance.Scripts(s)
		var refused []string
		for i, answers := range simulated(t, s, defect) {
			for k, answer := range answers {
				if !scripts[i].Steps[k].Allows(answer) {
					refused = append(refused, scripts[i].Name)
				}
			}
		}
		require.NotEmpty(t, refused, defect)
	}
}
