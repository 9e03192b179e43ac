//go:build docker || accept

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
	"riven/results"
	"riven/workloads/conformance"
)

// TestConformanceReal: the real ensemble answers what the scripts allow; where they do not say, what the simulated one
// answers. A script over which the two differ is told as small as it goes.
func TestConformanceReal(t *testing.T) {
	s := conforming(1)
	scripts, real := conformance.Scripts(s), real(t, s)
	if *rewrite {
		take(t, scripts, real)
	}
	within(t, "the real ensemble", scripts, real)
	for i, differs := range conformance.Differ(real, simulated(t, s)) {
		if differs && scripts[i].Topic == "random" {
			t.Errorf("the simulation answers otherwise than the real ensemble to\n%s", shrunk(t, s, scripts[i]))
		}
	}
}

// real is what the real ensemble answers, script by script.
func real(t *testing.T, s spec.Spec) [][]string {
	scripts := conformance.Scripts(s)
	dir := t.TempDir()
	for name, v := range map[string]any{"spec.json": s, "plan.json": conformance.Plan(scripts)} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	o := riven(t, "run", "--spec", dir+"/spec.json", "--plan", dir+"/plan.json", "--json", "--dir", bundleDir(t))
	require.Equal(t, 0, o.Code, "%s\n%s", o.Stdout, o.Stderr)
	b, err := results.Open(o.Bundle)
	require.NoError(t, err)
	t.Log("\n" + durations(took(scripts, b.History)))
	return conformance.Answers(scripts, b.History)
}

// shrunk is the smallest script over which the worlds still differ, with what the real one answers.
func shrunk(t *testing.T, s spec.Spec, script conformance.Script) string {
	s.Time = spec.Duration(15 * time.Second)
	small, err := conformance.Shrink(script, func(tries []conformance.Script) ([]bool, error) {
		s.Scripts = conformance.Format(tries)
		return conformance.Differ(real(t, s), simulated(t, s)), nil
	})
	require.NoError(t, err)
	s.Scripts = conformance.Format([]conformance.Script{small})
	for k, answer := range real(t, s)[0] {
		small.Steps[k].Allowed = []string{answer}
	}
	return small.String()
}

// take writes answers into the scripts' files.
func take(t *testing.T, scripts []conformance.Script, answers [][]string) {
	files := map[string][]conformance.Script{}
	for i, s := range scripts {
		if s.Topic == "random" {
			continue
		}
		for k := range s.Steps {
			if s.Steps[k].Allowed == nil {
				s.Steps[k].Allowed = []string{answers[i][k]}
			}
		}
		files[s.Topic] = append(files[s.Topic], s)
	}
	for _, topic := range slices.Sorted(maps.Keys(files)) {
		require.NoError(t, os.WriteFile("../../workloads/conformance/scripts/"+topic+".txt", []byte(conformance.Format(files[topic])), 0o644))
	}
}
