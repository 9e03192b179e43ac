package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"riven/checkers"
	"riven/clusters/docker/image"
	"riven/clusters/sim"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads/catalogue"
)

// runFlags are what the command line says; spec is filled in from them.
type runFlags struct {
	spec                       spec.Spec
	file, plan, seeds          string
	timing, dir                string
	session, length, hold, pau time.Duration
	pins                       []string
	commit                     string
	json                       bool
}

const defaultTiming = "fast" // of spec.Default

func runCommand() *cobra.Command { return (&runFlags{spec: spec.Default()}).command() }

func (f *runFlags) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "run [WORKLOAD]",
		Short: "Run a workload under faults and judge it",
		Long: `Starts an ensemble and its participants, in containers or in a simulation, runs the workload while it injects faults, heals, and judges
the history. Leaves a bundle with the verdict and report.html.

Exit codes: 0 pass, 1 violation, 2 inconclusive, 3 error, 64 bad usage; of several seeds the worst.`,
		Example: `  riven run lock --recipe curator --faults partition,kill,pause --time 30s --seed 1..10
  riven run counter --faults partition,kill,pause
  riven run lock --cluster sim --seed 7                  # in memory: the same seed gives the same history
  riven run lock --fencing=false --faults pause          # a paused holder writes after its successor
  riven run lock --spec examples/two-holders.json --plan examples/two-holders-plan.json`,
		Args: arguments("[WORKLOAD]"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	s, flags := &f.spec, c.Flags()
	flags.StringVar(&s.Cluster, "cluster", s.Cluster, "where it runs: docker (containers), sim (a simulation in memory), auto (docker where there is an engine, else sim)")
	flags.StringVar(&s.Recipe, "recipe", "", "recipe that the participants run (riven list); the workload's first when not given")
	flags.StringSliceVar(&s.Defects, "defect", nil, "defects to switch on in the recipe")
	flags.StringSliceVar(&s.Broken, "broken", nil, "defects to switch on in the simulated servers")
	flags.StringVar(&s.Client, "client", "", clientHelp)
	flags.StringSliceVar(&s.Faults, "faults", s.Faults, "kinds of faults to plan, or none")
	flags.StringVar(&f.plan, "plan", "", "file with the plan, instead of one drawn from the seed")
	flags.StringVar(&f.file, "spec", "", "file with the spec, instead of flags")
	flags.StringVar(&f.seeds, "seed", "", "seed, list or range (7, 1,5, 1..10); drawn when not given")
	flags.DurationVar(&f.length, "time", s.Time.D(), "how long the workload runs under faults")
	flags.IntVar(&s.Servers, "servers", s.Servers, "servers of the ensemble")
	flags.BoolVar(&s.Staged, "staged", false, "start the servers one by one, each when the one before is up")
	flags.IntVar(&s.Participants, "participants", 0, "participants (0: as many as are usual for the workload)")
	flags.StringVar(&f.timing, "timing", defaultTiming, "the ensemble's timing: fast (tick 200 ms, session 2 s) or zoo_sample (tick 2 s, session 4 s)")
	flags.DurationVar(&f.session, "session", 0, "session timeout (0: the timing's)")
	flags.DurationVar(&f.hold, "hold", s.Hold.D(), "how long a lock is held and worked under")
	flags.DurationVar(&f.pau, "pause", 0, "length of planned pauses (0: 1.5 session timeouts)")
	flags.BoolVar(&s.Fencing, "fencing", s.Fencing, "the resource refuses a fencing token lower than one it has seen")
	flags.StringSliceVar(&f.pins, "pin", nil, "tie a participant to a server: p1=zk2, p1=leader, p2=follower")
	flags.StringSliceVar(&s.Claims, "claim", nil, "claims judged even outside their preconditions (belief)")
	flags.StringVar(&s.Suite, "suite", s.Suite, "Debian suite that ZooKeeper comes from: "+suites())
	flags.StringVar(&s.Image, "image", "", "container image of the servers instead of --suite: any that starts ZooKeeper by itself")
	flags.StringVar(&s.Participant, "participant", "", "container image of the participants: any that speaks the participant protocol")
	flags.StringVar(&f.dir, "dir", "runs", "folder for bundles")
	flags.StringVar(&f.commit, "commit", "", commitHelp)
	flags.BoolVar(&f.json, "json", false, "print one JSON object a run instead of text")
	return c
}

