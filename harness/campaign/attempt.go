package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"riven/checkers"
	"riven/results"
)

// judging is how long a bundle that was left without a verdict may take to get one.
const judging = 10 * time.Minute

// attempt makes one attempt at a run and writes down what came of it.
func (c *campaign) attempt(ctx context.Context, r Run) error {
	begin := entry{Act: actBegin, Cell: r.Cell.ID, N: r.N, Seed: r.Seed, Try: len(c.attempts(r)) + 1}
	if err := c.journal.add(begin); err != nil {
		return err
	}
	c.View.Show(c.summary, &r)
	log, err := os.Create(c.logPath(begin))
	if err != nil {
		return fmt.Errorf("open the run's log: %w", err)
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, c.Campaign.Timeout)
	code, failure := c.Runner.Run(limited, r, c.folder(), log)
	late := ctx.Err() == nil && limited.Err() != nil
	cancel()
	end := begin
	end.Act, end.Took = actEnd, time.Since(start)
	if err := c.conclude(ctx, &end, log); err != nil {
		return errors.Join(err, log.Close())
	}
	switch {
	case end.Outcome == checkers.Violation: // whatever else happened
	case ctx.Err() != nil:
		end.Act, end.Why = actLost, "the campaign was interrupted"
	case late:
		end.Outcome, end.Sentence = checkers.Error, fmt.Sprintf("error: it took longer than the timeout of %v", c.Campaign.Timeout)
	case failure != nil:
		end.Outcome, end.Sentence = checkers.Error, "error: "+failure.Error()+lastLine(c.logPath(begin))
	case end.Bundle == "":
		end.Outcome, end.Sentence = checkers.Error, fmt.Sprintf("error: it left no bundle (exit code %d)", code)+lastLine(c.logPath(begin))
	case code != end.Outcome.ExitCode():
		end.Outcome, end.Sentence = checkers.Error, fmt.Sprintf("error: its exit code is %d, though its verdict is %s", code, end.Outcome)+lastLine(c.logPath(begin))
	}
	if err := log.Close(); err != nil {
		return fmt.Errorf("close the run's log: %w", err)
	}
	return c.settle(end)
}

// settle writes the end of an attempt down. What a lost one left goes first: it will be made anew.
func (c *campaign) settle(end entry) error {
	if end.Act == actLost {
		if end.Bundle != "" {
			if err := os.RemoveAll(filepath.Join(c.folder(), end.Bundle)); err != nil {
				return fmt.Errorf("remove what a lost run left: %w", err)
			}
		}
		end.Outcome, end.Bundle, end.Sentence, end.Claims = checkers.Pass, "", "", nil
	}
	if err := c.journal.add(end); err != nil {
		return err
	}
	if end.Act == actEnd {
		if end.Outcome != checkers.Error {
			if err := os.Remove(c.logPath(end)); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("remove the log of a run: %w", err)
			}
		}
		try := ""
		if end.Outcome == checkers.Error {
			try = fmt.Sprintf(", try %d of %d", end.Try, maxTries)
		}
		c.View.Printf("%s #%d, seed %d%s: %s", end.Cell, end.N, end.Seed, try, end.Sentence)
	}
	c.View.Show(c.summary, nil)
	return nil
}

// conclude reads from the bundle, if there is one, what came of an attempt. A bundle without a verdict is judged.
func (c *campaign) conclude(ctx context.Context, end *entry, log *os.File) error {
	name, err := c.unclaimed()
	if err != nil || name == "" {
		return err
	}
	end.Bundle, end.Outcome, end.Sentence = name, checkers.Error, "error: its bundle could not be read"
	dir := filepath.Join(c.folder(), name)
	b, err := results.OpenBrief(dir)
	if err == nil && b.Verdict == nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), judging)
		defer cancel()
		if err = c.Runner.Judge(limited, dir, log); err == nil {
			b, err = results.OpenBrief(dir)
		}
	}
	switch {
	case err != nil:
		end.Sentence += ": " + err.Error()
	case b.Verdict == nil:
		end.Sentence = "error: its bundle has no verdict"
	case b.Spec.Seed != end.Seed:
		end.Sentence = fmt.Sprintf("error: its bundle is of seed %d, not %d", b.Spec.Seed, end.Seed)
	default:
		end.Outcome, end.Sentence, end.Claims = b.Verdict.Outcome, b.Verdict.Sentence, results.ViolatedClaims(*b.Verdict)
	}
	return nil
}

// unclaimed is the bundle that no entry of the journal has: that of the attempt under way, as there is one at a time.
func (c *campaign) unclaimed() (string, error) {
	found, err := os.ReadDir(c.folder())
	if err != nil {
		return "", fmt.Errorf("look for the bundle: %w", err)
	}
	var names []string
	for _, d := range found {
		if d.IsDir() && !c.journal.claimed[d.Name()] {
			names = append(names, d.Name())
		}
	}
	if len(names) > 1 {
		return "", fmt.Errorf("%s holds what is not the campaign's: it knows nothing of %s", c.folder(), strings.Join(names, ", "))
	}
	return strings.Join(names, ""), nil
}

// recover brings an attempt to an end that was under way when the program was killed. If its run came to its own end, or to a
// violation, that is what counts; else it is lost and will be made anew.
func (c *campaign) recover(ctx context.Context) error {
	var open *entry
	for i, e := range c.journal.entries {
		switch e.Act {
		case actBegin:
			open = &c.journal.entries[i]
		case actEnd, actLost:
			open = nil
		}
	}
	if open == nil {
		name, err := c.unclaimed()
		if err == nil && name != "" {
			err = fmt.Errorf("%s holds what is not the campaign's: it knows nothing of %s", c.folder(), name)
		}
		return err
	}
	end := *open
	end.Act = actEnd
	log, err := os.OpenFile(c.logPath(end), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the run's log: %w", err)
	}
	err = errors.Join(c.conclude(ctx, &end, log), log.Close())
	if err != nil {
		return err
	}
	if end.Outcome != checkers.Violation && !c.ended(end.Bundle) {
		end.Act, end.Why = actLost, "the campaign was killed"
		return c.settle(end)
	}
	b, err := results.Open(filepath.Join(c.folder(), end.Bundle)) // it may have been killed after the verdict and before the report
	if err == nil {
		err = b.WriteReport()
	}
	return errors.Join(err, c.settle(end))
}

// ended tells whether the run of the bundle came to its own end and was judged.
func (c *campaign) ended(bundle string) bool {
	if bundle == "" {
		return false
	}
	b, err := results.OpenBrief(filepath.Join(c.folder(), bundle))
	return err == nil && b.Meta.Ended && b.Meta.Interrupted == "" && b.Verdict != nil
}

func (c *campaign) folder() string { return filepath.Join(c.Dir, results.DirRuns) }

// logPath is where goes what the process of an attempt says.
func (c *campaign) logPath(e entry) string {
	name := fmt.Sprintf("%s-%d-%d.log", strings.ReplaceAll(e.Cell, "/", "_"), e.N, e.Try)
	return filepath.Join(c.Dir, dirLogs, name[max(0, len(name)-200):])
}

// lastLine is the last thing that the process said, to be put behind a sentence.
func lastLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	last := strings.TrimSpace(strings.ToValidUTF8(string(lines[len(lines)-1]), "?"))
	if last == "" {
		return ""
	}
	return ": " + last[:min(len(last), 300)]
}
