package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"riven/checkers"
)

// Names of the files of a campaign that everybody reads. The runs' bundles are in the folder runs beside them.
const (
	fileCampaignSummary = "summary.json"
	DirRuns             = "runs"
)

// CampaignVersion is the version of the encoding of Campaign.
const CampaignVersion = 1

// State of a campaign.
type State string

// A campaign that was killed stays Running until it is resumed.
const (
	Running     State = "running"
	Complete    State = "complete"    // every run was made
	OverBudget  State = "over budget" // its time or number of runs was used up
	AtFinding   State = "at finding"  // it was to end with its first violation
	Interrupted State = "interrupted" // somebody stopped it
	GaveUp      State = "gave up"     // run after run ended in an error: the harness is broken
)

// Campaign is what is known of a campaign, or of one shard of it. It is written anew after every run.
type Campaign struct {
	Version int            `json:"version"`
	Name    string         `json:"name"`
	Digest  string         `json:"digest"` // of all cells, seeds and settings: the same for every shard, and for nothing else
	Seed    uint64         `json:"seed"`
	Shard   int            `json:"shard"` // from 1
	Shards  int            `json:"shards"`
	Commit  string         `json:"commit"`
	Riven   string         `json:"riven"`
	Started time.Time      `json:"started"`
	Spent   time.Duration  `json:"spent"` // ns, over all resumptions
	Resumed int            `json:"resumed,omitempty"`
	State   State          `json:"state"`
	Cells   []CampaignCell `json:"cells"`
	Notes   []string       `json:"notes,omitempty"`
}

// CampaignCell is a cell of a campaign with its runs.
type CampaignCell struct {
	ID       string        `json:"id"`
	Canary   bool          `json:"canary,omitempty"` // has a defect switched on that must be found
	Found    bool          `json:"found,omitempty"`  // canary: it was
	Unstable string        `json:"unstable,omitempty"`
	Runs     []CampaignRun `json:"runs"`
}

// CampaignRun is one run that the campaign wants.
type CampaignRun struct {
	N     int               `json:"n"` // from 1, within the cell
	Seed  uint64            `json:"seed"`
	Tries []CampaignAttempt `json:"tries,omitempty"` // none: not made; more than one: all but the last ended in an error
}

// CampaignAttempt is one attempt at a run. Only an error is tried again.
type CampaignAttempt struct {
	Outcome  checkers.Outcome `json:"outcome"`
	Sentence string           `json:"sentence"`
	Claims   []string         `json:"claims,omitempty"` // that were violated
	Bundle   string           `json:"bundle,omitempty"` // name within runs; none: the run left none
	Took     time.Duration    `json:"took"`             // ns
	Thinned  bool             `json:"thinned,omitempty"`
}

// Last is the attempt that counts; nil if the run was not made.
func (r CampaignRun) Last() *CampaignAttempt {
	if len(r.Tries) == 0 {
		return nil
	}
	return &r.Tries[len(r.Tries)-1]
}

// Made tells whether the cell has a run that was made.
func (c CampaignCell) Made() bool {
	for _, r := range c.Runs {
		if r.Last() != nil {
			return true
		}
	}
	return false
}

// Missed tells whether the cell is a canary whose defect was not found by any of its runs, all of which were made.
func (c CampaignCell) Missed() bool {
	return c.Canary && !c.Found && !slices.ContainsFunc(c.Runs, func(r CampaignRun) bool { return r.Last() == nil })
}

// Outcome is the worst of the campaign: of its runs, with an unfound canary as an error. One that was stopped before its end is
// inconclusive, and so is one whose budget did not do for at least one run of every cell. Violations of canaries are what they
// are there for, and do not count.
func (c Campaign) Outcome() checkers.Outcome {
	worst := checkers.Pass
	unmade := slices.ContainsFunc(c.Cells, func(x CampaignCell) bool { return !x.Made() })
	if c.State == Running || c.State == Interrupted || c.State == GaveUp || c.State == OverBudget && unmade {
		worst = checkers.Inconclusive
	}
	for _, cell := range c.Cells {
		if cell.Canary {
			if cell.Missed() {
				worst = max(worst, checkers.Error)
			}
			continue
		}
		for _, r := range cell.Runs {
			if a := r.Last(); a != nil {
				worst = max(worst, a.Outcome)
			}
		}
	}
	return worst
}

// IsCampaign tells whether the folder is a campaign's.
func IsCampaign(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, fileCampaignSummary))
	return err == nil
}

// ReadCampaign reads the summary of the campaign in the folder.
func ReadCampaign(dir string) (Campaign, error) {
	content, err := os.ReadFile(filepath.Join(dir, fileCampaignSummary))
	if err != nil {
		return Campaign{}, fmt.Errorf("read campaign: %w", err)
	}
	var c Campaign
	if err := json.Unmarshal(content, &c); err != nil {
		return Campaign{}, fmt.Errorf("read campaign %s: %s: %w", dir, fileCampaignSummary, err)
	}
	if c.Version != CampaignVersion {
		return Campaign{}, fmt.Errorf("read campaign %s: version %d, this riven reads version %d", dir, c.Version, CampaignVersion)
	}
	return c, nil
}

// Write writes the summary into the folder: for machines, for people and for CI.
func (c Campaign) Write(dir string) error {
	junit, err := c.junit()
	if err != nil {
		return err
	}
	return errors.Join(
		writeJSON(filepath.Join(dir, fileCampaignSummary), c),
		replace(filepath.Join(dir, fileSummary), []byte(c.Markdown())),
		replace(filepath.Join(dir, fileJUnit), junit),
	)
}
