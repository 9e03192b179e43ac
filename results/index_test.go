package results

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
)

// folder holds n small bundles; every fifth is a violation.
func folder(t testing.TB, n int) string {
	root := t.TempDir()
	for i := range n {
		s := spec.Default()
		s.Seed = uint64(i)
		r, err := Create(root, s, began.Add(time.Duration(i)*time.Hour))
		require.NoError(t, err)
		r.Record(history.Event{Time: 1, Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseOps}})
		require.NoError(t, r.Close())
		b, err := Open(r.Dir)
		require.NoError(t, err)
		v := checkers.Verdict{Version: 1, Outcome: checkers.Pass, Sentence: fmt.Sprintf("run %d passed", i)}
		if i%5 == 0 {
			v.Outcome, v.Checks = checkers.Violation, []checkers.Check{{Claim: checkers.ClaimExclusion, Outcome: checkers.Violation}}
		}
		require.NoError(t, b.WriteAll(v))
	}
	return root
}

func TestIndexIsMadeOfTheBundlesAlone(t *testing.T) {
	root := folder(t, 6)
	require.NoError(t, os.Mkdir(filepath.Join(root, "notes"), 0o755))
	first, problems, err := Index(root)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, first, 6)
	require.Equal(t, uint64(5), first[0].Seed, "the newest first")
	require.Equal(t, []string{checkers.ClaimExclusion}, first[0].Claims)
	file := filepath.Join(root, indexFile)
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	for what, change := range map[string]func() error{
		"as it is": func() error { return nil },
		"deleted":  func() error { return os.Remove(file) },
		"spoilt":   func() error { return os.WriteFile(file, []byte("{\n"), 0o644) },
		"torn":     func() error { return os.WriteFile(file, kept[:len(kept)/2], 0o644) },
	} {
		require.NoError(t, change(), what)
		again, problems, err := Index(root)
		require.NoError(t, err, what)
		require.Empty(t, problems, what)
		require.Equal(t, first, again, what)
		rebuilt, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(kept), string(rebuilt), what)
	}
}

func TestIndexFollowsTheFolder(t *testing.T) {
	root := folder(t, 3)
	all, _, err := Index(root)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(root, all[0].Run)))
	b, err := Open(filepath.Join(root, all[1].Run))
	require.NoError(t, err)
	require.NoError(t, b.WriteAll(checkers.Verdict{Version: 1, Outcome: checkers.Inconclusive, Sentence: "judged anew"}))
	require.NoError(t, os.WriteFile(filepath.Join(root, all[2].Run, fileMeta), []byte("{"), 0o644))
	now, problems, err := Index(root)
	require.NoError(t, err)
	require.Len(t, now, 1)
	require.Equal(t, "judged anew", now[0].Sentence)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], all[2].Run)
}

// A run that goes on is listed, and read again each time.
func TestIndexOfARunThatGoesOn(t *testing.T) {
	root := t.TempDir()
	r, err := Create(root, spec.Default(), began)
	require.NoError(t, err)
	for range 2 {
		all, problems, err := Index(root)
		require.NoError(t, err)
		require.Empty(t, problems)
		require.Len(t, all, 1)
		require.Empty(t, all[0].Outcome)
	}
	require.NoError(t, r.Close())
}

func BenchmarkIndexOf10000(b *testing.B) {
	root := folder(b, 10_000)
	_, _, err := Index(root)
	require.NoError(b, err)
	b.ResetTimer()
	for b.Loop() {
		all, _, err := Index(root)
		require.NoError(b, err)
		require.Len(b, all, 10_000)
	}
}