func (f *runFlags) run(c *cobra.Command, args []string) error {
	seeds, plan, err := f.resolve(c, args)
	if err != nil {
		return usage(err)
	}
	if note := ensembleNote(f.spec.Servers); note != "" {
		fmt.Fprintln(c.ErrOrStderr(), note)
	}
	var worst checkers.Outcome
	for _, seed := range seeds {
		s := f.spec
		s.Seed = seed
		b, err := f.one(c, s, plan)
		if stopped := context.Cause(c.Context()); stopped != nil && errors.Is(err, stopped) {
			err = errors.New("interrupted before the nodes were started")
		}
		if err != nil {
			return failed(err)
		}
		worst = max(worst, b.Verdict.Outcome)
		if c.Context().Err() != nil {
			break
		}
	}
	return judged(worst)
}

// resolve turns flags and files into a spec, a plan and seeds, and refuses what can not be run before anything is started.
func (f *runFlags) resolve(c *cobra.Command, args []string) (seeds []uint64, plan *nemesis.Plan, err error) {
	if f.file != "" {
		err = f.fromFile(c, args)
	} else {
		err = f.fromFlags(args)
	}
	if err != nil {
		return nil, nil, err
	}
	f.spec.Cluster = chooseCluster(c, f.spec.Cluster)
	if f.plan != "" {
		if plan, err = readPlan(f.plan); err != nil {
			return nil, nil, err
		}
	}
	if seeds, err = f.seedList(c); err != nil {
		return nil, nil, err
	}
	for _, seed := range seeds {
		s := f.spec
		s.Seed = seed
		if err := runnable(s, plan); err != nil {
			return nil, nil, err
		}
	}
	return seeds, plan, nil
}

const commitHelp = "commit of what is tested, for the record (not given: the revision that riven was built from)"

// clustersHere are the clusters that this binary can run.
var clustersHere = []string{onDocker, sim.Name}

// runnable refuses what can not be run here, before anything is started.
func runnable(s spec.Spec, plan *nemesis.Plan) error {
	if err := cmp.Or(s.Validate(), catalogue.Validate(s),
		known("cluster", s.Cluster, clustersHere), known("suite", s.Suite, image.Suites()), simulable(s)); err != nil {
		return err
	}
	_, err := run.Plan(s, plan)
	return err
}

// suites tells which version of ZooKeeper each has.
func suites() string {
	all := image.Suites()
	for i, s := range all {
		version, err := image.ZooKeeperVersion(s)
		if err != nil { // it is one of Suites
			panic(err)
		}
		all[i] = fmt.Sprintf("%s (%s)", s, version)
	}
	return strings.Join(all, ", ")
}

func known(what, name string, names []string) error {
	if slices.Contains(names, name) {
		return nil
	}
	return &catalogue.UnknownError{What: what, Name: name, Known: names}
}

// ensembleNote is what somebody should know who asks for an even number of servers.
func ensembleNote(servers int) string {
	if servers%2 != 0 {
		return ""
	}
	return fmt.Sprintf("note: an ensemble of %d servers survives the loss of %d, no more than one of %d would", servers, (servers-1)/2, servers-1)
}

func (f *runFlags) fromFile(c *cobra.Command, args []string) error {
	var clash []string
	for _, name := range []string{"recipe", "defect", "broken", "client", "faults", "time", "servers", "staged", "participants", "timing", "session", "hold", "pause", "pin", "suite", "image", "participant"} {
		if c.Flags().Changed(name) {
			clash = append(clash, "--"+name)
		}
	}
	if len(clash) > 0 {
		return fmt.Errorf("--spec describes the whole run: %s can not be given beside it", strings.Join(clash, ", "))
	}
	b, err := os.ReadFile(f.file)
	if err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	s, err := spec.Parse(b)
	if err != nil {
		return fmt.Errorf("%s: %w", f.file, err)
	}
	s = catalogue.Complete(s)
	if len(args) == 1 && args[0] != s.Workload {
		return fmt.Errorf("the workload of %s is %s, not %s", f.file, s.Workload, args[0])
	}
	if c.Flags().Changed("cluster") {
		s.Cluster = f.spec.Cluster
	}
	if c.Flags().Changed("fencing") {
		s.Fencing = f.spec.Fencing
	}
	s.Claims = append(s.Claims, f.spec.Claims...)
	f.spec = s
	return nil
}

