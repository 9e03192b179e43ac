package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"riven/checkers"
	"riven/clusters/docker/image"
	"riven/clusters/sim"
	"riven/harness/run"
	"riven/nemesis"
	"riven/results"
)

type replayFlags struct {
	dir     string
	cluster string
	tries   int
	json    bool
}

// defaultTries is how often a run is made again where it may come out otherwise.
const defaultTries = 3

func replayCommand() *cobra.Command {
	f := &replayFlags{}
	c := &cobra.Command{
		Use:   "replay BUNDLE",
		Short: "Make a bundle's run again and compare the verdicts",
		Long: `Makes the run of a bundle again from its own spec, plan and seed, and puts the verdicts side by side. BUNDLE is a folder, or a file
that riven export packed, which is unpacked into --dir first.

Containers are no simulation: faults come by the same triggers and at the same times, but ops interleave as they will. So the run is
made several times, and what comes out is a rate: k of n, with the interval in which the true rate lies (95 %, Wilson). A try
repeats a violation when it violates one of the same claims; it repeats another verdict when it comes to the same.

With --cluster docker what a simulation found is tried on a real ensemble: the same spec, and the same plan by its triggers.

What differs between the machine that made the bundle and this one is told first. The exit code is that of the worst verdict of
the tries, as of riven run.`,
		Example: `  riven replay runs/20260102T030405-lock-7-ABCDEF
  riven replay 20260102T030405-lock-7-ABCDEF.tar.gz --tries 10
  riven replay runs/20260102T030405-lock-7-ABCDEF --cluster docker`,
		Args: arguments("BUNDLE"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringVar(&f.dir, "dir", "runs", "folder for the bundles of the tries")
	c.Flags().StringVar(&f.cluster, "cluster", "", "docker: make the run of a simulated bundle in containers (not given: where it was made)")
	c.Flags().IntVar(&f.tries, "tries", defaultTries, "how often the run is made")
	c.Flags().BoolVar(&f.json, "json", false, "print a JSON object")
	return c
}

// replayed is what came of it.
type replayed struct {
	Bundle   string          `json:"bundle"`
	Differs  []string        `json:"differs"` // between the machine that made the bundle and this one
	Before   replayVerdict   `json:"before"`
	Tries    []replayVerdict `json:"tries"`
	Repeated int             `json:"repeated"`
	Low      float64         `json:"low"` // the interval of the rate
	High     float64         `json:"high"`
}

type replayVerdict struct {
	Bundle   string           `json:"bundle"`
	Outcome  checkers.Outcome `json:"outcome"`
	Claims   []string         `json:"claims,omitempty"` // violated
	Sentence string           `json:"sentence"`
}

// replayer makes the run of a bundle again. Each cluster has its own way: one that repeats a run exactly makes it once and
// compares the whole history.
type replayer func(f *replayFlags, c *cobra.Command, b *results.Bundle) (replayed, error)

var replayers = map[string]replayer{onDocker: byTrigger, sim.Name: exactly}

func (f *replayFlags) run(c *cobra.Command, bundle string) error {
	if f.tries < 1 {
		return usage(fmt.Errorf("--tries %d: need at least 1", f.tries))
	}
	if strings.HasSuffix(bundle, results.ArchiveSuffix) {
		dir, err := results.Unpack(bundle, f.dir)
		if err != nil {
			return failed(err)
		}
		bundle = dir
	}
	b, err := results.OpenBrief(bundle)
	if err != nil {
		return failed(err)
	}
	if b.Verdict == nil {
		if b, err = run.Judge(bundle); err != nil {
			return failed(err)
		}
	}
	if f.cluster != "" && f.cluster != b.Spec.Cluster && f.cluster != onDocker {
		return usage(fmt.Errorf("--cluster %s: a run of %s can be made again there or on %s", f.cluster, b.Spec.Cluster, onDocker))
	}
	b.Spec.Cluster = cmp.Or(f.cluster, b.Spec.Cluster)
	again := replayers[b.Spec.Cluster]
	if again == nil {
		return failed(fmt.Errorf("this riven can not run the cluster %q of %s", b.Spec.Cluster, bundle))
	}
	if err := runnable(b.Spec, givenPlan(b)); err != nil {
		return failed(fmt.Errorf("the run of %s can not be made here: %w", bundle, err))
	}
	x, err := again(f, c, b)
	if err != nil {
		return failed(err)
	}
	if f.json {
		err = json.NewEncoder(c.OutOrStdout()).Encode(x)
	} else {
		err = x.print(c.OutOrStdout())
	}
	if err != nil {
		return failed(err)
	}
	worst := checkers.Pass
	for _, t := range x.Tries {
		worst = max(worst, t.Outcome)
	}
	return judged(worst)
}

// givenPlan is the bundle's plan; nil if its run was killed before it had one.
func givenPlan(b *results.Bundle) *nemesis.Plan {
	if b.Plan.Policy == "" {
		return nil
	}
	return &b.Plan
}

// byTrigger makes the run several times in containers.
func byTrigger(f *replayFlags, c *cobra.Command, b *results.Bundle) (replayed, error) {
	x := replayed{Bundle: b.Dir, Differs: differs(b), Before: verdictOf(b)}
	for _, d := range x.Differs {
		fmt.Fprintln(c.ErrOrStderr(), "note:", d)
	}
	for range f.tries {
		made, err := makeRun(c, run.Options{
			Spec: b.Spec, Plan: givenPlan(b), Root: f.dir, Command: b.Meta.Command, Commit: cmp.Or(b.Meta.Commit, results.Revision()),
		})
		if err != nil {
			return x, err
		}
		v := verdictOf(made)
		x.Tries = append(x.Tries, v)
		if v.repeats(x.Before) {
			x.Repeated++
		}
		if c.Context().Err() != nil {
			break
		}
	}
	if len(x.Tries) == 0 {
		return x, errors.New("interrupted before the first try")
	}
	x.Low, x.High = results.Wilson(x.Repeated, len(x.Tries))
	return x, nil
}

// differs tells what may make the run come out otherwise.
func differs(b *results.Bundle) []string {
	out := []string{}
	if b.Meta.Riven != results.Revision() {
		out = append(out, fmt.Sprintf("the bundle was made by riven %s, this is %s", b.Meta.Riven, results.Revision()))
	}
	if v, err := image.ZooKeeperVersion(b.Spec.Suite); err == nil && b.Meta.ZooKeeper != "" && v != b.Meta.ZooKeeper {
		out = append(out, fmt.Sprintf("the bundle was made with ZooKeeper %s, this is %s", b.Meta.ZooKeeper, v))
	}
	return out
}

func verdictOf(b *results.Bundle) replayVerdict {
	return replayVerdict{b.Dir, b.Verdict.Outcome, results.ViolatedClaims(*b.Verdict), b.Verdict.Sentence}
}

// repeats tells whether the verdict is the other one again.
func (v replayVerdict) repeats(other replayVerdict) bool {
	if v.Outcome != other.Outcome {
		return false
	}
	return v.Outcome != checkers.Violation || slices.ContainsFunc(v.Claims, func(c string) bool { return slices.Contains(other.Claims, c) })
}

func (x replayed) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name string, v replayVerdict) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, v.Outcome, strings.Join(v.Claims, ", "), v.Sentence)
	}
	line("before", x.Before)
	for i, t := range x.Tries {
		line(fmt.Sprintf("try %d", i+1), t)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "repeated in %d of %d (95 %% interval %.0f to %.0f %%)\n", x.Repeated, len(x.Tries), x.Low*100, x.High*100)
	for _, t := range x.Tries {
		if err == nil {
			_, err = fmt.Fprintf(out, "  report %s\n", filepath.Join(t.Bundle, "report.html"))
		}
	}
	return err
}
