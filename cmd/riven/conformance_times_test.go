package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/run"
	"riven/workloads/conformance"
)

// took is how long steps took, by kind: those of sessions at the player itself, without faults; and how long it was
// from a cut to what it led to.
func took(scripts []conformance.Script, events []history.Event) map[string][]time.Duration {
	kinds := map[string]string{"create": "write", "set": "write", "delete": "write", "get": "read", "exists": "read", "children": "read", "sync": "sync", "open": "open"}
	effects := map[string]string{"cut server fired": "cut to the watch of another server", "cut servers fired": "cut to expiry, seen by another"}
	out := map[string][]time.Duration{}
	begun, text := map[int64]int64{}, map[int64]string{}
	var cut int64
	var how string
	for _, e := range events {
		if e.F != conformance.OpStep {
			continue
		}
		if e.Type == history.Invoke {
			begun[e.ID], text[e.ID] = e.Time, e.Text
			continue
		}
		words := strings.Fields(text[e.ID])
		switch kind, effect := kinds[words[1]], effects[how+" "+words[1]]; {
		case words[1] == "cut":
			cut, how = e.Time, "cut "+words[2]
		case effect != "":
			out[effect] = append(out[effect], time.Duration(e.Time-cut))
			how = ""
		case kind != "" && !remote(scripts, e.Key):
			out[kind] = append(out[kind], time.Duration(e.Time-begun[e.ID]))
		}
	}
	return out
}

// remote tells whether the script has sessions at another participant.
func remote(scripts []conformance.Script, key string) bool {
	var n int
	fmt.Sscanf(key, "s%d", &n)
	return slices.ContainsFunc(scripts[n-1].Steps, func(s conformance.Step) bool { return strings.Contains(s.Text, " open p") })
}

// quantiles are the tenth, the half and nine tenths, in tenths of a millisecond.
func quantiles(d []time.Duration) (out [3]time.Duration) {
	slices.Sort(d)
	for i, q := range []int{10, 50, 90} {
		out[i] = d[(len(d)-1)*q/100].Round(100 * time.Microsecond)
	}
	return out
}

func durations(times map[string][]time.Duration) string {
	var out strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(times)) {
		fmt.Fprintf(&out, "%-40s n=%-4d %v\n", kind, len(times[kind]), quantiles(times[kind]))
	}
	return out.String()
}

// measured is how long it took on the real ensemble: 10 %, 50 % and 90 % of the steps of TestConformanceReal on
// 2026-11-26, three servers of 3.8.0, fast timing, two cores shared with five other loads. bound is how many times
// shorter or longer the simulation's middle may be. It has no load, so its 90 % are not held to these.
var measured = []struct {
	kind  string
	times [3]time.Duration
	bound float64
}{
	{"read", [3]time.Duration{200 * time.Microsecond, 400 * time.Microsecond, 1300 * time.Microsecond}, 2},
	{"write", [3]time.Duration{1300 * time.Microsecond, 1900 * time.Microsecond, 5100 * time.Microsecond}, 2},
	{"sync", [3]time.Duration{300 * time.Microsecond, 500 * time.Microsecond, 1400 * time.Microsecond}, 2.5},
	{"open", [3]time.Duration{4800 * time.Microsecond, 7100 * time.Microsecond, 21 * time.Millisecond}, 2},
	{"cut to the watch of another server", [3]time.Duration{1127800 * time.Microsecond, 1137 * time.Millisecond, 1196600 * time.Microsecond}, 1.1},
	{"cut to expiry, seen by another", [3]time.Duration{852400 * time.Microsecond, 876700 * time.Microsecond, 904500 * time.Microsecond}, 1.25},
}

// TestConformanceTimes: the simulation takes about as long for a step as the real ensemble.
func TestConformanceTimes(t *testing.T) {
	s := conforming(1)
	s.Cluster = "sim"
	scripts := conformance.Scripts(s)
	plan := conformance.Plan(scripts)
	x, err := run.Simulate(context.Background(), s, &plan)
	require.NoError(t, err)
	times := took(scripts, x.Input.History)
	require.Len(t, times, len(measured))
	for _, m := range measured {
		here := quantiles(times[m.kind])[1].Seconds() / m.times[1].Seconds()
		if here > m.bound || here < 1/m.bound {
			t.Errorf("%s: the simulation takes %.2f times as long as the real ensemble, at most %v either way is allowed\n%s", m.kind, here, m.bound, durations(times))
		}
	}
}
