package results

import (
	"fmt"
	"strings"
)

// summary is Markdown for the summary of a CI step.
func (b *Bundle) summary() string {
	v := *b.Verdict
	var w strings.Builder
	fmt.Fprintf(&w, "## %s %s: %s, seed %d\n\n%s\n", outcomeMarks[v.Outcome], outcomeWords[v.Outcome], cell(b.what()), b.Spec.Seed, cell(v.Sentence))
	for _, n := range append(append([]string{}, b.Notes...), v.Reasons...) {
		fmt.Fprintf(&w, "\n- %s\n", cell(n))
	}
	for _, a := range anomalies(v, false) {
		fmt.Fprintf(&w, "\n> **%s**: %s\n", cell(a.Claim), cell(a.Sentence))
	}
	fmt.Fprintf(&w, "\nRepeat it:\n\n%s\n", fence(b.command()))
	rows := [][]string{}
	for _, f := range v.Floors {
		rows = append(rows, []string{f.Name, fmt.Sprint(f.Want), fmt.Sprint(f.Got), map[bool]string{true: "✓ met", false: "✕ missed"}[f.Met()]})
	}
	table(&w, "Coverage", []string{"what must happen", "at least", "did", ""}, rows)
	rows = nil
	for _, f := range b.faults(zero(b.History)) {
		rows = append(rows, []string{f.ID, f.Fault, f.Mark + " " + f.Status, f.Nodes, f.Span, strings.TrimSpace(f.Seen + " " + f.Why)})
	}
	table(&w, "Faults", []string{"id", "fault", "status", "nodes", "in force", "seen"}, rows)
	rows = nil
	for _, c := range v.Checks {
		rows = append(rows, []string{c.Claim, outcomeMarks[c.Outcome] + " " + c.Outcome.String(), c.Engine, c.Detail})
	}
	table(&w, "Checks", []string{"claim", "outcome", "engine", "detail"}, rows)
	if hazards := anomalies(v, true); len(hazards) > 0 {
		fmt.Fprintf(&w, "\n### Hazards\n\n")
		for _, a := range hazards {
			fmt.Fprintf(&w, "- **%s**: %s Not a violation: %s\n", cell(a.Claim), cell(a.Sentence), cell(a.Why))
		}
	}
	return w.String()
}

func table(w *strings.Builder, title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		for i, c := range row {
			row[i] = cell(c)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

var markdown = strings.NewReplacer("\n", " ", "\r", " ", "\\", `\\`, "|", `\|`, "<", "&lt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`)

// cell is text as itself: nothing that a system under test said becomes markup.
func cell(s string) string { return markdown.Replace(s) }

// fence is a code block whose fence is longer than any run of backticks in it.
func fence(s string) string {
	bar := "```"
	for strings.Contains(s, bar) {
		bar += "`"
	}
	return bar + "sh\n" + s + "\n" + bar
}
