package catalogue

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/workloads"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the generated parts of the workloads' pages")

// TestPages: the lists in the pages are those of the code. go test ./workloads/catalogue -run TestPages -rewrite writes
// them.
func TestPages(t *testing.T) {
	for _, w := range All() {
		t.Run(w.Name, func(t *testing.T) {
			page := "../../docs/workloads/" + w.Name + ".md"
			b, err := os.ReadFile(page)
			require.NoError(t, err)
			text := string(b)
			for name, part := range map[string]string{"claims": claimList(w), "recipes": recipeList(w), "defects": defectList(w)} {
				text = replacePart(t, text, name, part)
			}
			if *rewrite {
				require.NoError(t, os.WriteFile(page, []byte(text), 0o666))
			}
			require.Equal(t, text, string(b), "the page is out of date; run this test with -rewrite")
		})
	}
}

// replacePart puts the part between its marks.
func replacePart(t *testing.T, text, name, part string) string {
	begin, end := "<!-- "+name+" (generated) -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, "the page has no %q", begin)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "the page has no %q", end)
	return before + begin + part + end + after
}

// claimList is every claim that a recipe of the workload makes, and those that are made under conditions only.
func claimList(w workloads.Workload) string {
	rules, conditions := []string{"claim | rule"}, []string{"recipe | claim | only when"}
	for _, r := range w.Recipes {
		for _, c := range r.Claims {
			if row := fmt.Sprintf("`%s` | %s", c.Name, c.Rule); !slices.Contains(rules, row) {
				rules = append(rules, row)
			}
			if len(c.When) > 0 {
				conditions = append(conditions, fmt.Sprintf("`%s` | `%s` | %s", r.Name, c.Name, strings.Join(words(c.When), "; ")))
			}
		}
	}
	if len(conditions) == 1 {
		return table(rules) + "\nNo claim has preconditions.\n"
	}
	return table(rules) + "\nAll other claims are made without preconditions.\n\n" + table(conditions)
}

func words(when []checkers.Precondition) (out []string) {
	for _, p := range when {
		out = append(out, string(p))
	}
	return out
}

func recipeList(w workloads.Workload) string {
	rows := []string{"recipe | where it runs | what it does"}
	for _, r := range w.Recipes {
		where := "everywhere"
		if r.New == nil {
			where = "containers only"
		}
		rows = append(rows, fmt.Sprintf("`%s` | %s | %s", r.Name, where, r.Doc))
	}
	return table(rows)
}

func defectList(w workloads.Workload) string {
	var b strings.Builder
	for _, r := range w.Recipes {
		if len(r.Defects) == 0 {
			continue
		}
		rows := []string{"defect | bug | exposed by | breaks"}
		for _, d := range r.Defects {
			rows = append(rows, fmt.Sprintf("`%s` | %s | %s | %s", d.Name, d.Bug, d.Exposed, strings.Join(d.Breaks, ", ")))
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n", r.Name, table(rows))
	}
	return b.String()
}

// table makes the first row the head.
func table(rows []string) string {
	lines := []string{"| " + rows[0] + " |", strings.Repeat("| --- ", strings.Count(rows[0], "|")+1) + "|"}
	for _, r := range rows[1:] {
		lines = append(lines, "| "+r+" |")
	}
	return strings.Join(lines, "\n") + "\n"
}
