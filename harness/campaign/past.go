package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"riven/checkers"
	"riven/results"
)

// Pasts reads what the campaigns in the folder saw of each cell, but for the one in except. A folder that is not there has
// seen nothing.
func Pasts(folder, except string) (map[string]Past, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read earlier campaigns: %w", err)
	}
	past := map[string]Past{}
	for _, d := range entries {
		dir := filepath.Join(folder, d.Name())
		if !results.IsCampaign(dir) || same(dir, except) {
			continue
		}
		summary, err := results.ReadCampaign(dir)
		if err != nil {
			return nil, err
		}
		journal, _, err := readJournal(filepath.Join(dir, fileJournal))
		if err != nil {
			return nil, err
		}
		for _, e := range journal {
			if e.Act == actEnd {
				past[e.Cell] = past[e.Cell].with(e, summary.Commit)
			}
		}
	}
	return past, nil
}

func same(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

func (p Past) with(e entry, commit string) Past {
	p.Runs++
	if e.Outcome == checkers.Violation {
		p.Violations++
	}
	if e.Time.After(p.Last) {
		p.Last = e.Time
	}
	p.Outcomes = append(slices.Clone(p.Outcomes), Seen{commit, e.Seed, e.Outcome.String()})
	return p
}

// unstable says how a cell flips its verdict on one commit: with one seed, or in that it passes and is violated. Errors are
// no verdict on it. Empty: it does not.
func unstable(seen []Seen, commit string) string {
	bySeed := map[uint64][]string{}
	violated, passed := 0, 0
	for _, s := range seen {
		if s.Commit != commit || s.Outcome == checkers.Error.String() {
			continue
		}
		if !slices.Contains(bySeed[s.Seed], s.Outcome) {
			bySeed[s.Seed] = append(bySeed[s.Seed], s.Outcome)
		}
		switch s.Outcome {
		case checkers.Violation.String():
			violated++
		case checkers.Pass.String():
			passed++
		}
	}
	for _, s := range seen {
		if o := bySeed[s.Seed]; len(o) > 1 && s.Commit == commit {
			return fmt.Sprintf("seed %d gave %s and %s on the same commit", s.Seed, o[0], o[1])
		}
	}
	if violated > 0 && passed > 0 {
		return fmt.Sprintf("%d of %d runs on this commit were violated, the others passed", violated, violated+passed)
	}
	return ""
}
