package lint

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// TestRecipes looks at the real recipes.
func TestRecipes(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadAllSyntax, Tests: true}, "riven/workloads/...")
	require.NoError(t, err)
	require.Zero(t, packages.PrintErrors(loaded))
	graph, err := checker.Analyze([]*analysis.Analyzer{Analyzer}, loaded, nil)
	require.NoError(t, err)
	looked := 0
	for act := range graph.All() {
		require.NoError(t, act.Err)
		for _, d := range act.Diagnostics {
			t.Errorf("%s: %s", act.Package.Fset.Position(d.Pos), d.Message)
		}
		if act.Package.PkgPath == "riven/workloads/lock" {
			looked++
		}
	}
	require.Positive(t, looked, "the lock recipes were not among the packages")
}
