package campaign

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/results"
)

func TestAllWell(t *testing.T) {
	r := &recorded{}
	got := do(t, options(small(), t.TempDir(), r))
	require.Equal(t, []string{canaryCell + " #1", counterCell + " #1", lockCell + " #1", counterCell + " #2", lockCell + " #2"}, r.made)
	require.Equal(t, map[string]string{canaryCell: "✕··", counterCell: "✓✓", lockCell: "✓✓"}, marks(got))
	require.Equal(t, results.Complete, got.State)
	require.Equal(t, checkers.Pass, got.Outcome())
}

func TestOnceMoreDoesNothing(t *testing.T) {
	dir, r := t.TempDir(), &recorded{}
	do(t, options(small(), dir, r))
	n := len(r.made)
	again := do(t, options(small(), dir, r))
	require.Len(t, r.made, n)
	require.Equal(t, results.Complete, again.State)
	require.Equal(t, 1, again.Resumed)
}

// Only an error is made again, twice at most, and the table shows it; a violation stands.
func TestTriesAreSeen(t *testing.T) {
	r := &recorded{says: func(r Run, try int) saying {
		switch {
		case r.Cell.Canary:
			return found
		case r.Cell.ID == counterCell && r.N == 1:
			return saying{crash: true}
		case r.Cell.ID == counterCell && try < 3:
			return saying{outcome: checkers.Error}
		case r.N == 2:
			return found
		}
		return saying{outcome: checkers.Pass}
	}}
	dir := t.TempDir()
	got := do(t, options(small(), dir, r))
	require.Equal(t, map[string]string{canaryCell: "✕··", counterCell: "!!!!!✕", lockCell: "✓✕"}, marks(got))
	require.Equal(t, map[string]int{canaryCell + " #1": 1, counterCell + " #1": 3, counterCell + " #2": 3, lockCell + " #1": 1, lockCell + " #2": 1}, r.runs)
	require.Equal(t, checkers.Violation, got.Outcome())
	require.Equal(t, "error: riven run: signal: segmentation fault: panic: it broke", got.Cells[0].Runs[0].Tries[0].Sentence)
	require.Equal(t, "made again after an error: 4", got.Cells[0].Remark())
	logs, err := os.ReadDir(filepath.Join(dir, dirLogs))
	require.NoError(t, err)
	require.Len(t, logs, 5, "the log of every attempt that broke")
}

// The exit code of a run and its verdict must agree: a run that crashed behind its verdict is no pass.
func TestACrashBehindAPassIsAnError(t *testing.T) {
	r := &recorded{says: func(r Run, _ int) saying {
		if r.Cell.ID == lockCell {
			return saying{outcome: checkers.Pass, code: 2}
		}
		if r.Cell.ID == counterCell {
			return saying{outcome: checkers.Violation, claim: checkers.ClaimCounter, code: 3}
		}
		return saying{outcome: checkers.Pass}
	}}
	got := do(t, options(small(), t.TempDir(), r))
	require.Equal(t, map[string]string{canaryCell: "✓✓✓", counterCell: "✕✕", lockCell: "!!!!!!"}, marks(got))
	require.Equal(t, "error: its exit code is 2, though its verdict is pass: panic: it broke", got.Cells[1].Runs[0].Last().Sentence)
}

// A canary that sings another song is not found, and the campaign proves nothing.
func TestCanaryMissed(t *testing.T) {
	r := &recorded{says: func(r Run, _ int) saying {
		if r.Cell.Canary {
			return saying{outcome: checkers.Violation, claim: checkers.ClaimHandOver}
		}
		return saying{outcome: checkers.Pass}
	}}
	got := do(t, options(small(), t.TempDir(), r))
	require.Equal(t, "✕✕✕", marks(got)[canaryCell])
	require.Equal(t, checkers.Error, got.Outcome())
	require.Contains(t, got.Markdown(), "canary, NOT FOUND")
	require.Contains(t, got.Sentence(), "0 of 1 canaries found")
}

