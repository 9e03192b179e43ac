package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"riven/checkers"
	"riven/clusters/sim"
	"riven/harness/hunt"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/results"
)

type huntFlags struct {
	runFlags
	many    int
	first   uint64
	workers int
	fixed   bool
}

func huntCommand() *cobra.Command {
	f := &huntFlags{runFlags: runFlags{spec: spec.Default(), timing: defaultTiming}}
	s := &f.spec
	s.Cluster, s.Faults = sim.Name, nil
	c := &cobra.Command{
		Use:   "hunt [WORKLOAD]",
		Short: "Search for violations over many seeds, in the simulation",
		Long: `Runs seed after seed in the simulation, on all cores. The planners of faults take turns; session timeout, syncLimit, hold time and the
number of servers vary with the seed. What violates a claim is a finding: the first run of each planner is reduced, to fewer
and shorter faults and fewer nodes, and armed on events; each kind of faults that it takes is a finding of its own and becomes a bundle with its own report, which riven replay repeats exactly. An interrupt keeps what
was found.

Exit codes: 0 nothing found, 1 a violation, 3 an error, 64 bad usage.`,
		Example: `  riven hunt lock --seeds 10000
  riven hunt lock --defect sort-by-name --seeds 500`,
		Args: arguments("[WORKLOAD]"),
		RunE: func(c *cobra.Command, args []string) error { return f.hunt(c, args) },
	}
	flags := c.Flags()
	flags.StringVar(&s.Recipe, "recipe", "", "recipe that the participants run (riven list); the workload's first when not given")
	flags.StringSliceVar(&s.Defects, "defect", nil, "defects to switch on in the recipe")
	flags.StringSliceVar(&s.Broken, "broken", nil, "defects to switch on in the simulated servers")
	flags.StringVar(&s.Client, "client", "", clientHelp)
	flags.StringSliceVar(&s.Faults, "faults", nil, "kinds of faults to plan (not given: all)")
	flags.IntVar(&f.many, "seeds", 1000, "how many seeds")
	flags.Uint64Var(&f.first, "first", 1, "the first seed")
	flags.IntVar(&f.workers, "workers", runtime.NumCPU(), "runs at a time")
	flags.DurationVar(&f.length, "time", 20*time.Second, "how long the workload runs under faults, in virtual time")
	flags.IntVar(&s.Participants, "participants", 0, "participants (0: as many as are usual for the workload)")
	flags.BoolVar(&s.Fencing, "fencing", s.Fencing, "the resource refuses a fencing token lower than one it has seen")
	flags.StringSliceVar(&s.Claims, "claim", nil, "claims judged even outside their preconditions (belief)")
	flags.BoolVar(&f.fixed, "fixed", false, "keep timing and hold time as they are: only plans vary")
	flags.StringVar(&f.dir, "dir", "runs", "folder for the bundles of findings")
	return c
}

func (f *huntFlags) hunt(c *cobra.Command, args []string) error {
	f.hold = f.spec.Hold.D()
	if err := f.fromFlags(args); err != nil {
		return usage(err)
	}
	f.spec.Seed = f.first
	if f.many < 1 {
		return usage(fmt.Errorf("--seeds %d: need at least 1", f.many))
	}
	plain := f.spec
	plain.Faults = nil // whether there is room for one of each is not asked here
	if err := runnable(plain, nil); err != nil {
		return usage(err)
	}
	debug.SetGCPercent(400) // runs leave much garbage and little else
	sum, err := hunt.Do(c.Context(), hunt.Options{
		Spec: f.spec, Seeds: f.many, Workers: f.workers, Fixed: f.fixed,
		View: func(s hunt.Status) { fmt.Fprintln(os.Stderr, huntLine(s)) },
	})
	if err != nil && c.Context().Err() == nil {
		return failed(err)
	}
	return f.tell(c, sum)
}

func huntLine(s hunt.Status) string {
	if s.Reducing != "" {
		return "reducing " + s.Reducing
	}
	words := []string{fmt.Sprintf("%d of %d seeds, %.0f/s", s.Seeds, s.Of, float64(s.Seeds)/s.Took.Seconds())}
	for _, n := range s.Counters.Listed() {
		words = append(words, fmt.Sprintf("%d %s", n.Seeds, n.Name))
	}
	return strings.Join(append(words, fmt.Sprintf("%d findings", s.Findings)), ", ")
}

// tell prints what was found and makes a bundle of each finding.
func (f *huntFlags) tell(c *cobra.Command, sum hunt.Summary) error {
	out := c.OutOrStdout()
	fmt.Fprintln(out, huntLine(sum.Status))
	for _, n := range sum.Counters.Listed() {
		if n.Seeds == 0 {
			fmt.Fprintf(out, "note: no %s in any run\n", n.Name)
		}
	}
	for _, h := range sum.Hazards {
		fmt.Fprintf(out, "hazard: %s did not hold outside its preconditions in %d of %d seeds\n", h.Name, h.Seeds, sum.Seeds)
	}
	fmt.Fprintf(out, "%d seeds run twice came out the same\n", sum.Repeated)
	worst := checkers.Pass
	ctx := context.WithoutCancel(c.Context())
	for _, x := range sum.Findings {
		worst = max(worst, x.Outcome)
		b, err := f.keep(ctx, x, sum.Seeds)
		if err != nil {
			return failed(err)
		}
		fmt.Fprintf(out, "%s: %d of %d seeds, one is %d by %s: %s\n", title(x), x.Times, sum.Seeds, x.Spec.Seed, x.Searcher, firstLine(b.Verdict.Sentence))
		fmt.Fprintf(out, "  %s\n  repeat %s\n  report %s\n", b.Origin.Reduced(), results.ShellLine([]string{"riven", "replay", b.Dir}), b.ReportPath())
	}
	if len(sum.Findings) == 0 {
		clean(out, sum.Seeds)
	}
	if sum.Seeds == 0 {
		return failed(errors.New("interrupted before the first seed was done"))
	}
	return judged(worst)
}

// title is what a finding is and takes.
func title(x hunt.Finding) string {
	switch {
	case x.Reduced == nil:
		return x.Key
	case len(x.Cause) == 0:
		return x.Key + ", without a fault"
	}
	return x.Key + ", by " + strings.Join(x.Cause, " and ")
}

// keep makes a bundle of a finding: of its reduced run, with the run as it was found beside it.
func (f *huntFlags) keep(ctx context.Context, x hunt.Finding, seeds int) (*results.Bundle, error) {
	from := results.Origin{Finding: title(x), Planner: x.Searcher, Seeds: seeds, Times: x.Times, Faults: len(x.Plan.Steps), Left: len(x.Plan.Steps)}
	s, plan := x.Spec, x.Plan
	if r := x.Reduced; r != nil {
		s, plan = r.Spec, r.Plan
		from.Left, from.Runs = len(plan.Steps), r.Runs
		from.Timed, from.Armed = results.Rate{K: r.Timed.Shown, N: r.Timed.Of}, results.Rate{K: r.Armed.Shown, N: r.Armed.Of}
	}
	b, err := simulate(ctx, run.Options{Spec: s, Plan: &plan, Root: f.dir, Commit: cmp.Or(f.commit, results.Revision())})
	if err != nil {
		return nil, err
	}
	return b, b.Keep(from, x.Spec, x.Plan)
}

func clean(out io.Writer, n int) {
	fmt.Fprintf(out, "nothing found in %d seeds: with 95 %% confidence fewer than %.2g of seeds show a violation of these plans\n", n, 3/float64(max(n, 1)))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
