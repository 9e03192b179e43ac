//go:build docker

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/results"
)

// The campaign of pull requests, as the pipeline runs it, is killed in mid-run and gone on with; the gate opens on it; what its canary
// found is sent to another folder and replayed there.
func TestCampaign(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	work := bundleDir(t)
	dir := filepath.Join(work, "smoke")
	args := smoke(t, dir)
	cmd := exec.Command(path, args...)
	cmd.Dir = "../.."
	require.NoError(t, cmd.Start())
	runs := filepath.Join(dir, results.DirRuns)
	require.Eventually(t, func() bool { return inOps(runs) == 2 }, 3*time.Minute, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	found, err := os.ReadDir(runs)
	require.NoError(t, err)
	for _, d := range found {
		require.Eventually(t, func() bool { return nodes(t, d.Name()) == 0 }, 10*time.Second, 100*time.Millisecond, "the run dies with the campaign")
	}
	t.Chdir("../..")
	o := riven(t, append(args, "--json")...)
	require.Equal(t, 0, o.Code, o.Stdout+o.Stderr)
	var c results.Campaign
	require.NoError(t, json.Unmarshal([]byte(o.Stdout), &c))
	require.Equal(t, results.Complete, c.State)
	require.Equal(t, 1, c.Resumed)
	found, err = os.ReadDir(runs)
	require.NoError(t, err)
	require.Len(t, found, 4, "each run once")

	policy := filepath.Join(work, "gate.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("commit: this\nno-violation: true\nno-error: true\ncanaries: true\nevery-cell: true\nzookeeper: 3.8.0\nfresh: 1h\ncoverage: {partition: 1, kill: 1}\n"), 0o644))
	o = riven(t, "gate", "--policy", policy, "--commit", "abc", dir)
	require.Equal(t, 0, o.Code, o.Stdout+o.Stderr)

	sent := filepath.Join(t.TempDir(), "finding.tar.gz")
	o = riven(t, "export", filepath.Join(runs, finding(t, c)), "--out", sent)
	require.Equal(t, 0, o.Code, o.Stderr)
	o = riven(t, "replay", sent, "--dir", t.TempDir(), "--tries", "1", "--json")
	require.Equal(t, 1, o.Code, o.Stdout+o.Stderr)
	var x replayed
	require.NoError(t, json.Unmarshal([]byte(o.Stdout), &x))
	require.Len(t, x.Tries, 1)
	require.Equal(t, 1, x.Repeated, "%+v", x)
	require.Equal(t, checkers.Violation, x.Before.Outcome)
}

// smoke is the pipeline's command.
func smoke(t *testing.T, dir string) []string {
	for _, line := range commands(t, github) {
		if strings.HasPrefix(line, "campaign examples/campaigns/smoke.yaml ") {
			return strings.Fields(strings.NewReplacer("campaigns/smoke ", dir+" ", `"$GITHUB_SHA"`, "abc").Replace(line))
		}
	}
	t.Fatal("the pipeline has no smoke campaign")
	return nil
}

// inOps counts the bundles in the folder whose run has come to its ops.
func inOps(folder string) (n int) {
	found, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, dir := range found {
		if b, err := results.Open(dir); err == nil && slices.ContainsFunc(b.History, func(e history.Event) bool { return e.F == history.PhaseOps }) {
			n++
		}
	}
	return n
}

// finding is the bundle of the canary that was found.
func finding(t *testing.T, c results.Campaign) string {
	for _, cell := range c.Cells {
		if cell.Canary {
			require.True(t, cell.Found)
			return cell.Runs[0].Last().Bundle
		}
	}
	t.Fatal("no canary")
	return ""
}

// The container image holds nothing but riven, and that is enough.
func TestImage(t *testing.T) {
	image := fmt.Sprintf("riven-image-test:%d", os.Getpid())
	out, err := exec.Command("make", "-C", "../..", "image", "IMAGE="+image).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { require.NoError(t, exec.Command("docker", "rmi", image).Run()) })
	examples, err := filepath.Abs("../../examples")
	require.NoError(t, err)
	out, err = exec.Command("docker", "run", "--rm", "-v", examples+":/examples:ro", image, "campaign", "/examples/campaigns/nightly.yaml", "--list", "--shard", "0+1/8").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "lock/curator/docker/bookworm/")
}
