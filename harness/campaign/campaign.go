package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"riven/checkers"
	"riven/results"
)

// maxTries bounds the attempts at a run that ends in an error. Nothing else is tried again.
const maxTries = 3

// patienceWithErrors is how many runs, one after another, may end in an error before the campaign gives up: what breaks them all
// would break the rest, and they would have to be made again.
const patienceWithErrors = 5

// Runner makes single runs.
type Runner interface {
	// Run makes the run and leaves its bundle in the folder; what is said on the way goes to out. When the context ends, so does
	// the run, with a verdict on what there was. The error says how it ended if it did not end as its verdict says.
	Run(ctx context.Context, r Run, folder string, out io.Writer) (code int, err error)
	// Judge judges a bundle that has no verdict.
	Judge(ctx context.Context, bundle string, out io.Writer) error
}

// View is shown how a campaign goes.
type View interface {
	Printf(format string, args ...any)
	// Show is called after every change. The campaign is told when it is asked for; now is the run under way, nil for none.
	Show(c func() results.Campaign, now *Run)
}

// Options of a campaign.
type Options struct {
	Campaign Campaign
	Dir      string // the campaign's own folder; made, or gone on with
	Shard    Shard
	Commit   string // of what is tested
	Riven    string // revision of this program
	Past     map[string]Past
	Runner   Runner
	View     View
}

// record is what the folder says of the campaign that it holds.
type record struct {
	Version  int      `json:"version"`
	Digest   string   `json:"digest"`
	Shard    Shard    `json:"shard"`
	Commit   string   `json:"commit"`
	Riven    string   `json:"riven"`
	Campaign Campaign `json:"campaign"`
}

const (
	fileCampaign = "campaign.json"
	dirLogs      = "logs"
)

// Recorded is the campaign that the folder holds, with its shard and commit; ok is false if it holds none.
func Recorded(dir string) (c Campaign, s Shard, commit string, ok bool, err error) {
	r, err := readRecord(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Campaign{}, Shard{}, "", false, nil
	}
	return r.Campaign, r.Shard, r.Commit, err == nil, err
}

func readRecord(dir string) (record, error) {
	content, err := os.ReadFile(filepath.Join(dir, fileCampaign))
	if err != nil {
		return record{}, fmt.Errorf("read campaign: %w", err)
	}
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return record{}, fmt.Errorf("read campaign %s: %w", filepath.Join(dir, fileCampaign), err)
	}
	return r, nil
}

type campaign struct {
	Options
	journal *journal
	lock    *os.File
	runs    []Run
	seeds   map[runKey]uint64
	digest  string
	started time.Time
	state   results.State
	notes   []string
	written time.Time        // the summary
	sizes   map[string]int64 // of bundles that do not change any more
}

// Do makes the runs of a campaign that are not made yet, and returns its summary, which is also in the folder. The error is
// for what kept the campaign from going on; what went wrong in a run is in the summary.
func Do(ctx context.Context, o Options) (results.Campaign, error) {
	c := &campaign{Options: o, state: results.Running, sizes: map[string]int64{}}
	if err := c.open(); err != nil {
		return results.Campaign{}, err
	}
	err := c.proceed(ctx)
	if err == nil {
		err = c.journal.add(entry{Act: actClose, Why: string(c.state)})
	}
	summary := c.summary()
	c.View.Show(c.summary, nil)
	return summary, errors.Join(err, summary.Write(c.Dir), c.journal.close(), c.lock.Close())
}

// open makes the folder or finds what is there.
func (c *campaign) open() (err error) {
	for _, d := range []string{results.DirRuns, dirLogs} {
		if err := os.MkdirAll(filepath.Join(c.Dir, d), 0o755); err != nil {
			return fmt.Errorf("make the campaign's folder: %w", err)
		}
	}
	if c.lock, err = lock(c.Dir); err != nil {
		return err
	}
	if err := c.identify(); err != nil {
		return errors.Join(err, c.lock.Close())
	}
	if c.journal, err = openJournal(c.Dir); err != nil {
		return errors.Join(err, c.lock.Close())
	}
	c.runs = c.Campaign.Runs(c.Shard, c.Past)
	c.digest, c.seeds = c.Campaign.Digest(), map[runKey]uint64{}
	for _, r := range c.runs {
		c.seeds[runKey{r.Cell.ID, r.N}] = r.Seed
	}
	c.started = time.Now()
	if len(c.journal.entries) > 0 {
		c.started = c.journal.entries[0].Time
	}
	return nil
}

// lock keeps two programs from working in one folder. It ends with the process.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the campaign's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another riven works at the campaign in %s", dir), f.Close())
	}
	return f, nil
}