func (f *runFlags) fromFlags(args []string) error {
	if len(args) == 1 {
		f.spec.Workload = args[0]
	}
	if f.spec.Recipe == "" && f.spec.Participant != "" {
		f.spec.Recipe = "foreign"
	}
	if f.spec.Recipe == "" {
		f.spec.Recipe = catalogue.FirstRecipe(f.spec.Workload)
	}
	if err := known("timing", f.timing, slices.Sorted(maps.Keys(spec.Timings))); err != nil {
		return err
	}
	f.spec = catalogue.Complete(f.spec)
	t := spec.Timings[f.timing]
	if f.session != 0 {
		t.Session = spec.Duration(f.session)
	}
	f.spec.Timing, f.spec.Time, f.spec.Hold, f.spec.Pause = t, spec.Duration(f.length), spec.Duration(f.hold), spec.Duration(f.pau)
	f.spec.Faults = slices.DeleteFunc(f.spec.Faults, func(s string) bool { return s == "" || s == "none" })
	for _, p := range f.pins {
		participant, server, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("--pin %q: want PARTICIPANT=SERVER (p1=zk2, p1=leader, p2=follower)", p)
		}
		f.spec.Pins = append(f.spec.Pins, spec.Pin{Participant: participant, Server: server})
	}
	return nil
}

func readPlan(file string) (*nemesis.Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	plan, err := nemesis.ParsePlan(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &plan, nil
}

func (f *runFlags) one(c *cobra.Command, s spec.Spec, plan *nemesis.Plan) (*results.Bundle, error) {
	b, err := makeRun(c, run.Options{
		Spec: s, Plan: plan, Root: f.dir, Command: commandLine(s, plan), Commit: cmp.Or(f.commit, results.Revision()),
	})
	if err != nil {
		return nil, err
	}
	return b, show(c, b, f.json)
}

// makeRun makes a run on the cluster of its spec; the options say which.
func makeRun(c *cobra.Command, o run.Options) (*results.Bundle, error) {
	progress := newProgress(os.Stderr, o.Spec)
	defer progress.done()
	defer context.AfterFunc(c.Context(), func() { progress.Printf("interrupted: stopping the nodes… (interrupt again to quit at once)") })()
	if o.Spec.Cluster == sim.Name {
		o.Progress = progress
		return simulate(c.Context(), o)
	}
	engine, err := connect(c.Context(), progress.Printf)
	if err != nil {
		return nil, err
	}
	defer engine.close()
	if o.Engine, err = engine.describe(c.Context(), o.Spec); err != nil {
		return nil, err
	}
	o.Progress, o.Cluster = progress, engine.cluster
	return run.Run(c.Context(), o)
}

// shown is what --json prints of a run.
type shown struct {
	Bundle   string           `json:"bundle"`
	Report   string           `json:"report"`
	Seed     uint64           `json:"seed"`
	Verdict  checkers.Verdict `json:"verdict"`
	ExitCode int              `json:"exitCode"`
}

func show(c *cobra.Command, b *results.Bundle, asJSON bool) error {
	out, v := c.OutOrStdout(), b.Verdict
	if asJSON {
		return json.NewEncoder(out).Encode(shown{b.Dir, b.ReportPath(), b.Spec.Seed, *v, v.Outcome.ExitCode()})
	}
	fmt.Fprintln(out, v.Sentence)
	for _, reason := range v.Reasons {
		fmt.Fprintf(out, "  %s\n", reason)
	}
	fmt.Fprintf(out, "  seed %d, report %s\n", b.Spec.Seed, b.ReportPath())
	return nil
}
