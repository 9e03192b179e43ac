package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"riven/checkers"
	"riven/clusters/sim"
	"riven/clusters/sim/ensemble"
	"riven/harness/hunt"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads/catalogue"
)

func scorecardCommand() *cobra.Command {
	var trials, limit int
	var file, only string
	c := &cobra.Command{
		Use: "scorecard", Short: "Measure how soon the search finds each defect, in the simulation", Args: arguments(),
		Long: `Switches on one defect after another, of the recipes and of the simulated servers, and searches as riven hunt does until it is seen: a recipe's
defect by a claim of its own, a server's by any. Each search is made several times with seeds of its own.`,
		Example: `  riven scorecard
  riven scorecard --trials 15 --seeds 2000 --out docs/detection.md
  riven scorecard --only election/`,
		RunE: func(c *cobra.Command, _ []string) error {
			debug.SetGCPercent(400)
			var rows []scoreRow
			for _, x := range searches() {
				if !strings.HasPrefix(x.name, only) {
					continue
				}
				before := cpu()
				score, err := hunt.Rate(c.Context(), x.name, x.specs, trials, limit, x.counts)
				if err != nil {
					return failed(err)
				}
				rows = append(rows, scoreRow{score, cpu() - before})
				fmt.Fprintln(c.ErrOrStderr(), rows[len(rows)-1].cells(" "))
			}
			out := c.OutOrStdout()
			if file != "" {
				f, err := os.Create(file)
				if err != nil {
					return failed(err)
				}
				defer f.Close()
				out = f
			}
			return failed(writeScores(out, rows, trials, limit))
		},
	}
	c.Flags().IntVar(&trials, "trials", 5, "searches for each defect")
	c.Flags().IntVar(&limit, "seeds", 500, "seeds of a search at most")
	c.Flags().StringVar(&only, "only", "", "only defects whose name begins so: WORKLOAD/RECIPE/DEFECT, or servers/DEFECT")
	c.Flags().StringVar(&file, "out", "", "file for the table instead of the standard output")
	return c
}

// search is one defect with the runs that may show it.
type search struct {
	name   string
	specs  []spec.Spec
	counts hunt.Judgement
}

// searches are all defects that the simulation can run: with fencing, since without it a pause alone breaks what many of
// them break. One that fencing hides is searched without it as well, with a fault that leaves a correct recipe in order.
func searches() (out []search) {
	usual := func(workload, recipe string) spec.Spec {
		s := spec.Default()
		s.Workload, s.Recipe, s.Cluster, s.Participants = workload, recipe, sim.Name, 0
		s.Faults, s.Time = nil, spec.Duration(20*time.Second)
		return catalogue.Complete(s)
	}
	var correct []spec.Spec
	for _, w := range catalogue.All() {
		for _, r := range w.Recipes {
			if r.New == nil {
				continue
			}
			correct = append(correct, usual(w.Name, r.Name))
			for _, d := range r.Defects {
				s := usual(w.Name, r.Name)
				s.Defects = []string{d.Name}
				specs := []spec.Spec{s}
				if slices.Equal(d.Breaks, []string{checkers.ClaimTokens}) { // a resource that fences never shows it
					s.Fencing, s.Faults = false, []string{string(nemesis.LoseReply)}
					specs = append(specs, s)
				}
				out = append(out, search{w.Name + "/" + r.Name + "/" + d.Name, specs, results.Finds})
			}
		}
	}
	any := func(_ spec.Spec, violated []string) bool { return len(violated) > 0 }
	for _, d := range ensemble.Defects() {
		specs := slices.Clone(correct)
		for i := range specs {
			specs[i].Broken = []string{d.Name}
		}
		out = append(out, search{"servers/" + d.Name, specs, any})
	}
	return out
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type scoreRow struct {
	hunt.Score
	cpu time.Duration
}

func (r scoreRow) cells(between string) string {
	rank := func(part float64) string {
		if n, ok := r.Rank(part); ok {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("> %d", r.Cap)
	}
	return strings.Join([]string{
		r.Name, fmt.Sprintf("%d/%d", len(r.Seeds), r.Trials), rank(.5), rank(.9), fmt.Sprintf("%.1f", r.cpu.Seconds()), strings.Join(r.Claims, ", "),
	}, between)
}

// writeScores writes the table for docs/detection.md.
func writeScores(w io.Writer, rows []scoreRow, trials, limit int) error {
	found, missed := 0, []string{}
	var b strings.Builder
	for _, r := range rows {
		if len(r.Seeds) > 0 {
			found++
		} else {
			missed = append(missed, r.Name)
		}
		fmt.Fprintf(&b, "| %s |\n", r.cells(" | "))
	}
	_, err := fmt.Fprintf(w, `# Detection

How many seeds the search of `+"`riven hunt`"+` takes in the simulation until it sees a defect that was switched on: made by `+"`riven scorecard --trials %d --seeds %d`"+` (%s). A recipe's defect
counts as seen when a claim is violated that it is to break, with fencing on (one that fencing hides: in every second seed off, with lost replies as the only faults); a server's when any claim of a correct recipe is, all workloads in turn. Median and 90th percentile are over
the trials, those that found nothing counted; CPU seconds are of all trials together.

%d of %d were seen in at least one trial. Not seen: %s.

| defect | found/trials | median seeds | 90 %% | CPU s | claims |
| --- | --- | --- | --- | --- | --- |
%s`, trials, limit, time.Now().UTC().Format(time.DateOnly), found, len(rows), strings.Join(append(missed, []string{}...), ", "), b.String())
	return err
}