// identify refuses to go on with another campaign than the one in the folder.
func (c *campaign) identify() error {
	want := record{results.CampaignVersion, c.Campaign.Digest(), c.Shard, c.Commit, c.Riven, c.Campaign}
	have, err := readRecord(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return writeWhole(filepath.Join(c.Dir, fileCampaign), want)
	}
	if err != nil {
		return err
	}
	differ := func(what string, have, want any) error {
		return fmt.Errorf("%s holds another campaign: its %s is %v, not %v; take another --dir", c.Dir, what, have, want)
	}
	switch {
	case have.Version != want.Version:
		return differ("version", have.Version, want.Version)
	case have.Shard != want.Shard:
		return differ("shard", fmt.Sprintf("%d/%d", have.Shard.I, have.Shard.N), fmt.Sprintf("%d/%d", want.Shard.I, want.Shard.N))
	case have.Commit != want.Commit:
		return differ("commit", have.Commit, want.Commit)
	case have.Riven != want.Riven:
		return differ("riven", have.Riven, want.Riven)
	case have.Digest != want.Digest:
		return differ("list of cells and seeds", have.Digest, want.Digest)
	}
	return nil
}

// writeWhole writes a file that is there as a whole or not at all, even if the machine goes down.
func writeWhole(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// proceed makes what is left.
func (c *campaign) proceed(ctx context.Context) error {
	if n := c.journal.count(actOpen); n > 0 {
		c.View.Printf("going on with %s: %d attempts made before", c.Dir, c.journal.count(actEnd))
	}
	if err := c.journal.add(entry{Act: actOpen, Commit: c.Commit}); err != nil {
		return err
	}
	if err := c.recover(ctx); err != nil {
		return err
	}
	if err := c.summary().Write(c.Dir); err != nil { // it runs, and everybody can see that
		return err
	}
	for _, r := range c.runs {
		if c.settled(r) {
			continue
		}
		if c.state = c.over(ctx); c.state != results.Running {
			return nil
		}
		if err := c.make(ctx, r); err != nil {
			return err
		}
	}
	c.state = results.Complete
	if slices.ContainsFunc(c.runs, func(r Run) bool { return !c.settled(r) }) { // the last run was cut off
		c.state = results.Interrupted
	}
	return nil
}

// over tells whether the campaign ends before its next run.
func (c *campaign) over(ctx context.Context) results.State {
	b := c.Campaign.Budget
	switch {
	case ctx.Err() != nil:
		return results.Interrupted
	case c.brokenInARow() >= patienceWithErrors:
		return results.GaveUp
	case b.UntilFinding && c.findings() > 0:
		return results.AtFinding
	case b.Time > 0 && c.journal.spent() >= b.Time, b.Runs > 0 && c.made() >= b.Runs:
		return results.OverBudget
	}
	return results.Running
}

// brokenInARow counts the last runs since the campaign was begun or resumed that ended in an error, one after another.
func (c *campaign) brokenInARow() (n int) {
	for i := len(c.journal.entries) - 1; i >= 0; i-- {
		switch e := c.journal.entries[i]; {
		case e.Act == actOpen, e.Act == actEnd && e.Outcome != checkers.Error:
			return n
		case e.Act == actEnd && e.Try == maxTries:
			n++
		}
	}
	return n
}

// make makes the run, and again while it ends in an error.
func (c *campaign) make(ctx context.Context, r Run) error {
	for ctx.Err() == nil && !c.settled(r) {
		if err := c.attempt(ctx, r); err != nil {
			return err
		}
		if err := c.thin(); err != nil {
			return err
		}
		if time.Since(c.written) < time.Second { // the journal knows; many short runs need not wait for it
			continue
		}
		c.written = time.Now()
		if err := c.summary().Write(c.Dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) attempts(r Run) []entry { return c.journal.ends[runKey{r.Cell.ID, r.N}] }

// settled tells whether nothing is left to do for the run: it was made, or it is one of a canary that was found already.
func (c *campaign) settled(r Run) bool {
	if a := c.attempts(r); len(a) > 0 && (a[len(a)-1].Outcome != checkers.Error || len(a) >= maxTries) {
		return true
	}
	return r.Cell.Canary && c.found(r.Cell)
}

// found tells whether the defect of the canary was found.
func (c *campaign) found(cell *Cell) bool {
	for n := 1; n <= cell.Runs; n++ {
		for _, e := range c.journal.ends[runKey{cell.ID, n}] {
			if e.Outcome == checkers.Violation && results.Finds(cell.Spec, e.Claims) {
				return true
			}
		}
	}
	return false
}

// made counts the runs of which something came.
func (c *campaign) made() (n int) {
	for _, r := range c.runs {
		if len(c.attempts(r)) > 0 {
			n++
		}
	}
	return n
}

// findings counts the violations that are not a canary's.
func (c *campaign) findings() (n int) {
	for _, r := range c.runs {
		for _, a := range c.attempts(r) {
			if a.Outcome == checkers.Violation && !r.Cell.Canary {
				n++
			}
		}
	}
	return n
}