func TestTimeout(t *testing.T) {
	c := small()
	c.Timeout = time.Nanosecond
	r := &recorded{says: func(r Run, _ int) saying {
		return saying{hang: r.Cell.ID == lockCell && r.N == 1, outcome: checkers.Violation, claim: checkers.ClaimExclusion}
	}}
	got := do(t, options(c, t.TempDir(), r))
	require.Equal(t, "!!!✕", marks(got)[lockCell], "what took too long is an error, but a violation stands")
	require.Equal(t, "error: it took longer than the timeout of 1ns", got.Cells[1].Runs[0].Last().Sentence)
}

func TestBudget(t *testing.T) {
	c := small()
	c.Budget.Runs = 2
	dir, r := t.TempDir(), &recorded{}
	got := do(t, options(c, dir, r))
	require.Equal(t, results.OverBudget, got.State)
	require.Equal(t, checkers.Inconclusive, got.Outcome())
	require.Equal(t, []string{canaryCell + " #1", counterCell + " #1"}, r.made, "canaries come first")

	c.Budget.Runs = 0
	got = do(t, options(c, dir, r))
	require.Equal(t, results.Complete, got.State, "with a larger budget it goes on")
	require.Len(t, r.made, 5)

	c = small()
	c.Budget.Time = time.Nanosecond
	r = &recorded{}
	got = do(t, options(c, t.TempDir(), r))
	require.Equal(t, results.OverBudget, got.State)

	c = small()
	c.Budget.UntilFinding = true
	r = &recorded{says: func(r Run, _ int) saying { return found }}
	got = do(t, options(c, t.TempDir(), r))
	require.Equal(t, results.AtFinding, got.State)
	require.Equal(t, []string{canaryCell + " #1", counterCell + " #1"}, r.made, "a canary is no finding")
}

// What breaks every run would break the rest.
func TestGivesUp(t *testing.T) {
	dir, r := t.TempDir(), &recorded{says: func(Run, int) saying { return saying{crash: true} }}
	got := do(t, options(mass(), dir, r))
	require.Equal(t, results.GaveUp, got.State)
	require.Len(t, r.made, maxTries*patienceWithErrors)
	require.Equal(t, checkers.Error, got.Outcome())
	got = do(t, options(mass(), dir, &recorded{}))
	require.Equal(t, results.Complete, got.State, "it goes on when that is mended")
}

// Interrupted in mid-run: what there was of the run goes, unless it is a violation, and it is made anew.
func TestInterrupted(t *testing.T) {
	for _, violated := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		dir := t.TempDir()
		r := &recorded{}
		r.says = func(run Run, _ int) saying {
			say := saying{outcome: checkers.Pass}
			if run.Cell.ID == lockCell && run.N == 1 && ctx.Err() == nil {
				say.then = cancel
				if violated {
					say.outcome, say.claim = checkers.Violation, checkers.ClaimExclusion
				}
			}
			return say
		}
		got, err := Do(ctx, options(small(), dir, r))
		require.NoError(t, err)
		require.Equal(t, results.Interrupted, got.State)
		require.Equal(t, map[bool]string{false: "··", true: "✕·"}[violated], marks(got)[lockCell])
		got = do(t, options(small(), dir, r))
		require.Equal(t, results.Complete, got.State)
		require.Equal(t, map[bool]string{false: "✓✓", true: "✕✓"}[violated], marks(got)[lockCell])
		bundles, err := os.ReadDir(filepath.Join(dir, results.DirRuns))
		require.NoError(t, err)
		require.Len(t, bundles, 7, "one for each run and no more: three of the canary, which was not found")
	}
}

func TestAnotherCampaignIsRefused(t *testing.T) {
	dir := t.TempDir()
	do(t, options(small(), dir, &recorded{}))
	for want, change := range map[string]func(*Options){
		"its shard is 1/1, not 2/2":      func(o *Options) { o.Shard = Shard{2, 2} },
		"its commit is abc, not def":     func(o *Options) { o.Commit = "def" },
		"its riven is abc, not def":      func(o *Options) { o.Riven = "def" },
		"its list of cells and seeds is": func(o *Options) { o.Campaign.Seed++ },
	} {
		o := options(small(), dir, &recorded{})
		change(&o)
		_, err := Do(t.Context(), o)
		require.ErrorContains(t, err, want)
	}
	held, err := lock(dir)
	require.NoError(t, err)
	_, err = Do(t.Context(), options(small(), dir, &recorded{}))
	require.ErrorContains(t, err, "another riven works at the campaign")
	require.NoError(t, held.Close())
	require.NoError(t, os.Mkdir(filepath.Join(dir, results.DirRuns, "stranger"), 0o755))
	_, err = Do(t.Context(), options(small(), dir, &recorded{}))
	require.ErrorContains(t, err, "it knows nothing of stranger")
}

