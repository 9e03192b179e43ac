package lint

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

func TestForbidden(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), newAnalyzer("recipes/"),
		"recipes/clocks", "recipes/concurrency", "recipes/imports", "recipes/maps", "recipes/random", "recipes/state")
}

func TestAllowed(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), newAnalyzer("recipes/"), "recipes/allowed")
}

func TestOtherPackagesAreNotLookedAt(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), newAnalyzer("simulation/,recipes/"), "elsewhere")
}

func TestSeveralPrefixes(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), newAnalyzer("simulation/,recipes/"), "recipes/clocks")
}
