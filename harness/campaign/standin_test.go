package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
)

// TestMain is also the program that TestKilledThrice kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RIVEN_TEST_CAMPAIGN"); dir != "" {
		o := options(mass(), dir, &recorded{})
		if _, err := Do(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// recorded is a runner that leaves the bundle of a run that was recorded before: short, but with everything in it.
type recorded struct {
	// says is what the attempt comes to, from 1; nil: pass, and a canary is found.
	says  func(r Run, try int) saying
	later checkers.Outcome // of a bundle without a verdict that is judged later, unless it is a canary's
	made  []string         // in order: cell #n
	judg  []string         // bundles judged later
	runs  map[string]int
}

// saying is what an attempt comes to.
type saying struct {
	outcome  checkers.Outcome
	claim    string // violated
	crash    bool   // it ends without a word
	silent   bool   // it leaves no verdict
	code     int    // exit code that does not fit, if not 0
	hang     bool   // until it is told to stop
	then     func() // done at its end
	unjudged bool   // it is killed before it is judged
}

// found is a violation, and what the canary is there for.
var found = saying{outcome: checkers.Violation, claim: checkers.ClaimExclusion}

func (x *recorded) Run(ctx context.Context, r Run, folder string, out io.Writer) (int, error) {
	name := fmt.Sprintf("%s #%d", r.Cell.ID, r.N)
	x.made = append(x.made, name)
	if x.runs == nil {
		x.runs = map[string]int{}
	}
	x.runs[name]++
	say := saying{outcome: checkers.Pass}
	if r.Cell.Canary {
		say = found
	}
	if x.says != nil {
		say = x.says(r, x.runs[name])
	}
	if say.then != nil {
		defer say.then()
	}
	fmt.Fprintln(out, "panic: it broke")
	if say.crash {
		return 0, errors.New("riven run: signal: segmentation fault")
	}
	if say.hang {
		<-ctx.Done()
		say.outcome = checkers.Inconclusive
	}
	if err := leave(folder, r.Spec(), say, ctx.Err() != nil); err != nil {
		return 0, err
	}
	if say.code != 0 {
		return say.code, nil
	}
	return say.outcome.ExitCode(), nil
}

func (x *recorded) Judge(_ context.Context, dir string, _ io.Writer) error {
	x.judg = append(x.judg, dir)
	b, err := results.Open(dir)
	if err != nil {
		return err
	}
	if len(b.Spec.Defects) > 0 {
		return b.WriteAll(verdict(found))
	}
	return b.WriteAll(verdict(saying{outcome: x.later}))
}

// leave writes the bundle.
func leave(folder string, s spec.Spec, say saying, interrupted bool) error {
	rec, err := results.Create(folder, s, time.Now())
	if err != nil {
		return err
	}
	if err := rec.Plan(nemesis.Plan{Policy: "none"}); err != nil {
		return err
	}
	for i, p := range []string{history.PhaseOps, history.PhaseHeal, history.PhaseDone} {
		rec.Record(history.Event{Time: int64(i+1) * int64(time.Second), Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: p}})
	}
	if _, err := rec.Log("p1").Write(make([]byte, 10_000)); err != nil {
		return err
	}
	if interrupted {
		if err := rec.Describe(func(m *results.Meta) { m.Interrupted = "ops" }); err != nil {
			return err
		}
	}
	if err := rec.Close(); err != nil {
		return err
	}
	if say.silent || say.unjudged {
		return nil
	}
	b, err := results.Open(rec.Dir)
	if err != nil {
		return err
	}
	return b.WriteAll(verdict(say))
}

func verdict(say saying) checkers.Verdict {
	v := checkers.Verdict{Version: 1, Outcome: say.outcome, Sentence: say.outcome.String() + ": so it was"}
	if say.claim != "" {
		v.Checks = []checkers.Check{{Claim: say.claim, Outcome: checkers.Violation}}
	}
	return v
}

// quiet is a view that keeps what it is told.
type quiet struct{ lines []string }

func (q *quiet) Printf(format string, args ...any) {
	q.lines = append(q.lines, fmt.Sprintf(format, args...))
}
func (q *quiet) Show(func() results.Campaign, *Run) {}

func options(c Campaign, dir string, r Runner) Options {
	return Options{Campaign: c, Dir: dir, Shard: Whole, Commit: "abc", Riven: "abc", Runner: r, View: &quiet{}}
}

func anything(spec.Spec, *nemesis.Plan) error { return nil }

// small is a campaign of one canary and two cells with two runs each, of which the lot draws the counter first.
func small() Campaign {
	c, err := parse("small.yaml", []byte(`
name: small
seed: 2
timeout: 1h
matrix: {recipe: [lock/curator, counter/cas], faults: none, seeds: 2}
canaries: [{recipe: lock/curator, defect: no-token, faults: none}]
`), anything)
	if err != nil {
		panic(err)
	}
	return c
}

// mass is one of many short runs.
func mass() Campaign {
	c, err := parse("mass.yaml", []byte(`
name: mass
matrix: {recipe: [lock/curator, lock/ephemeral, counter/cas], servers: [1, 3], faults: [none, kill], seeds: 5}
canaries: [{recipe: lock/curator, defect: no-token, faults: none}]
`), anything)
	if err != nil {
		panic(err)
	}
	return c
}

// ids of the small campaign.
const (
	canaryCell  = "lock/curator/docker/bookworm/3x4/none/defect=no-token"
	lockCell    = "lock/curator/docker/bookworm/3x4/none"
	counterCell = "counter/cas/docker/bookworm/3x4/none"
)

func marks(c results.Campaign) map[string]string {
	out := map[string]string{}
	for _, x := range c.Cells {
		out[x.ID] = x.Marks()
	}
	return out
}

func do(t *testing.T, o Options) results.Campaign {
	t.Helper()
	got, err := Do(t.Context(), o)
	require.NoError(t, err)
	read, err := results.ReadCampaign(o.Dir)
	require.NoError(t, err)
	require.Equal(t, marks(got), marks(read), "what is in the folder is what was returned")
	return got
}
