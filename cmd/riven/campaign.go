package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"riven/harness/campaign"
	"riven/results"
)

type campaignFlags struct {
	dir, shard, seed, commit string
	time                     time.Duration
	list, json               bool
}

func campaignCommand() *cobra.Command {
	f := &campaignFlags{}
	c := &cobra.Command{
		Use:   "campaign [FILE]",
		Short: "Make many runs: a matrix with a budget, in shards, resumable",
		Long: `Reads a campaign file, makes its runs one after another, each in a process of its own, and keeps a journal of them in a
folder. The same command with the same --dir goes on after any stop, also after a SIGKILL: every run is made exactly once.
Without FILE it goes on with the campaign that the folder holds.

A violation is never tried again. A run that ends in an error is made again, at most twice, and the table shows it: ! for each
such attempt, then what came of the run: ✓ pass, ✕ violation, ? inconclusive, ! error, · not made.

In the folder: runs/ (the bundles), summary.md, summary.json, junit.xml, logs/ (of runs that broke), journal.jsonl.

Exit codes: 0 all is well, 1 a violation, 2 inconclusive, interrupted, or a budget that did not do for one run of every cell,
3 an error, or a canary whose defect was not found, 64 bad usage.`,
		Example: `  riven campaign examples/campaigns/smoke.yaml
  riven campaign examples/campaigns/nightly.yaml --shard 2/4 --dir campaigns/tonight-2
  riven campaign --dir campaigns/tonight-2                   # go on after a stop
  riven campaign examples/campaigns/nightly.yaml --list      # what would be run, in this order
  riven campaign examples/campaigns/nightly.yaml --time 20m --seed 7`,
		Args: arguments("[FILE]"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.dir, "dir", "", "the campaign's own folder (not given: a new one in campaigns)")
	flags.StringVar(&f.shard, "shard", "1/1", "make the Ith of N parts: I/N; an index from 0 may be given as INDEX+1/N")
	flags.StringVar(&f.seed, "seed", "", "seed of the campaign, instead of the file's")
	flags.DurationVar(&f.time, "time", 0, "budget of time, instead of the file's")
	flags.StringVar(&f.commit, "commit", "", commitHelp)
	flags.BoolVar(&f.list, "list", false, "print the runs and make none")
	flags.BoolVar(&f.json, "json", false, "print the summary as a JSON object")
	return c
}

func (f *campaignFlags) run(c *cobra.Command, args []string) error {
	plan, shard, commit, err := f.read(c, args)
	if err != nil {
		return err
	}
	if f.dir == "" {
		f.dir = filepath.Join("campaigns", time.Now().UTC().Format("20060102T150405")+"-"+plan.Name)
		if shard.N > 1 {
			f.dir += fmt.Sprintf("-%d-of-%d", shard.I, shard.N)
		}
	}
	past, err := campaign.Pasts(filepath.Dir(filepath.Clean(f.dir)), f.dir)
	if err != nil {
		return failed(err)
	}
	if f.list {
		return failed(f.print(c.OutOrStdout(), plan.Runs(shard, past)))
	}
	binary, err := self()
	if err != nil {
		return failed(err)
	}
	view := newCampaignView(c.ErrOrStderr())
	summary, err := campaign.Do(c.Context(), campaign.Options{
		Campaign: plan, Dir: f.dir, Shard: shard, Commit: commit, Riven: results.Revision(), Past: past,
		Runner: campaign.Child{Binary: binary, Commit: commit, Dir: f.dir}, View: view,
	})
	view.done()
	if err != nil {
		return failed(err)
	}
	return f.tell(c.OutOrStdout(), summary)
}

// read finds the campaign: in the file, or in the folder that holds one already.
func (f *campaignFlags) read(c *cobra.Command, args []string) (plan campaign.Campaign, shard campaign.Shard, commit string, err error) {
	fail := func(err error) (campaign.Campaign, campaign.Shard, string, error) {
		return campaign.Campaign{}, campaign.Shard{}, "", err
	}
	if shard, err = campaign.ParseShard(f.shard); err != nil {
		return fail(usage(fmt.Errorf("--%w", err)))
	}
	if f.time < 0 {
		return fail(usage(fmt.Errorf("--time %v: must not be negative", f.time)))
	}
	if len(args) == 0 {
		if f.dir == "" {
			return fail(usage(errors.New("riven campaign needs a FILE, or the --dir of a campaign to go on with (see riven campaign --help)")))
		}
		for _, name := range []string{"shard", "seed", "commit"} {
			if c.Flags().Changed(name) {
				return fail(usage(fmt.Errorf("--%s can not be given without a FILE: the campaign goes on as it was begun", name)))
			}
		}
		recorded, shard, commit, ok, err := campaign.Recorded(f.dir)
		if err == nil && !ok {
			err = fmt.Errorf("%s holds no campaign", f.dir)
		}
		return f.limited(recorded), shard, commit, failed(err)
	}
	if plan, err = campaign.Load(args[0], runnable); err != nil {
		return fail(usage(err))
	}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 10, 64)
		if err != nil {
			return fail(usage(fmt.Errorf("--seed %q: want a number", f.seed)))
		}
		if plan, err = campaign.Reseed(plan, seed, runnable); err != nil {
			return fail(usage(err))
		}
	}
	return f.limited(plan), shard, cmp.Or(f.commit, results.Revision()), nil
}

