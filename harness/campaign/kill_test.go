package campaign

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/results"
)

// Three SIGKILLs at random moments, then on to the end: each run exactly once, and nothing lost.
func TestKilledThrice(t *testing.T) {
	for round := range 3 {
		rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
		dir := filepath.Join(t.TempDir(), "campaign")
		for range 3 {
			killAt(t, dir, rng)
		}
		out, err := program(dir).CombinedOutput()
		require.NoError(t, err, "round %d: %s", round, out)
		exactlyOnce(t, dir)
	}
}

func program(dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RIVEN_TEST_CAMPAIGN="+dir)
	return cmd
}

// killAt starts the program and kills it some lines of the journal and some files of a bundle later.
func killAt(t *testing.T, dir string, rng *rand.Rand) {
	cmd := program(dir)
	var out bytes.Buffer
	cmd.Stderr = &out
	before := lines(dir)
	require.NoError(t, cmd.Start())
	more, files := rng.IntN(20), rng.IntN(12)
	require.Eventually(t, func() bool { return lines(dir) > before+more }, time.Minute, 100*time.Microsecond)
	there := entriesOf(dir)
	for until := time.Now().Add(20 * time.Millisecond); entriesOf(dir) < there+files && time.Now().Before(until); {
	}
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "signal: killed", "it came to its end too soon to be killed: %s", &out)
}

func lines(dir string) int {
	content, _ := os.ReadFile(filepath.Join(dir, fileJournal))
	return bytes.Count(content, []byte("\n"))
}

func entriesOf(dir string) int {
	found, _ := filepath.Glob(filepath.Join(dir, results.DirRuns, "*", "*"))
	return len(found)
}

func exactlyOnce(t *testing.T, dir string) {
	t.Helper()
	entries, _, err := readJournal(filepath.Join(dir, fileJournal))
	require.NoError(t, err)
	want := map[string]int{}
	c := mass()
	for _, r := range c.Runs(Whole, nil) {
		if !r.Cell.Canary || r.N == 1 {
			want[fmt.Sprintf("%s #%d", r.Cell.ID, r.N)] = 1
		}
	}
	got, bundles := map[string]int{}, map[string]bool{}
	begun, over := 0, 0
	for _, e := range entries {
		switch e.Act {
		case actBegin:
			begun++
		case actLost:
			over++
		case actEnd:
			over++
			got[fmt.Sprintf("%s #%d", e.Cell, e.N)]++
			bundles[e.Bundle] = true
			require.NotEqual(t, checkers.Error, e.Outcome, e.Sentence)
			b, err := results.OpenBrief(filepath.Join(dir, results.DirRuns, e.Bundle))
			require.NoError(t, err)
			require.Equal(t, e.Cell, results.Cell(b.Spec, b.Plan))
			require.Equal(t, e.Outcome, b.Verdict.Outcome)
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, begun, over)
	found, err := os.ReadDir(filepath.Join(dir, results.DirRuns))
	require.NoError(t, err)
	require.Len(t, found, len(bundles), "no bundle that nobody knows of")
	s, err := results.ReadCampaign(dir)
	require.NoError(t, err)
	require.Equal(t, results.Complete, s.State)
	require.Equal(t, 3, s.Resumed)
}

// One that was killed after its run had come to its end is not made again; its verdict, or judging it now, is what counts.
func TestRunThatEndedBeforeTheKillIsKept(t *testing.T) {
	for _, say := range []saying{{outcome: checkers.Inconclusive}, {unjudged: true}} {
		dir := t.TempDir()
		o := options(small(), dir, &recorded{})
		c := &campaign{Options: o, sizes: map[string]int64{}}
		require.NoError(t, c.open())
		r := c.runs[slices.IndexFunc(c.runs, func(r Run) bool { return r.Cell.ID == counterCell })]
		require.NoError(t, c.journal.add(entry{Act: actOpen}))
		require.NoError(t, c.journal.add(entry{Act: actBegin, Cell: r.Cell.ID, N: r.N, Seed: r.Seed, Try: 1}))
		require.NoError(t, leave(c.folder(), r.Spec(), say, false))
		require.NoError(t, c.journal.close())
		require.NoError(t, c.lock.Close())
		runner := &recorded{later: checkers.Inconclusive}
		got := do(t, options(small(), dir, runner))
		require.Equal(t, "?✓", marks(got)[counterCell])
		require.NotContains(t, runner.made, fmt.Sprintf("%s #%d", r.Cell.ID, r.N))
		require.Len(t, runner.judg, map[bool]int{true: 1}[say.unjudged])
	}
}

// A torn last line of the journal is as if it had never been begun.
func TestTornJournal(t *testing.T) {
	dir := t.TempDir()
	do(t, options(small(), dir, &recorded{}))
	path := filepath.Join(dir, fileJournal)
	whole, n, err := readJournal(path)
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"act":"begin","ce`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	j, err := openJournal(dir)
	require.NoError(t, err)
	require.Equal(t, whole, j.entries)
	require.NoError(t, j.add(entry{Act: actOpen}))
	require.NoError(t, j.close())
	again, more, err := readJournal(path)
	require.NoError(t, err)
	require.Len(t, again, len(whole)+1)
	require.Greater(t, more, n)
	require.NoError(t, os.WriteFile(path, []byte("{}\nnonsense\n{}\n"), 0o644))
	_, err = openJournal(dir)
	require.ErrorContains(t, err, "journal.jsonl line 2")
}
