package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/clusters/docker/image"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// What the report tells people to type runs the very same spec.
func TestCommandLineTellsTheSpec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anySpec(t)
		line := commandLine(want, nil)
		require.Equal(t, asJSON(t, want), asJSON(t, typed(t, line)), line)
	})
}

// typed is the spec and seed that riven makes of a line that a shell has read.
func typed(t require.TestingT, line string) spec.Spec {
	out, err := exec.Command("sh", "-c", "set -- "+line+`; printf '%s\0' "$@"`).Output()
	require.NoError(t, err, line)
	words := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.Equal(t, []string{"riven", "run"}, words[:2])
	f := &runFlags{spec: spec.Default()}
	c := f.command()
	require.NoError(t, c.ParseFlags(words[2:]), line)
	seeds, _, err := f.resolve(c, c.Flags().Args())
	require.NoError(t, err, line)
	require.Len(t, seeds, 1)
	s := f.spec
	s.Seed = seeds[0]
	return s
}

// anySpec draws a spec that can be run and told by flags.
func anySpec(t *rapid.T) spec.Spec {
	s := spec.Default()
	w := rapid.SampledFrom(catalogue.All()).Draw(t, "workload")
	r := rapid.SampledFrom(w.Recipes).Draw(t, "recipe")
	s.Workload, s.Recipe = w.Name, r.Name
	for _, d := range r.Defects {
		if rapid.Bool().Draw(t, d.Name) {
			s.Defects = append(s.Defects, d.Name)
		}
	}
	for _, c := range r.Claims {
		if rapid.Bool().Draw(t, c.Name) {
			s.Claims = append(s.Claims, c.Name)
		}
	}
	s.Faults = nil
	for _, k := range nemesis.Kinds {
		if k == nemesis.Slow && r.Name != "zkfc" { // others take no messages
			continue
		}
		if rapid.Bool().Draw(t, string(k)) {
			s.Faults = append(s.Faults, string(k))
		}
	}
	length := func(name string, from, to time.Duration) spec.Duration {
		return spec.Duration(rapid.Int64Range(int64(from), int64(to)).Draw(t, name))
	}
	s.Timing = spec.Timings[rapid.SampledFrom([]string{"fast", "zoo_sample"}).Draw(t, "timing")]
	s.Timing.Session = length("session", 2*s.Timing.Tick(), 20*s.Timing.Tick())
	s.Time = length("time", time.Hour, 2*time.Hour) // room for every fault
	s.Hold, s.Pause = length("hold", 0, 10*time.Second), length("pause", 0, time.Minute)
	s.Servers, s.Participants = rapid.IntRange(1, 9).Draw(t, "servers"), rapid.IntRange(1, 32).Draw(t, "participants")
	s.Fencing, s.Seed = rapid.Bool().Draw(t, "fencing"), rapid.Uint64().Draw(t, "seed")
	s.Staged = rapid.Bool().Draw(t, "staged")
	s.Suite = rapid.SampledFrom(image.Suites()).Draw(t, "suite")
	s.Image = rapid.SampledFrom([]string{"", "zookeeper:3.9"}).Draw(t, "image")
	if r.Foreign() {
		s.Participant = "somebodys:own"
	}
	if w.Roles != nil {
		s.Participants = 1 + s.Participants%10 // each takes more than one node
	}
	s = catalogue.Complete(s)
	for _, p := range s.ParticipantNames() {
		if rapid.IntRange(0, 9).Draw(t, p) == 0 {
			s.Pins = append(s.Pins, spec.Pin{Participant: p, Server: rapid.SampledFrom(append(s.ServerNames(), "leader")).Draw(t, "server")})
		}
	}
	return s
}

func asJSON(t require.TestingT, s spec.Spec) string {
	b, err := json.MarshalIndent(s, "", " ")
	require.NoError(t, err)
	return string(b)
}

func TestCommandLineIsShort(t *testing.T) {
	s := spec.Default()
	s.Seed = 7
	require.Equal(t, "riven run lock --recipe=curator --fencing=true --faults=partition,kill,pause --time=30s --seed=7", commandLine(s, nil))
	s.Timing, s.Faults = spec.Timings["zoo_sample"], nil
	require.Equal(t, "riven run lock --recipe=curator --fencing=true --faults=none --time=30s --timing=zoo_sample --seed=7", commandLine(s, nil))
}

// Flags can not tell a plan from a file or a timing without a name: then the bundle's own files do.
func TestCommandLineIsLeftToTheBundle(t *testing.T) {
	s := spec.Default()
	require.Empty(t, commandLine(s, &nemesis.Plan{}))
	s.Timing.SyncLimit++
	require.Empty(t, commandLine(s, nil))
}

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{
		"7": {7}, "1,5": {1, 5}, "1..3": {1, 2, 3}, "4..4,0": {4, 0},
		"18446744073709551614..18446744073709551615": {1<<64 - 2, 1<<64 - 1},
	} {
		got, err := parseSeeds(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func FuzzParseSeeds(f *testing.F) {
	f.Add("1..3,7")
	f.Add("18446744073709551615")
	f.Add("0..18446744073709551615")
	f.Fuzz(func(t *testing.T, text string) {
		if seeds, err := parseSeeds(text); err == nil {
			require.NotEmpty(t, seeds)
			require.Less(t, len(seeds), 2*maxSeeds)
			require.False(t, slices.Contains(seeds, 0) && !strings.Contains(text, "0"))
		}
	})
}

func TestEnsembleNote(t *testing.T) {
	require.Equal(t, []string{
		"", "note: an ensemble of 2 servers survives the loss of 0, no more than one of 1 would",
		"", "note: an ensemble of 4 servers survives the loss of 1, no more than one of 3 would",
	}, []string{ensembleNote(1), ensembleNote(2), ensembleNote(3), ensembleNote(4)})
}
