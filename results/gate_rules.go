package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"riven/checkers"
	"riven/nemesis"
)

// current: no cell is known only from runs that do not count, and every version that is named was run.
func (g *gate) current() error {
	if g.Commit == "" && g.Fresh == 0 && len(g.ZooKeeper) == 0 {
		return nil
	}
	var demands, against []string
	if g.Commit != "" {
		demands = append(demands, "of commit "+g.Commit)
	}
	if len(g.ZooKeeper) > 0 {
		demands = append(demands, "of ZooKeeper "+strings.Join(g.ZooKeeper, " or "))
	}
	if g.Fresh > 0 {
		demands = append(demands, fmt.Sprintf("not older than %v", g.Fresh))
	}
	names, by := cellsOf(g.runs)
	for _, name := range names {
		if why := reasons(by[name]); why != "" && !counts(by[name]) {
			against = append(against, fmt.Sprintf("%s: %s only %s", name, plural(len(by[name]), "run"), why))
		}
	}
	for _, v := range g.ZooKeeper {
		seen := false
		for _, r := range g.runs {
			seen = seen || r.aside == "" && r.Meta.ZooKeeper == v
		}
		if !seen {
			against = append(against, fmt.Sprintf("ZooKeeper %s: no run that counts", v))
		}
	}
	if len(g.runs) == g.report.Aside {
		against = append(against, "no run counts at all")
	}
	g.add("current", "runs count that are "+strings.Join(demands, ", ")+"; every cell has one", plural(g.report.Aside, "run")+" left aside", against)
	return nil
}

func counts(runs []gateRun) bool {
	for _, r := range runs {
		if r.aside == "" {
			return true
		}
	}
	return false
}

// noViolation looks at runs of any age: on the same commit and version a violation does not grow old.
func (g *gate) noViolation() error {
	if !g.NoViolation {
		return nil
	}
	var against []string
	looked := 0
	for _, r := range g.runs {
		if r.canary || r.aside != "" && !strings.HasSuffix(r.aside, " old") {
			continue
		}
		looked++
		if r.Verdict.Outcome == checkers.Violation {
			against = append(against, fmt.Sprintf("%s, seed %d: %s (%s)", r.cell, r.Spec.Seed, r.Verdict.Sentence, ShellLine([]string{"riven", "replay", r.Dir})))
		}
	}
	found := plural(len(against), "violation") + " in " + plural(looked, "run")
	if looked == 0 {
		against = append(against, "there is no run to look at")
	}
	g.add("no violation", "no run ended in a violation", found, against)
	return nil
}

// noError: errors that were made again and came to something else are shown, not held against it.
func (g *gate) noError() error {
	if !g.NoError {
		return nil
	}
	var against []string
	again := 0
	for _, r := range g.runs {
		switch {
		case r.aside != "":
		case r.again:
			again++
		case r.Verdict.Outcome == checkers.Error:
			against = append(against, fmt.Sprintf("%s, seed %d: %s", r.cell, r.Spec.Seed, r.Verdict.Sentence))
		}
	}
	for _, c := range g.campaigns {
		if g.Commit != "" && c.Commit != g.Commit {
			continue
		}
		for _, cell := range c.Cells {
			for _, run := range cell.Runs {
				if a := run.Last(); a != nil && a.Outcome == checkers.Error && a.Bundle == "" {
					against = append(against, fmt.Sprintf("%s, seed %d: %s", cell.ID, run.Seed, a.Sentence))
				}
			}
		}
	}
	g.add("no error", "no run ended in an error", fmt.Sprintf("%s, %d made again", plural(len(against), "error"), again), against)
	return nil
}

func (g *gate) inconclusive() error {
	if g.Inconclusive == nil {
		return nil
	}
	names, by := cellsOf(g.counting(false))
	n, all := 0, 0
	var list []string
	for _, name := range names {
		k := 0
		for _, r := range by[name] {
			all++
			if r.Verdict.Outcome == checkers.Inconclusive {
				k++
			}
		}
		if n += k; k > 0 {
			list = append(list, fmt.Sprintf("%s: %d of %d", name, k, len(by[name])))
		}
	}
	var against []string
	switch {
	case all == 0:
		against = []string{"there is no run that counts"}
	case float64(n) > *g.Inconclusive*float64(all):
		against = list
	}
	g.add("inconclusive", fmt.Sprintf("at most %.4g %% of the runs are inconclusive", *g.Inconclusive*100), fmt.Sprintf("%d of %d", n, all), against)
	return nil
}

// canaries judges by the bundles, not by what a campaign says of them.
func (g *gate) canaries() error {
	if !g.Canaries {
		return nil
	}
	names, by := cellsOf(g.counting(true))
	var against []string
	sung := 0
	for _, name := range names {
		if slices.ContainsFunc(by[name], gateRun.sings) {
			sung++
		} else {
			against = append(against, fmt.Sprintf("%s: its defect was not found in %s", name, plural(len(by[name]), "run")))
		}
	}
	for _, c := range g.campaigns {
		for _, cell := range c.Cells {
			if cell.Canary && by[cell.ID] == nil {
				against = append(against, fmt.Sprintf("%s: no run of it counts", cell.ID))
			}
		}
	}
	if len(names) == 0 && len(against) == 0 {
		against = append(against, "there is no canary among the runs")
	}
	g.add("canaries", "the defect of every canary was found", fmt.Sprintf("%d of %d", sung, len(names)), against)
	return nil
}

