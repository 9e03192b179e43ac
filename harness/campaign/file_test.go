package campaign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/config"
	"riven/harness/spec"
	"riven/nemesis"
)

// planned is a check as riven has it, but for what is special to a machine.
func plannable(s spec.Spec, p *nemesis.Plan) error {
	if s.Cluster != "docker" && s.Cluster != "sim" {
		return fmt.Errorf("unknown cluster %q (know docker, sim)", s.Cluster)
	}
	if p != nil {
		return p.Validate(s.ServerNames(), s.ParticipantNames())
	}
	_, err := nemesis.NewPlan(s)
	return err
}

// TestFiles holds the cells of campaign files, and the words of refusals, against testdata/files.
func TestFiles(t *testing.T) {
	datadriven.RunTest(t, "testdata/files", func(t *testing.T, d *datadriven.TestData) string {
		c, err := parse("testdata/f.yaml", []byte(d.Input), plannable)
		if err != nil {
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
			return err.Error() + "\n"
		}
		var w strings.Builder
		fmt.Fprintf(&w, "%s seed %d timeout %v budget %+v keep %+v\n", c.Name, c.Seed, c.Timeout, c.Budget, c.Keep)
		for _, r := range c.Runs(Whole, nil) {
			fmt.Fprintf(&w, "%s #%d %d\n", r.Cell.ID, r.N, r.Seed)
		}
		return w.String()
	})
}

// The campaigns that are shipped can be read and run.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/campaigns/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, f := range files {
		c, err := Load(f, plannable)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(filepath.Base(f), ".yaml"), c.Name)
		sharded(t, c, 4)
	}
	_, err = Load("nowhere.yaml", plannable)
	require.ErrorContains(t, err, "read campaign: open nowhere.yaml")
}

// sharded wants the union of the shards to be the whole, each run once.
func sharded(t require.TestingT, c Campaign, n int) {
	name := func(r Run) string { return fmt.Sprintf("%s #%d %d", r.Cell.ID, r.N, r.Seed) }
	var all, union []string
	for _, r := range c.Runs(Whole, nil) {
		all = append(all, name(r))
	}
	for i := 1; i <= n; i++ {
		s, err := ParseShard(fmt.Sprintf("%d/%d", i, n))
		require.NoError(t, err)
		for _, r := range c.Runs(s, nil) {
			union = append(union, name(r))
		}
	}
	require.ElementsMatch(t, all, union)
}

func TestShardsAreThePartsOfTheWhole(t *testing.T) {
	c := mass()
	rapid.Check(t, func(t *rapid.T) { sharded(t, c, rapid.IntRange(1, 40).Draw(t, "n")) })
	a, b := c.Runs(Shard{1, 2}, nil), c.Runs(Shard{2, 2}, nil)
	require.InDelta(t, len(a), len(b), 10, "the parts are about as large")
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"1/1": {1, 1}, "3/4": {3, 4}, "0+1/4": {1, 4}, "3+1/4": {4, 4}} {
		got, err := ParseShard(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "1", "0/4", "5/4", "4+1/4", "1/0", "a/b", "1/4/2", "-1+2/4", "1.5/4", "+1/4"} {
		_, err := ParseShard(text)
		require.ErrorContains(t, err, fmt.Sprintf("shard %q: want I/N", text))
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../examples/campaigns/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Add("name: a\nmatrix: {recipe: lock/*, seeds: 3}\nexclude: [{servers: 3}]\ncanaries: [{recipe: lock/curator, defect: no-token}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("../../examples/campaigns/f.yaml", []byte(text), plannable)
		if err != nil {
			var wrong *config.Error
			require.True(t, errors.As(err, &wrong), err)
			return
		}
		sharded(t, c, 3)
		seen := map[string]bool{}
		for _, cell := range c.Cells {
			require.False(t, seen[cell.ID], cell.ID)
			require.False(t, strings.ContainsAny(cell.ID, " \n"), cell.ID)
			seen[cell.ID] = true
		}
	})
}
