package lock

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/workloads"
)

const page = "../../docs/workloads/lock.md"

var rewrite = flag.Bool("rewrite", false, "rewrite the generated parts of "+page)

// TestPage: the lists in the page are those of the code. go test ./workloads/lock -run TestPage -rewrite writes them.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(b)
	for name, part := range map[string]string{
		"claims": claimList(), "recipes": recipeList(), "defects": defectList(),
	} {
		text = replacePart(t, text, name, part)
	}
	if *rewrite {
		require.NoError(t, os.WriteFile(page, []byte(text), 0o666))
	}
	require.Equal(t, text, string(b), "the page is out of date; run this test with -rewrite")
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

func claimList() string {
	rows := []string{"claim | rule"}
	for _, c := range claims() {
		rows = append(rows, fmt.Sprintf("`%s` | %s", c.Name, c.Rule))
	}
	conditions := []string{"recipe | claim | only when"}
	for _, r := range Workload().Recipes {
		for _, c := range r.Claims {
			if len(c.When) > 0 {
				conditions = append(conditions, fmt.Sprintf("`%s` | `%s` | %s", r.Name, c.Name, strings.Join(words(c.When), "; ")))
			}
		}
	}
	return table(rows) + "\nAll other claims are made without preconditions.\n\n" + table(conditions)
}

func words(when []checkers.Precondition) (out []string) {
	for _, p := range when {
		out = append(out, string(p))
	}
	return out
}

func recipeList() string {
	rows := []string{"recipe | where it runs | what it does"}
	for _, r := range Workload().Recipes {
		where := "everywhere"
		if r.New == nil {
			where = "containers only"
		}
		rows = append(rows, fmt.Sprintf("`%s` | %s | %s", r.Name, where, r.Doc))
	}
	return table(rows)
}

func defectList() string {
	var b strings.Builder
	for _, r := range Workload().Recipes {
		if len(r.Defects) == 0 {
			continue
		}
		rows := []string{"defect | bug | exposed by | breaks"}
		for _, d := range r.Defects {
			rows = append(rows, defectRow(d))
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n", r.Name, table(rows))
	}
	return b.String()
}

func defectRow(d workloads.Defect) string {
	return fmt.Sprintf("`%s` | %s | %s | %s", d.Name, d.Bug, d.Exposed, strings.Join(d.Breaks, ", "))
}

// table makes the first row the head.
func table(rows []string) string {
	head := strings.Repeat("| --- ", strings.Count(rows[0], "|")+1) + "|"
	lines := []string{"| " + rows[0] + " |", head}
	for _, r := range rows[1:] {
		lines = append(lines, "| "+r+" |")
	}
	return strings.Join(lines, "\n") + "\n"
}