func TestUnstable(t *testing.T) {
	pass, violation := checkers.Pass.String(), checkers.Violation.String()
	for _, c := range []struct {
		seen []Seen
		want string
	}{
		{nil, ""},
		{[]Seen{{"abc", 1, pass}, {"abc", 2, pass}, {"def", 1, violation}}, ""},
		{[]Seen{{"abc", 1, violation}, {"abc", 2, violation}}, ""},
		{[]Seen{{"abc", 1, pass}, {"abc", 1, "error"}}, ""},
		{[]Seen{{"abc", 1, pass}, {"abc", 2, violation}, {"abc", 3, violation}}, "2 of 3 runs on this commit were violated, the others passed"},
		{[]Seen{{"abc", 7, pass}, {"abc", 7, violation}}, "seed 7 gave pass and violation on the same commit"},
		{[]Seen{{"abc", 7, "inconclusive"}, {"abc", 7, pass}}, "seed 7 gave inconclusive and pass on the same commit"},
	} {
		require.Equal(t, c.want, unstable(c.seen, "abc"))
	}
}

// What an earlier campaign in the same folder saw is remembered.
func TestPastsAndUnstableCells(t *testing.T) {
	root := t.TempDir()
	do(t, options(small(), filepath.Join(root, "first"), &recorded{}))
	require.NoError(t, os.Mkdir(filepath.Join(root, "other"), 0o755))
	past, err := Pasts(root, filepath.Join(root, "second"))
	require.NoError(t, err)
	require.Equal(t, 2, past[lockCell].Runs)
	require.Equal(t, 1, past[canaryCell].Violations)
	o := options(small(), filepath.Join(root, "second"), &recorded{says: func(r Run, _ int) saying {
		return found
	}})
	o.Past = past
	got := do(t, o)
	i := slices.IndexFunc(got.Cells, func(c results.CampaignCell) bool { return c.ID == lockCell })
	require.Contains(t, got.Cells[i].Unstable, "gave pass and violation on the same commit")
	require.Contains(t, got.Markdown(), "unstable: seed")
	none, err := Pasts(filepath.Join(root, "nowhere"), "")
	require.NoError(t, err)
	require.Empty(t, none)
}

func whole(t *testing.T, dir string) (n int) {
	found, err := filepath.Glob(filepath.Join(dir, results.DirRuns, "*", "history.rvn"))
	require.NoError(t, err)
	return len(found)
}

func TestPassesAreThinned(t *testing.T) {
	c := small()
	c.Keep.Passes = 1
	dir := t.TempDir()
	got := do(t, options(c, dir, &recorded{}))
	require.Equal(t, 3, whole(t, dir), "the latest of each cell, and the canary's")
	require.True(t, got.Cells[0].Runs[0].Last().Thinned)
	require.False(t, got.Cells[0].Runs[1].Last().Thinned)
}

// The cap takes passes before anything else, and never a violation.
func TestCapOfBytes(t *testing.T) {
	c := small()
	c.Keep = Keep{Passes: 9, Bytes: 1}
	dir := t.TempDir()
	got := do(t, options(c, dir, &recorded{says: func(r Run, _ int) saying {
		switch {
		case r.Cell.ID == lockCell && r.N == 1:
			return found
		case r.Cell.ID == lockCell:
			return saying{outcome: checkers.Inconclusive}
		case r.Cell.Canary:
			return found
		}
		return saying{outcome: checkers.Pass}
	}}))
	require.Equal(t, 1, whole(t, dir))
	for _, r := range got.Cells[1].Runs {
		require.Equal(t, r.Last().Outcome != checkers.Violation, r.Last().Thinned)
	}
	require.NotEmpty(t, got.Notes)
	require.Contains(t, got.Notes[0], "more than the cap of 1")
}
