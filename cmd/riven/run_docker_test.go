//go:build docker

package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/nemesis"
	"riven/results"
)

// Every fault in turn, all with receipts, and nothing wrong: the recipe is right.
func TestRunPasses(t *testing.T) {
	o := runLock(t, "--recipe", "curator", "--time", "25s", "--seed", "1", "--faults", "partition,kill,pause,lose-reply", "--session", "1s")
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	require.Equal(t, checkers.Pass, o.Verdict.Outcome)
	b, err := results.Open(o.Bundle)
	require.NoError(t, err)
	for _, r := range b.Receipts {
		require.Equal(t, nemesis.Applied, r.Status, r.Why)
	}
	for _, name := range []string{"report.html", "junit.xml", "summary.md", "verdict.json"} {
		require.FileExists(t, o.Bundle+"/"+name)
	}
	again := riven(t, "check", o.Bundle, "--json")
	require.Equal(t, o.Verdict, again.Verdict, "the bundle alone gives the same verdict")
}

// What the other workloads promise holds under every fault, and the bundle alone gives the same verdict: additions are counted right, reads
// and writes are linearizable, one is active at a time and no acknowledged write is lost, a partition has one owner.
func TestWorkloadsPass(t *testing.T) {
	for workload, length := range map[string]string{"counter": "12s", "register": "12s", "election": "14s", "rebalance": "14s"} {
		t.Run(workload, func(t *testing.T) {
			o := runWorkload(t, workload, "--time", length, "--seed", "1", "--faults", "partition,kill,pause", "--session", "1s")
			require.Equal(t, 0, o.Code, o.Verdict.Sentence)
			again := riven(t, "check", o.Bundle, "--json")
			require.Equal(t, o.Verdict, again.Verdict, "the bundle alone gives the same verdict")
		})
	}
}

// A holder that is paused in mid-hold writes after its successor when nothing fences it.
func TestRunFindsTheStaleWrite(t *testing.T) {
	a := armed{"curator", "", quick + " --session 1s --fencing=false", step("f1", "1s", "2s", midHold, `{"kind": "pause", `+holder), nil}
	o := runLock(t, a.command(t, 1, false)...)
	require.Equal(t, 1, o.Code, o.Verdict.Sentence)
	require.Contains(t, violated(o.Verdict), checkers.ClaimExclusion)
}

// One defect of each kind; make accept has them all.
func TestRunFindsDefects(t *testing.T) {
	for _, a := range defects {
		if !slices.Contains([]string{"curator/sort-by-name", "curator/persistent-node", "counter/cas/blind-retry", "election/zkfc/no-fencing", "rebalance/high-level/fetchers-not-stopped"}, a.recipe+"/"+a.defect) {
			continue
		}
		t.Run(a.defect, func(t *testing.T) {
			o := a.run(t, 1, true)
			require.True(t, a.breaksOwn(o.Verdict), "violated: %v", violated(o.Verdict))
			require.Equal(t, 1, o.Code)
		})
	}
}

// A plan that touched nothing is no pass: nobody talks along an edge between two participants.
func TestRunWithoutEffectIsInconclusive(t *testing.T) {
	a := armed{recipe: "curator", defect: "idle", args: quick + " --participants 2",
		plan: step("f1", "1s", "3s", "", `{"kind": "lose-reply", "op": "setData", "target": {"node": "p1"}}`)}
	o := runLock(t, a.command(t, 1, false)...)
	require.Equal(t, 2, o.Code, o.Verdict.Sentence)
	require.Contains(t, o.Verdict.Sentence, "no reply to setData came")
}

// The harness is killed in mid-run: the kernel ends the nodes, the bundle tells what was seen, another run beside it
// is left alone.
func TestKilledHarnessLeavesNothing(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	other := make(chan outcome, 1)
	go func() { other <- runLock(t, strings.Fields(quick+" --faults none --seed 9")...) }()
	dir := t.TempDir()
	cmd := exec.Command(path, "run", "lock", "--dir", dir, "--time", "60s", "--participants", "3", "--seed", "1")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return opsStarted(dir) }, time.Minute, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	bundle := onlyDir(t, dir)
	run := bundle[strings.LastIndex(bundle, "/")+1:]
	require.Eventually(t, func() bool { return nodes(t, run) == 0 }, 10*time.Second, 100*time.Millisecond)
	o := riven(t, "check", bundle, "--json")
	require.Equal(t, 2, o.Code, o.Stdout+o.Stderr)
	require.Equal(t, 0, (<-other).Code, "the run beside it passes")
}

// Ctrl-C ends the run in an orderly way, with a verdict on what there was.
func TestInterrupt(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	dir := t.TempDir()
	cmd := exec.Command(path, "run", "lock", "--dir", dir, "--time", "60s", "--participants", "2", "--seed", "1")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return opsStarted(dir) }, time.Minute, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	err = cmd.Wait()
	require.ErrorContains(t, err, "exit status 2")
	bundle := onlyDir(t, dir)
	require.FileExists(t, bundle+"/report.html")
	require.Zero(t, nodes(t, bundle[strings.LastIndex(bundle, "/")+1:]))
}

// An agent dies in mid-run: the run ends with an error that names the node, and with a judged bundle.
func TestAgentKilled(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	dir := t.TempDir()
	cmd := exec.Command(path, "run", "lock", "--dir", dir, "--time", "60s", "--participants", "2", "--faults", "none", "--seed", "1")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return opsStarted(dir) }, time.Minute, 50*time.Millisecond)
	bundle := onlyDir(t, dir)
	run := bundle[strings.LastIndex(bundle, "/")+1:]
	id, err := exec.Command("docker", "ps", "-q", "--filter", "label=riven.run="+run, "--filter", "label=riven.node=zk2").Output()
	require.NoError(t, err)
	require.NoError(t, exec.Command("docker", "kill", strings.TrimSpace(string(id))).Run())
	require.ErrorContains(t, cmd.Wait(), "exit status 3")
	b, err := results.Open(bundle)
	require.NoError(t, err)
	require.Contains(t, b.Verdict.Reasons, "zk2: its agent is gone")
	require.Zero(t, nodes(t, run))
}

// The engine goes away in mid-run, as far as the harness can see.
func TestNoEngine(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "run", "lock", "--dir", t.TempDir())
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///nowhere/docker.sock")
	out, err := cmd.CombinedOutput()
	require.ErrorContains(t, err, "exit status 3")
	require.Equal(t, 1, strings.Count(string(out), "\n"), string(out))
	require.Contains(t, string(out), "no Docker engine answers at unix:///nowhere/docker.sock")
}

// opsStarted tells whether the run in dir has come to its ops.
func opsStarted(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		return false
	}
	b, err := results.Open(dir + "/" + entries[0].Name())
	if err != nil {
		return false
	}
	for _, e := range b.History {
		if e.F == "acquire" {
			return true
		}
	}
	return false
}