// sings tells whether the run found the defect that is switched on in it.
func (r gateRun) sings() bool {
	return r.Verdict.Outcome == checkers.Violation && Finds(r.Spec, ViolatedClaims(*r.Verdict))
}

// everyCell: what a campaign set out to run was run.
func (g *gate) everyCell() error {
	if !g.EveryCell {
		return nil
	}
	var against []string
	_, by := cellsOf(g.runs)
	wanted := 0
	for _, c := range g.campaigns {
		for _, cell := range c.Cells {
			wanted++
			switch {
			case !cell.Made():
				against = append(against, fmt.Sprintf("%s: never run (campaign %s, %s)", cell.ID, c.Title(), c.State))
			case !counts(by[cell.ID]):
				against = append(against, fmt.Sprintf("%s: no run of it counts", cell.ID))
			}
		}
	}
	found := fmt.Sprintf("%d of %d", wanted-len(against), wanted)
	if len(g.campaigns) == 0 {
		against = append(against, "there is no campaign to say which cells there are")
	}
	g.add("every cell", "every cell of the campaigns was run", found, against)
	return nil
}

func (g *gate) cells() error {
	if len(g.Cells) == 0 {
		return nil
	}
	var against []string
	for _, c := range g.Cells {
		var all []gateRun
		n := 0
		for _, r := range g.runs {
			if r.canary || r.again || !c.selector(r.Spec, r.Plan) {
				continue
			}
			all = append(all, r)
			if r.aside == "" && r.Verdict.Outcome != checkers.Error {
				n++
			}
		}
		if n >= c.runs {
			continue
		}
		text := fmt.Sprintf("%s: %d of %s", c.name, n, plural(c.runs, "run"))
		if why := reasons(all); why != "" {
			text += ", others are " + why
		} else if len(all) == 0 {
			text += ": never run"
		}
		against = append(against, text)
	}
	g.add("cells", fmt.Sprintf("%s by name, each with its runs", plural(len(g.Cells), "cell")), fmt.Sprintf("%d of %d", len(g.Cells)-len(against), len(g.Cells)), against)
	return nil
}

// coverage counts faults that were seen to take effect.
func (g *gate) coverage() error {
	if len(g.Coverage) == 0 {
		return nil
	}
	applied := map[nemesis.Kind]int{}
	for _, r := range g.counting(false) {
		for _, x := range r.Receipts {
			if x.Status == nemesis.Applied {
				applied[x.Step.Fault.Kind]++
			}
		}
	}
	var found, against []string
	for _, c := range g.Coverage {
		found = append(found, fmt.Sprintf("%s %d of %d", c.kind, applied[c.kind], c.want))
		if applied[c.kind] < c.want {
			against = append(against, fmt.Sprintf("%s: %d applied, need %d", c.kind, applied[c.kind], c.want))
		}
	}
	g.add("coverage", "faults applied, with receipts", strings.Join(found, ", "), against)
	return nil
}

// minSample is how many runs a comparison takes on each side.
const minSample = 3

// performance compares throughput with the baseline's, cell by cell. It speaks against a release when the whole interval is
// below the floor, and when there is too little to tell.
func (g *gate) performance() error {
	if g.Baseline == "" {
		return nil
	}
	base := &gate{}
	if err := base.collect(g.Baseline); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	for i := range base.runs {
		base.runs[i].aside = ""
	}
	names, now := cellsOf(g.counting(false))
	_, then := cellsOf(base.counting(false))
	var found, against []string
	for _, name := range names {
		a, b := rates(now[name]), rates(then[name])
		switch {
		case len(b) == 0:
			continue // a new cell
		case len(a) < minSample || len(b) < minSample:
			against = append(against, fmt.Sprintf("%s: too few runs to tell: %d now, %d in the baseline, need %d", name, len(a), len(b), minSample))
			continue
		}
		x := ratioOf(a, b)
		text := fmt.Sprintf("%s: %.0f %% (95 %% interval %.0f to %.0f %%)", name, x.Estimate*100, x.Low*100, math.Min(x.High, 10)*100)
		found = append(found, text)
		if x.High < g.Floor {
			against = append(against, text)
		}
	}
	if len(found)+len(against) == 0 {
		against = append(against, "no cell is in the baseline too")
	}
	g.add("performance", fmt.Sprintf("throughput is not below %.4g %% of the baseline", g.Floor*100), strings.Join(found, "; "), against)
	return nil
}

// rates are the throughputs of the runs that came to a verdict on all of their ops. One that did nothing has the least
// that can be compared.
func rates(runs []gateRun) (out []float64) {
	for _, r := range runs {
		if r.Measures != nil && r.Meta.Ended && r.Meta.Interrupted == "" && r.Verdict.Outcome != checkers.Error {
			out = append(out, max(r.Measures.PerSecond, 1e-6))
		}
	}
	return out
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
