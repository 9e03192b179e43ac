//go:build accept

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/results"
)

// acceptHunted has the search find by itself that a holder whose server is cut from its peers goes on believing, and shows
// on a real ensemble what it found, by the plan that it made of it.
func acceptHunted(t *testing.T, a *table) {
	const tries = 5
	const search = "hunt lock --claim belief --fencing=false --faults partition --seeds 60"
	found := riven(t, append(strings.Fields(search), "--dir", bundleDir(t))...)
	require.Equal(t, checkers.Violation.ExitCode(), found.Code, found.Stderr)
	at := regexp.MustCompile(`(?m)^[^\n]*belief[^\n]*, by partition from-peers: [^\n]*\n  (reduced [^\n]*)\n[^\n]*\n  report ([^\n]*)$`).FindStringSubmatch(found.Stdout)
	require.NotNil(t, at, found.Stdout)
	dir := filepath.Dir(at[2])
	b, err := results.OpenBrief(dir)
	require.NoError(t, err)
	require.Len(t, b.Plan.Steps, 1)
	o := riven(t, "replay", dir, "--cluster", onDocker, "--tries", fmt.Sprint(tries), "--json", "--dir", bundleDir(t))
	var x replayed
	require.NoError(t, json.Unmarshal([]byte(o.Stdout), &x), o.Stderr)
	require.Greater(t, x.Repeated, tries/2, o.Stdout)
	a.add("what the search found is shown on a real ensemble", "riven "+search+"; riven replay (what it found by partition from-peers) --cluster docker --tries 5",
		fmt.Sprintf("in the simulation: %s; on containers: %s violated in %d of %d (95 %% interval %.0f to %.0f %%)",
			at[1], strings.Join(x.Before.Claims, ", "), x.Repeated, tries, x.Low*100, x.High*100))
}
