package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/campaign"
	"riven/results"
)

func shownCampaign() results.Campaign {
	run := func(o checkers.Outcome) []results.CampaignRun {
		return []results.CampaignRun{{N: 1, Tries: []results.CampaignAttempt{{Outcome: o}}}, {N: 2}}
	}
	return results.Campaign{Name: "nightly", State: results.Running, Spent: time.Minute, Cells: []results.CampaignCell{
		{ID: "a", Runs: run(checkers.Pass)}, {ID: "b", Runs: run(checkers.Violation)}, {ID: "c", Canary: true, Found: true, Runs: run(checkers.Violation)},
		{ID: "d", Runs: make([]results.CampaignRun, 2)},
	}}
}

// What is under way or not well is shown first, and the rest as far as there is room.
func TestTableLines(t *testing.T) {
	now := campaign.Run{Cell: &campaign.Cell{ID: "d"}, N: 1}
	head := "nightly: 2 of 6 runs made in 1m0s, 1 violation, 1 pass; 1 of 1 canaries found; now d #1, 7s"
	require.Equal(t, []string{head, "  ✕·   b", "  ··   d", "  ✓·   a", "  ✕·   c  canary, found"}, tableLines(shownCampaign(), &now, 7*time.Second, 9))
	require.Equal(t, []string{head, "  ✕·   b", "… and 3 more cells"}, tableLines(shownCampaign(), &now, 7*time.Second, 3))
}

// The table is taken away before anything else is printed, and drawn again below it.
func TestCampaignViewOnATerminal(t *testing.T) {
	var out bytes.Buffer
	v := &campaignView{out: &out, stop: make(chan struct{}), size: func() (int, int) { return 40, 24 }}
	v.Show(shownCampaign, nil)
	v.Printf("a line")
	v.done()
	require.Equal(t, 2, strings.Count(out.String(), "\x1b[5A\x1b[J"))
	require.Contains(t, out.String(), "\x1b[5A\x1b[Ja line\nnightly: 2 of 6 runs made in 1m0s, 1 v…\n")
	require.True(t, strings.HasSuffix(out.String(), "\x1b[J"))

	out.Reset()
	v = newCampaignView(&out)
	v.Show(shownCampaign, nil)
	v.Printf("a line")
	v.done()
	require.Equal(t, "a line\n", out.String(), "elsewhere only lines")
}
