package results

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

var metMarks = map[bool]string{true: "✓ met", false: "✕ not met"}

// Sentence is the report in one line.
func (r GateReport) Sentence() string {
	not := 0
	for _, x := range r.Rules {
		if !x.Met {
			not++
		}
	}
	if r.Met {
		return fmt.Sprintf("gate %s: open, %d of %d rules met by %s", r.Policy, len(r.Rules), len(r.Rules), plural(r.Runs, "run"))
	}
	return fmt.Sprintf("gate %s: CLOSED, %d of %d rules not met", r.Policy, not, len(r.Rules))
}

// Print writes the table of rules for a terminal.
func (r GateReport) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, x := range r.Rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", metMarks[x.Met], x.Name, x.Demand, x.Found)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, x := range r.Rules {
		for _, a := range x.Against {
			if _, err := fmt.Fprintf(out, "  %s: %s\n", x.Name, a); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(out, r.Sentence())
	return err
}

// Markdown is the report for the page of a CI step.
func (r GateReport) Markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "## %s %s\n", map[bool]string{true: "✓", false: "✕"}[r.Met], cell(r.Sentence()))
	if r.Commit != "" {
		fmt.Fprintf(&w, "\nCommit %s.\n", cell(r.Commit))
	}
	var rows, against [][]string
	for _, x := range r.Rules {
		rows = append(rows, []string{metMarks[x.Met], x.Name, x.Demand, x.Found})
		for _, a := range x.Against {
			against = append(against, []string{x.Name, a})
		}
	}
	table(&w, "Rules", []string{"", "rule", "what it demands", "what was found"}, rows)
	table(&w, "What speaks against it", []string{"rule", ""}, against)
	return w.String()
}
