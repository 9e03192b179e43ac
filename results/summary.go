package results

import (
	"fmt"
	"strings"
)

// summary is Markdown for the summary of a CI step.
func (b *Bundle) summary() string {
	v := *b.Verdict
	var w strings.Builder
	fmt.Fprintf(&w, "## %s %s: %s, seed %d\n\n%s\n", outcomeMarks[v.Outcome], outcomeWords[v.Outcome], cell(b.what()), b.Spec.Seed, cell(sentence(v)))
	if notes := b.remarks(); len(notes) > 0 {
		fmt.Fprintf(&w, "\n- %s\n", strings.Join(cells(notes), "\n- "))
	}
	list, more := first(anomalies(v, false))
	for _, a := range list {
		fmt.Fprintf(&w, "\n> **%s**: %s\n", cell(a.Claim), cell(a.Sentence))
	}
	if more > 0 {
		fmt.Fprintf(&w, "\n%s more are in %s.\n", count(more), fileVerdict)
	}
	fmt.Fprintf(&w, "\nRepeat it:\n\n%s\n", fence(b.command()))
	if b.Meta.Command != "" {
		fmt.Fprintf(&w, "\nWithout the bundle:\n\n%s\n", fence(b.Meta.Command))
	}
	rows := [][]string{}
	for _, f := range v.Floors {
		rows = append(rows, []string{f.Name, fmt.Sprint(f.Want), fmt.Sprint(f.Got), map[bool]string{true: "✓ met", false: "✕ missed"}[f.Met()]})
	}
	table(&w, "Coverage", []string{"what must happen", "at least", "did", ""}, rows)
	rows = nil
	for _, f := range b.faults(zero(b.History)) {
		rows = append(rows, []string{f.ID, f.Fault, f.Mark + " " + f.Status, f.Nodes, f.Span, f.Seen})
	}
	table(&w, "Faults", []string{"id", "fault", "status", "nodes", "in force", "seen"}, rows)
	if b.Measures != nil {
		table(&w, "After the leader's death", []string{"time", "seen", "least", "median", "p90", "most"}, failoverRows(b.Measures.Failovers))
	}
	rows = nil
	for _, c := range v.Checks {
		rows = append(rows, []string{c.Claim, outcomeMarks[c.Outcome] + " " + c.Outcome.String(), c.Engine, c.Detail})
	}
	table(&w, "Checks", []string{"claim", "outcome", "engine", "detail"}, rows)
	list, more = first(anomalies(v, true))
	if len(list) > 0 {
		fmt.Fprintf(&w, "\n### Hazards\n\n")
	}
	for _, a := range list {
		fmt.Fprintf(&w, "- **%s**: %s (no violation: %s)\n", cell(a.Claim), cell(a.Sentence), cell(a.Why))
	}
	if more > 0 {
		fmt.Fprintf(&w, "- %s more are in %s.\n", count(more), fileVerdict)
	}
	return w.String()
}

func table(w *strings.Builder, title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells(row), " | "))
	}
}

var markdown = strings.NewReplacer("\n", " ", "\r", " ", "\\", `\\`, "|", `\|`, "<", "&lt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`)

// cell is text as itself: nothing that a system under test said becomes markup.
func cell(s string) string { return markdown.Replace(s) }

func cells(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = cell(t)
	}
	return out
}

// fence is a code block whose fence is longer than any run of backticks in it.
func fence(s string) string {
	bar := "```"
	for strings.Contains(s, bar) {
		bar += "`"
	}
	return bar + "sh\n" + s + "\n" + bar
}
