package results

import (
	"encoding/xml"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/checkers"
)

// shown is a campaign with something of everything in it.
func shownCampaign() Campaign {
	try := func(o checkers.Outcome, sentence, bundle string) CampaignAttempt {
		return CampaignAttempt{Outcome: o, Sentence: sentence, Bundle: bundle, Took: 1500 * time.Millisecond}
	}
	return Campaign{
		Version: 1, Name: "nightly", Digest: "d1", Seed: 7, Shard: 2, Shards: 4, Commit: "abc", Riven: "abc", Started: began, Spent: 3 * time.Hour, State: OverBudget,
		Notes: []string{"it was stopped and gone on with 2 times"},
		Cells: []CampaignCell{
			{ID: "counter/cas/none", Runs: []CampaignRun{
				{N: 1, Seed: 11, Tries: []CampaignAttempt{try(checkers.Error, "error: it | broke", ""), try(checkers.Pass, "pass: all", "b1")}},
				{N: 2, Seed: 12, Tries: []CampaignAttempt{try(checkers.Inconclusive, "inconclusive: <little>", "b2")}},
				{N: 3, Seed: 13},
			}},
			{ID: "lock/curator/kill", Unstable: "seed 21 gave pass and violation on the same commit", Runs: []CampaignRun{
				{N: 1, Seed: 21, Tries: []CampaignAttempt{try(checkers.Violation, "violation: two holders", "b3")}},
			}},
			{ID: "lock/curator/none/defect=a", Canary: true, Found: true, Runs: []CampaignRun{
				{N: 1, Seed: 31, Tries: []CampaignAttempt{try(checkers.Violation, "violation: as it should", "b4")}}, {N: 2, Seed: 32},
			}},
			{ID: "lock/curator/none/defect=b", Canary: true, Runs: []CampaignRun{{N: 1, Seed: 41, Tries: []CampaignAttempt{try(checkers.Pass, "pass", "b5")}}}},
			{ID: "lock/curator/none/defect=c", Canary: true, Runs: []CampaignRun{{N: 1, Seed: 51}}},
		},
	}
}

// TestCampaignReadings holds the readings of a campaign against testdata/campaign.
func TestCampaignReadings(t *testing.T) {
	c := shownCampaign()
	datadriven.RunTest(t, "testdata/campaign", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "markdown":
			return c.Markdown()
		case "junit":
			out, err := c.junit()
			require.NoError(t, err)
			var back suites
			require.NoError(t, xml.Unmarshal(out, &back))
			return string(out)
		case "sentence":
			return c.Title() + ": " + c.Sentence() + ": " + c.Outcome().String() + "\n"
		}
		d.Fatalf(t, "unknown command %s", d.Cmd)
		return ""
	})
}

func TestCampaignRoundTrip(t *testing.T) {
	dir, c := t.TempDir(), shownCampaign()
	require.False(t, IsCampaign(dir))
	require.NoError(t, c.Write(dir))
	require.True(t, IsCampaign(dir))
	got, err := ReadCampaign(dir)
	require.NoError(t, err)
	require.Equal(t, c, got)
	c.Version = 9
	require.NoError(t, c.Write(dir))
	_, err = ReadCampaign(dir)
	require.ErrorContains(t, err, "version 9, this riven reads version 1")
}

// A campaign that did not make all it wanted is no pass, nor is one whose canary did not sing.
func TestCampaignOutcome(t *testing.T) {
	pass := []CampaignRun{{N: 1, Tries: []CampaignAttempt{{Outcome: checkers.Pass}}}}
	for want, list := range map[checkers.Outcome][]Campaign{
		checkers.Pass: {
			{State: OverBudget, Cells: []CampaignCell{{Runs: append(pass, CampaignRun{N: 2})}}},
			{State: Complete, Cells: []CampaignCell{{Runs: pass}, {Canary: true, Found: true, Runs: []CampaignRun{{N: 1, Tries: []CampaignAttempt{{Outcome: checkers.Violation}}}}}}},
		},
		checkers.Inconclusive: {{State: Interrupted}, {State: OverBudget, Cells: []CampaignCell{{Runs: pass}, {Runs: []CampaignRun{{N: 1}}}}}, {State: Running}, {State: Interrupted, Cells: []CampaignCell{{Canary: true, Runs: []CampaignRun{{N: 1}}}}}},
		checkers.Error:        {{State: Complete, Cells: []CampaignCell{{Canary: true, Runs: pass}}}},
		checkers.Violation:    {shownCampaign()},
	} {
		for _, c := range list {
			require.Equal(t, want, c.Outcome(), c.State)
		}
	}
}
