//go:build accept

package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/image"
	"riven/harness/spec"
	"riven/results"
	"riven/workloads/conformance"
)

// shipped are the recipes that are correct and Riven's own, one of each kind.
var shipped = []string{"lock/curator", "counter/cas", "register/znode", "election/zkfc", "election/ensemble", "rebalance/high-level"}

// acceptVersions has each workload's correct recipe pass under every fault on every version of ZooKeeper that is not the
// usual one, and the scripts of session calls be answered as by the usual one.
func acceptVersions(t *testing.T, a *table) {
	const every = "--faults partition,kill,pause,clock --time 30s --seed 11"
	for _, suite := range image.Suites() {
		if suite == spec.Default().Suite {
			continue
		}
		t.Run(suite, func(t *testing.T) {
			var told []string
			version, passed := "", 0
			for _, recipe := range shipped {
				workload, name, _ := strings.Cut(recipe, "/")
				o := runWorkload(t, workload, append(strings.Fields(every), "--recipe", name, "--suite", suite)...)
				if o.Code == 0 {
					passed++
				} else {
					t.Errorf("%s on %s: %s", recipe, suite, o.Verdict.Sentence)
				}
				b, err := results.Open(o.Bundle)
				require.NoError(t, err)
				version = b.Meta.ZooKeeper
				told = append(told, fmt.Sprintf("%s: %s", recipe, o.Verdict.Sentence))
			}
			a.add("all recipes on ZooKeeper "+version, "riven run WORKLOAD --recipe RECIPE --suite "+suite+" "+every,
				fmt.Sprintf("%d of %d pass; %s", passed, len(shipped), strings.Join(told, "; ")))

			run := conforming(1)
			want := conformance.Scripts(run)
			run.Suite = suite
			answers, steps := real(t, run), 0
			within(t, version, want, answers)
			for i, differs := range conformance.Differ(answers, simulated(t, conforming(1))) {
				require.False(t, differs && want[i].Topic == "random", "the simulation answers otherwise than %s to\n%s", version, want[i])
				steps += len(answers[i])
			}
			a.add("session calls are answered alike by ZooKeeper "+version, "riven run conformance (every script, faults included) --suite "+suite+" --seed 1",
				fmt.Sprintf("%d answers in %d scripts, all as the scripts allow or the simulation answers", steps, len(want)))
		})
	}
}

// acceptMillion writes the page of a simulated run of a million ops, and has a browser draw one as large.
func acceptMillion(t *testing.T, a *table) {
	const args = "--cluster sim --participants 20 --faults partition,kill,pause --time 440s --seed 1"
	o := runWorkload(t, "register", strings.Fields(args)...)
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	b, err := results.Open(o.Bundle)
	require.NoError(t, err)
	ops := 0
	for _, e := range b.History {
		if e.Completes() {
			ops++
		}
	}
	require.Greater(t, ops, 1_000_000)
	page, err := os.Stat(b.ReportPath())
	require.NoError(t, err)
	require.LessOrEqual(t, page.Size(), int64(5_000_000))
	path, err := binary()
	require.NoError(t, err)
	again := exec.Command(path, "report", o.Bundle)
	require.NoError(t, again.Run())
	cpu := again.ProcessState.UserTime() + again.ProcessState.SystemTime()
	a.add("a million ops on one page", "riven run register "+args,
		fmt.Sprintf("%d ops answered in a page of %.2f MB, which riven report writes again in %.0f s of processor time", ops, float64(page.Size())/1e6, cpu.Seconds()))

	out, err := exec.Command("go", "test", "-count=1", "-tags", "browser", "-v", "-run", "AMillionOps", "riven/results").CombinedOutput()
	require.NoError(t, err, string(out))
	said := regexp.MustCompile(`drawn in (.*)`).FindAllStringSubmatch(string(out), -1)
	require.Len(t, said, 2, string(out))
	a.add("a million ops drawn", "go test -tags browser -run AMillionOps riven/results",
		fmt.Sprintf("opened from disk with no request; a frame of the whole run takes %s, zoomed in %s (chromium without a graphics card)", said[0][1], said[1][1]))
}
