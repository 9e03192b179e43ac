package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"riven/checkers"
)

// GateReport is what a gate found.
type GateReport struct {
	Policy string     `json:"policy"`
	Commit string     `json:"commit,omitempty"`
	Met    bool       `json:"met"`
	Runs   int        `json:"runs"`  // that count, without canaries
	Aside  int        `json:"aside"` // of another commit or version, or too old
	Rules  []GateRule `json:"rules"`
}

// GateRule is one demand and what became of it.
type GateRule struct {
	Name    string   `json:"name"`
	Demand  string   `json:"demand"`
	Met     bool     `json:"met"`
	Found   string   `json:"found"`             // what was found, in figures
	Against []string `json:"against,omitempty"` // what speaks against it, each naming its cell
}

// gateRun is one bundle before the gate.
type gateRun struct {
	*Bundle
	cell   string
	canary bool
	again  bool   // it ended in an error and was made again
	aside  string // why it does not count; empty: it does
}

type gate struct {
	GatePolicy
	now       time.Time
	runs      []gateRun
	campaigns []placedCampaign
	broken    []string // what could not be read
	seen      map[string]bool
	report    GateReport
}

type placedCampaign struct {
	Campaign
	dir string
}

// Gate holds the runs in the folders against the policy. A folder is a bundle, a campaign, or one with such folders in it, at any
// depth. The error is for folders that can not be read at all; everything about a run is in the report.
func Gate(p GatePolicy, folders []string, now time.Time) (GateReport, error) {
	g := &gate{GatePolicy: p, now: now, report: GateReport{Policy: p.Name, Commit: p.Commit, Met: true}}
	for _, f := range folders {
		if err := g.collect(f); err != nil {
			return GateReport{}, err
		}
	}
	for i := range g.runs {
		if g.runs[i].aside = g.aside(g.runs[i]); g.runs[i].aside != "" {
			g.report.Aside++
		} else if !g.runs[i].canary {
			g.report.Runs++
		}
	}
	for _, rule := range []func() error{
		g.readable, g.ended, g.current, g.noViolation, g.noError, g.inconclusive, g.canaries, g.everyCell, g.cells, g.coverage, g.performance,
	} {
		if err := rule(); err != nil {
			return GateReport{}, err
		}
	}
	return g.report, nil
}

// collect finds bundles and campaigns.
func (g *gate) collect(folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("look for runs: %w", err)
	}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return nil
		}
		if g.again(path) {
			return fs.SkipDir
		}
		if IsCampaign(path) {
			g.campaign(path)
			return nil // its bundles are in it
		}
		if _, err := os.Stat(filepath.Join(path, fileMeta)); err != nil {
			return nil
		}
		g.bundle(path)
		return fs.SkipDir
	})
	if err != nil {
		return fmt.Errorf("look for runs in %s: %w", folder, err)
	}
	if len(g.runs)+len(g.campaigns)+len(g.broken) == 0 {
		return fmt.Errorf("look for runs in %s: there is neither a bundle nor a campaign", folder)
	}
	return nil
}

// again tells whether the folder was looked at before: it may be named twice.
func (g *gate) again(dir string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	was := g.seen[abs]
	g.seen[abs] = true
	return was
}

func (g *gate) campaign(dir string) {
	c, err := ReadCampaign(dir)
	if err != nil {
		g.broken = append(g.broken, err.Error())
		return
	}
	g.campaigns = append(g.campaigns, placedCampaign{c, dir})
}

func (g *gate) bundle(dir string) {
	b, err := OpenBrief(dir)
	switch {
	case err != nil:
		g.broken = append(g.broken, err.Error())
	case b.Verdict == nil:
		g.broken = append(g.broken, fmt.Sprintf("%s: %s has no verdict: its run was stopped", Cell(b.Spec, b.Plan), dir))
	default:
		g.runs = append(g.runs, gateRun{Bundle: b, cell: Cell(b.Spec, b.Plan), canary: len(b.Spec.Defects) > 0})
	}
}

