package results

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"riven/checkers"
)

// Sentence is the campaign in one line.
func (c Campaign) Sentence() string {
	made, wanted, canaries, found := 0, 0, 0, 0
	by := map[checkers.Outcome]int{}
	for _, cell := range c.Cells {
		if cell.Canary {
			canaries++
			if cell.Found {
				found++
			}
			continue
		}
		for _, r := range cell.Runs {
			wanted++
			if a := r.Last(); a != nil {
				made++
				by[a.Outcome]++
			}
		}
	}
	text := fmt.Sprintf("%d of %d runs made in %s", made, wanted, c.Spent.Round(time.Second))
	for _, o := range []checkers.Outcome{checkers.Violation, checkers.Error, checkers.Inconclusive, checkers.Pass} {
		if by[o] > 0 {
			text += fmt.Sprintf(", %d %s", by[o], o)
		}
	}
	if canaries > 0 {
		text += fmt.Sprintf("; %d of %d canaries found", found, canaries)
	}
	return text
}

// Title names the campaign, and its shard where it is one of several.
func (c Campaign) Title() string {
	if c.Shards > 1 {
		return fmt.Sprintf("%s, shard %d of %d", c.Name, c.Shard, c.Shards)
	}
	return c.Name
}

// Markdown is the summary for the page of a CI step.
func (c Campaign) Markdown() string {
	var w strings.Builder
	o := c.Outcome()
	fmt.Fprintf(&w, "## %s Campaign %s: %s\n\n%s. State: %s, commit %s, seed %d.\n", outcomeMarks[o], cell(c.Title()), outcomeWords[o], cell(c.Sentence()), c.State, cell(c.Commit), c.Seed)
	for _, n := range c.Notes {
		fmt.Fprintf(&w, "\n- %s\n", cell(n))
	}
	var rows, findings [][]string
	for _, x := range c.Cells {
		rows = append(rows, []string{x.ID, x.Marks(), x.Remark()})
		for _, r := range x.Runs {
			if a := r.Last(); a != nil && a.Outcome != checkers.Pass && !x.Canary {
				findings = append(findings, []string{outcomeMarks[a.Outcome] + " " + a.Outcome.String(), x.ID, a.Sentence, a.Bundle})
			}
		}
	}
	table(&w, "What did not pass", []string{"outcome", "cell", "what was seen", "bundle"}, findings)
	table(&w, "Cells", []string{"cell", "runs", ""}, rows)
	return w.String()
}

// Marks are one sign a run: those of verdicts, with one "!" before for each attempt that ended in an error and was made
// again, and "·" for a run that was not made.
func (c CampaignCell) Marks() string {
	var w strings.Builder
	for _, r := range c.Runs {
		a := r.Last()
		if a == nil {
			w.WriteString("·")
			continue
		}
		w.WriteString(strings.Repeat(outcomeMarks[checkers.Error], len(r.Tries)-1) + outcomeMarks[a.Outcome])
	}
	return w.String()
}

// Remark says what the marks do not.
func (c CampaignCell) Remark() string {
	var parts []string
	if c.Canary {
		parts = append(parts, c.song())
	}
	if c.Unstable != "" {
		parts = append(parts, "unstable: "+c.Unstable)
	}
	again := 0
	for _, r := range c.Runs {
		again += max(0, len(r.Tries)-1)
	}
	if again > 0 {
		parts = append(parts, fmt.Sprintf("made again after an error: %d", again))
	}
	return strings.Join(parts, "; ")
}

// song says what became of a canary.
func (c CampaignCell) song() string {
	switch {
	case c.Found:
		return "canary, found"
	case c.Missed():
		return "canary, NOT FOUND"
	}
	return "canary, not found yet"
}

// junit has one case a run, and one for each canary.
func (c Campaign) junit() ([]byte, error) {
	s := suite{Name: "riven campaign " + c.Title(), Timestamp: c.Started.UTC().Format("2006-01-02T15:04:05"), Time: fmt.Sprintf("%.3f", c.Spent.Seconds())}
	for _, x := range c.Cells {
		if x.Canary {
			if !x.Found && !x.Missed() {
				continue // nobody knows yet
			}
			o := checkers.Error
			if x.Found {
				o = checkers.Pass
			}
			s.add(testCase{Name: x.ID, Class: "riven.canary", Time: "0"}, o, "the defect was not found", "The defect that is switched on here was not found: the campaign proves nothing of its kind.\n")
			continue
		}
		for _, r := range x.Runs {
			if a := r.Last(); a != nil {
				body := fmt.Sprintf("%s\n%s\nseed %d, bundle %s\n", outcomeWords[a.Outcome], a.Sentence, r.Seed, a.Bundle)
				s.add(testCase{Name: fmt.Sprintf("%s #%d", x.ID, r.N), Class: "riven.cell", Time: fmt.Sprintf("%.3f", a.Took.Seconds())}, a.Outcome, a.Sentence, body)
			}
		}
	}
	out, err := xml.MarshalIndent(suites{Suites: []suite{s}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", fileJUnit, err)
	}
	return []byte(xml.Header + string(out) + "\n"), nil
}