// limited is the campaign with the budget of time that was asked for.
func (f *campaignFlags) limited(c campaign.Campaign) campaign.Campaign {
	if f.time > 0 {
		c.Budget.Time = f.time
	}
	return c
}

func (f *campaignFlags) print(out io.Writer, runs []campaign.Run) error {
	if f.json {
		type listed struct {
			Cell   string `json:"cell"`
			N      int    `json:"n"`
			Seed   uint64 `json:"seed"`
			Canary bool   `json:"canary,omitempty"`
		}
		for _, r := range runs {
			if err := json.NewEncoder(out).Encode(listed{r.Cell.ID, r.N, r.Seed, r.Cell.Canary}); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t#%d\tseed %d\t%s\n", r.Cell.ID, r.N, r.Seed, map[bool]string{true: "canary"}[r.Cell.Canary])
	}
	return w.Flush()
}

// tell is how a campaign ends for the person who started it.
func (f *campaignFlags) tell(out io.Writer, s results.Campaign) error {
	o := s.Outcome()
	if f.json {
		if err := json.NewEncoder(out).Encode(s); err != nil {
			return failed(err)
		}
		return judged(o)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, x := range s.Cells {
		fmt.Fprintf(w, "%s\t%s\t%s\n", x.Marks(), x.ID, x.Remark())
	}
	if err := w.Flush(); err != nil {
		return failed(err)
	}
	fmt.Fprintf(out, "%s: %s: %s\n", o, s.Title(), s.Sentence())
	again := results.ShellLine([]string{"riven", "campaign", "--dir", f.dir})
	switch s.State {
	case results.OverBudget:
		fmt.Fprintf(out, "  over budget: with a larger one it goes on, in the file or as in %s --time 12h\n", again)
	case results.Interrupted:
		fmt.Fprintf(out, "  interrupted; it goes on with %s\n", again)
	case results.GaveUp:
		fmt.Fprintf(out, "  it gave up: run after run ended in an error; when that is mended it goes on with %s\n", again)
	case results.AtFinding:
		fmt.Fprintln(out, "  it ended with its first violation, as the file wants it")
	}
	for _, n := range s.Notes {
		fmt.Fprintf(out, "  %s\n", n)
	}
	for _, x := range s.Cells {
		for _, r := range x.Runs {
			if a := r.Last(); a != nil && a.Outcome.ExitCode() == 1 && !x.Canary {
				fmt.Fprintf(out, "  %s\n    %s\n", a.Sentence, results.ShellLine([]string{"riven", "replay", filepath.Join(f.dir, results.DirRuns, a.Bundle)}))
			}
		}
	}
	fmt.Fprintf(out, "  summary %s\n", filepath.Join(f.dir, "summary.md"))
	return judged(o)
}
