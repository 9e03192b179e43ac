//go:build docker || accept

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/results"
	"riven/workloads/conformance"
)

// The simulated ensemble answers as the real one does, script by script, step by step.
func TestConformance(t *testing.T) {
	const seed = 1
	simulated, real := transcript(t, "sim", seed), transcript(t, "docker", seed)
	for i, s := range conformance.Scripts(seed, conformance.Random) {
		key := fmt.Sprintf("s%d", i+1)
		require.Len(t, real[key], len(s.Steps), s.Name)
		require.Equal(t, strings.Join(real[key], "\n"), strings.Join(simulated[key], "\n"), "%s: expected is what the real ensemble answered", s.Name)
	}
}

// transcript is what a cluster answered, by script.
func transcript(t *testing.T, cluster string, seed int, more ...string) map[string][]string {
	args := []string{"--cluster", cluster, "--faults", "none", "--time", "30s", "--seed", fmt.Sprint(seed)}
	o := runWorkload(t, "conformance", append(args, more...)...)
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	b, err := results.Open(o.Bundle)
	require.NoError(t, err)
	asked, out := map[int64]history.Op{}, map[string][]string{}
	for _, e := range b.History {
		switch {
		case e.F != conformance.Step:
		case e.Type == history.Invoke:
			asked[e.ID] = e.Op
		case e.Type == history.OK:
			out[e.Key] = append(out[e.Key], asked[e.ID].Text+" → "+e.Text)
		}
	}
	return out
}
