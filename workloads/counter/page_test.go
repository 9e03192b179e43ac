package counter

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const page = "../../docs/workloads/counter.md"

var rewrite = flag.Bool("rewrite", false, "rewrite the generated parts of "+page)

// TestPage: the lists in the page are those of the code. go test ./workloads/counter -run TestPage -rewrite writes them.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(b)
	recipes, defects := []string{"recipe | what it does"}, []string{"defect | bug | exposed by | breaks"}
	for _, r := range Workload().Recipes {
		recipes = append(recipes, fmt.Sprintf("`%s` | %s", r.Name, r.Doc))
		for _, d := range r.Defects {
			defects = append(defects, fmt.Sprintf("`%s` | %s | %s | %s", d.Name, d.Bug, d.Exposed, strings.Join(d.Breaks, ", ")))
		}
	}
	rules := []string{"claim | rule"}
	for _, c := range claims() {
		require.Empty(t, c.When, "the page says that no claim has preconditions")
		rules = append(rules, fmt.Sprintf("`%s` | %s", c.Name, c.Rule))
	}
	for name, rows := range map[string][]string{"claims": rules, "recipes": recipes, "defects": defects} {
		text = replacePart(t, text, name, rows)
	}
	if *rewrite {
		require.NoError(t, os.WriteFile(page, []byte(text), 0o666))
	}
	require.Equal(t, text, string(b), "the page is out of date; run this test with -rewrite")
}

// replacePart puts a table between its marks; the first row is the head.
func replacePart(t *testing.T, text, name string, rows []string) string {
	begin, end := "<!-- "+name+" (generated) -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, "the page has no %q", begin)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "the page has no %q", end)
	line := strings.Repeat("| --- ", strings.Count(rows[0], "|")+1) + "|"
	table := "| " + rows[0] + " |\n" + line + "\n"
	for _, r := range rows[1:] {
		table += "| " + r + " |\n"
	}
	return before + begin + table + end + after
}