// aside says why a run does not count.
func (g *gate) aside(r gateRun) string {
	switch {
	case g.Commit != "" && r.Meta.Commit != g.Commit:
		return "of commit " + orUnknown(r.Meta.Commit)
	case len(g.ZooKeeper) > 0 && !slices.Contains(g.ZooKeeper, r.Meta.ZooKeeper):
		return "of ZooKeeper " + orUnknown(r.Meta.ZooKeeper)
	case g.Fresh > 0 && g.now.Sub(r.Meta.Started) > g.Fresh:
		return fmt.Sprintf("%s old", g.now.Sub(r.Meta.Started).Round(time.Minute))
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// add puts a rule into the report: it is met if nothing speaks against it.
func (g *gate) add(name, demand, found string, against []string) {
	g.report.Rules = append(g.report.Rules, GateRule{name, demand, len(against) == 0, found, against})
	g.report.Met = g.report.Met && len(against) == 0
}

// readable: what campaigns list must be there, readable, and say what they say. It is demanded always.
func (g *gate) readable() error {
	against := slices.Clone(g.broken)
	byDir := map[string]int{}
	for i, r := range g.runs {
		byDir[filepath.Clean(r.Dir)] = i
	}
	listed := 0
	for _, c := range g.campaigns {
		for _, cell := range c.Cells {
			for _, run := range cell.Runs {
				for i, a := range run.Tries {
					if a.Bundle == "" {
						continue
					}
					listed++
					dir := filepath.Join(c.dir, DirRuns, a.Bundle)
					at, ok := byDir[filepath.Clean(dir)]
					if !ok {
						if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
							against = append(against, fmt.Sprintf("%s #%d: its bundle %s is gone", cell.ID, run.N, dir))
						}
						continue // else it is among the broken
					}
					r := &g.runs[at]
					r.again = i < len(run.Tries)-1
					if r.cell != cell.ID {
						against = append(against, fmt.Sprintf("%s #%d: the bundle %s is of %s", cell.ID, run.N, dir, r.cell))
					} else if a.Outcome != checkers.Error && r.Verdict.Outcome != a.Outcome {
						against = append(against, fmt.Sprintf("%s #%d: the campaign says %s, the bundle %s says %s", cell.ID, run.N, a.Outcome, dir, r.Verdict.Outcome))
					}
				}
			}
		}
	}
	g.add("bundles", "every bundle is there and can be read", fmt.Sprintf("%s, %d of them listed by %s", plural(len(g.runs), "bundle"), listed, plural(len(g.campaigns), "campaign")), against)
	return nil
}

// ended: campaigns came to their end, and all of their shards are here. It is demanded where there are campaigns.
func (g *gate) ended() error {
	if len(g.campaigns) == 0 {
		return nil
	}
	var against []string
	shards := map[string][]int{}
	for _, c := range g.campaigns {
		switch c.State {
		case Running:
			against = append(against, fmt.Sprintf("campaign %s in %s was killed or still runs", c.Title(), c.dir))
		case Interrupted:
			against = append(against, fmt.Sprintf("campaign %s in %s was interrupted", c.Title(), c.dir))
		case GaveUp:
			against = append(against, fmt.Sprintf("campaign %s in %s gave up: run after run ended in an error", c.Title(), c.dir))
		}
		shards[c.Digest] = append(shards[c.Digest], c.Shard)
	}
	told := map[string]bool{}
	for _, c := range g.campaigns {
		if told[c.Digest] {
			continue
		}
		told[c.Digest] = true
		for i := 1; i <= c.Shards; i++ {
			if !slices.Contains(shards[c.Digest], i) {
				against = append(against, fmt.Sprintf("campaign %s: shard %d of %d is not here", c.Name, i, c.Shards))
			}
		}
	}
	g.add("campaigns", "every campaign came to its end, with all of its shards", plural(len(g.campaigns), "folder"), against)
	return nil
}

// counting are the runs that count, canaries or not.
func (g *gate) counting(canaries bool) (out []gateRun) {
	for _, r := range g.runs {
		if r.aside == "" && r.canary == canaries {
			out = append(out, r)
		}
	}
	return out
}

// cellsOf are the names of the runs' cells, in order, with their runs.
func cellsOf(runs []gateRun) (names []string, by map[string][]gateRun) {
	by = map[string][]gateRun{}
	for _, r := range runs {
		if by[r.cell] == nil {
			names = append(names, r.cell)
		}
		by[r.cell] = append(by[r.cell], r)
	}
	slices.Sort(names)
	return names, by
}

// reasons are why runs do not count, each once.
func reasons(runs []gateRun) string {
	var out []string
	for _, r := range runs {
		if r.aside != "" && !slices.Contains(out, r.aside) {
			out = append(out, r.aside)
		}
	}
	return strings.Join(out, ", ")
}
