package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/config"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// yard is a folder with bundles and campaigns for a gate to look at.
type yard struct {
	t    *testing.T
	root string
	now  time.Time
	seed uint64
}

// run is what a bundle of the yard is like. The zero value passes.
type yardRun struct {
	spec      func(*spec.Spec)
	outcome   checkers.Outcome
	claim     string // violated
	commit    string // "abc" if not given
	zooKeeper string // "3.8.0" if not given
	age       time.Duration
	applied   int     // kills with a receipt
	rate      float64 // ops per second
	unjudged  bool
}

func (y *yard) run(folder string, r yardRun) (dir, cell string, seed uint64) {
	s := spec.Default()
	y.seed++
	s.Seed, s.Faults, s.Time = y.seed, []string{"kill"}, spec.Duration(30*time.Second)
	if r.spec != nil {
		r.spec(&s)
	}
	rec, err := Create(filepath.Join(y.root, folder), s, y.now.Add(-r.age))
	require.NoError(y.t, err)
	require.NoError(y.t, rec.Plan(nemesis.Plan{Policy: "seeded"}))
	for range r.applied {
		require.NoError(y.t, rec.Receipt(nemesis.Receipt{Status: nemesis.Applied, Step: nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.Kill}}}))
	}
	or := func(v, usual string) string {
		if v == "" {
			return usual
		}
		return v
	}
	require.NoError(y.t, rec.Describe(func(m *Meta) { m.Commit, m.ZooKeeper = or(r.commit, "abc"), or(r.zooKeeper, "3.8.0") }))
	id, at := int64(0), int64(1)
	phase := func(name string) {
		rec.Record(history.Event{Time: at, Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: name}})
	}
	phase(history.PhaseOps)
	for range int(r.rate) {
		id++
		for _, typ := range []history.Type{history.Invoke, history.OK} {
			at += int64(time.Second) / int64(r.rate) / 2
			rec.Record(history.Event{Time: at, Type: typ, Node: "p1", ID: id, Op: history.Op{F: "add"}})
		}
	}
	at = int64(time.Second) + 1
	phase(history.PhaseHeal)
	require.NoError(y.t, rec.Close())
	b, err := Open(rec.Dir)
	require.NoError(y.t, err)
	cell = Cell(b.Spec, b.Plan)
	if r.unjudged {
		return rec.Dir, cell, s.Seed
	}
	v := checkers.Verdict{Version: 1, Outcome: r.outcome, Sentence: r.outcome.String() + ": so it was"}
	if r.claim != "" {
		v.Checks = []checkers.Check{{Claim: r.claim, Outcome: checkers.Violation}}
	}
	require.NoError(y.t, b.WriteAll(v))
	return rec.Dir, cell, s.Seed
}

// campaign makes one of the runs in the folder.
func (y *yard) campaign(folder string, change func(*Campaign), runs ...yardRun) Campaign {
	c := Campaign{Version: CampaignVersion, Name: "nightly", Digest: "d1", Shard: 1, Shards: 1, Commit: "abc", Started: y.now, State: Complete}
	for _, r := range runs {
		dir, cell, seed := y.run(filepath.Join(folder, DirRuns), r)
		b, err := OpenBrief(dir)
		require.NoError(y.t, err)
		a := CampaignAttempt{Outcome: r.outcome, Sentence: "so it was", Bundle: filepath.Base(dir), Took: time.Second}
		canary := len(b.Spec.Defects) > 0
		c.Cells = append(c.Cells, CampaignCell{
			ID: cell, Canary: canary, Found: canary && r.outcome == checkers.Violation, Runs: []CampaignRun{{N: 1, Seed: seed, Tries: []CampaignAttempt{a}}},
		})
	}
	if change != nil {
		change(&c)
	}
	require.NoError(y.t, c.Write(filepath.Join(y.root, folder)))
	return c
}

func counter(s *spec.Spec) { s.Workload, s.Recipe = "counter", "cas" }

func five(s *spec.Spec) { s.Servers = 5 }

func defect(name string) func(*spec.Spec) {
	return func(s *spec.Spec) { s.Defects = []string{name} }
}

var (
	sings   = yardRun{spec: defect("no-token"), outcome: checkers.Violation, claim: checkers.ClaimExclusion}
	violate = yardRun{outcome: checkers.Violation, claim: checkers.ClaimExclusion}
)

// scenes are the yards that testdata/gate looks at.
var scenes = map[string]func(*yard){
	"well": func(y *yard) {
		y.campaign("c", nil, yardRun{applied: 2}, yardRun{spec: counter, applied: 1}, sings)
	},
	"loose":     func(y *yard) { y.run("runs", yardRun{applied: 3}); y.run("deeper/runs", yardRun{spec: counter}) },
	"violation": func(y *yard) { y.campaign("c", nil, yardRun{}, violate, sings) },
	"old": func(y *yard) {
		y.campaign("c", nil, yardRun{})
		y.run("runs", yardRun{spec: five, outcome: checkers.Violation, age: 48 * time.Hour})
	},
	"deleted": func(y *yard) {
		c := y.campaign("c", nil, yardRun{}, yardRun{spec: counter}, sings)
		y.remove("c", c, 1)
	},
	"changed": func(y *yard) {
		y.campaign("c", func(c *Campaign) { c.Cells[0].Runs[0].Tries[0].Outcome = checkers.Violation }, yardRun{}, sings)
	},
	"swapped": func(y *yard) {
		y.campaign("c", func(c *Campaign) { c.Cells[0].ID = "lock/curator/other" }, yardRun{}, sings)
	},
	"commit":    func(y *yard) { y.campaign("c", nil, yardRun{}, yardRun{spec: counter, commit: "def"}, sings) },
	"version":   func(y *yard) { y.campaign("c", nil, yardRun{}, yardRun{spec: counter, zooKeeper: "3.4.13"}, sings) },
	"stale":     func(y *yard) { y.campaign("c", nil, yardRun{}, yardRun{spec: counter, age: 48 * time.Hour}, sings) },
	"all-stale": func(y *yard) { y.campaign("c", nil, yardRun{commit: "def"}) },
	"unjudged":  func(y *yard) { y.run("runs", yardRun{}); y.run("runs", yardRun{spec: counter, unjudged: true}) },
	"silent":    func(y *yard) { y.campaign("c", nil, yardRun{}, yardRun{spec: defect("no-token")}) },
	"other-song": func(y *yard) {
		y.campaign("c", nil, yardRun{}, yardRun{spec: defect("no-token"), outcome: checkers.Violation, claim: checkers.ClaimHandOver})
	},
	"old-canary": func(y *yard) { x := sings; x.commit = "def"; y.campaign("c", nil, yardRun{}, x) },
	"never": func(y *yard) {
		y.campaign("c", func(c *Campaign) { c.State = OverBudget; c.Cells[1].Runs[0].Tries = nil }, yardRun{}, yardRun{spec: counter}, sings)
	},
	"interrupted": func(y *yard) { y.campaign("c", func(c *Campaign) { c.State = Interrupted }, yardRun{}, sings) },
	"gave-up": func(y *yard) {
		y.campaign("c", func(c *Campaign) { c.State = GaveUp }, yardRun{}, sings)
	},
	"killed": func(y *yard) { y.campaign("c", func(c *Campaign) { c.State = Running }, yardRun{}, sings) },
	"shards": func(y *yard) {
		y.campaign("a", func(c *Campaign) { c.Shards = 3 }, yardRun{}, sings)
		y.campaign("b", func(c *Campaign) { c.Shards, c.Shard = 3, 3 }, yardRun{spec: counter})
	},
	"error": func(y *yard) { y.campaign("c", nil, yardRun{}, yardRun{spec: counter, outcome: checkers.Error}, sings) },
	"again": func(y *yard) { y.again() },
	"crash": func(y *yard) {
		y.campaign("c", func(c *Campaign) {
			c.Cells[0].Runs[0].Tries[0] = CampaignAttempt{Outcome: checkers.Error, Sentence: "error: it crashed"}
		}, yardRun{}, sings)
	},
	"inconclusive": func(y *yard) {
		y.campaign("c", nil, yardRun{outcome: checkers.Inconclusive}, yardRun{spec: counter}, yardRun{spec: five})
	},
	"thinned": func(y *yard) {
		dir, _, _ := y.run("runs", yardRun{applied: 2})
		require.NoError(y.t, Thin(dir))
		require.NoError(y.t, Thin(dir))
	},
	"steady": func(y *yard) { y.rates(100, 101, 99, 100); y.base(100, 98, 102, 100) },
	"slower": func(y *yard) { y.rates(70, 71, 69, 70); y.base(100, 98, 102, 100) },
	"noisy":  func(y *yard) { y.rates(20, 70, 120, 60); y.base(100, 40, 160, 100) },
	"few":    func(y *yard) { y.rates(20, 20); y.base(100, 40, 160, 100) },
	"new":    func(y *yard) { y.rates(20, 20, 20); _, _, _ = y.run("base", yardRun{spec: five, rate: 5}) },
	"dead":   func(y *yard) { y.rates(0, 0, 0); y.base(100, 98, 102) },
}

func (y *yard) remove(folder string, c Campaign, cell int) {
	require.NoError(y.t, os.RemoveAll(filepath.Join(y.root, folder, DirRuns, c.Cells[cell].Runs[0].Tries[0].Bundle)))
}

func (y *yard) rates(rates ...float64) {
	for _, r := range rates {
		y.run("runs", yardRun{rate: r})
	}
}

func (y *yard) base(rates ...float64) {
	for _, r := range rates {
		y.run("base", yardRun{rate: r, commit: "old", age: 1000 * time.Hour})
	}
}

// again is a run that ended in an error and passed when it was made again.
func (y *yard) again() {
	first, _, _ := y.run("c/runs", yardRun{outcome: checkers.Error})
	y.campaign("c", func(c *Campaign) {
		t := &c.Cells[0].Runs[0].Tries
		*t = append([]CampaignAttempt{{Outcome: checkers.Error, Bundle: filepath.Base(first)}}, *t...)
	}, yardRun{}, sings)
}

// TestGate holds what gates say of yards against testdata/gate.
func TestGate(t *testing.T) {
	datadriven.RunTest(t, "testdata/gate", func(t *testing.T, d *datadriven.TestData) string {
		var of string
		d.ScanArgs(t, "of", &of)
		require.NotNil(t, scenes[of], of)
		y := &yard{t: t, root: t.TempDir(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		scenes[of](y)
		p, err := parsePolicy(filepath.Join(y.root, "gate.yaml"), []byte(d.Input), "abc")
		require.NoError(t, err)
		folders := []string{y.root}
		if p.Baseline != "" {
			folders = []string{filepath.Join(y.root, "runs")}
		}
		r, err := Gate(p, append(folders, folders...), y.now) // named twice, looked at once
		require.NoError(t, err)
		var w strings.Builder
		require.NoError(t, r.Print(&w))
		require.Equal(t, r.Met, !strings.Contains(w.String(), "not met"))
		require.Contains(t, r.Markdown(), cell(r.Sentence()))
		return masked(strings.ReplaceAll(w.String(), y.root, "."))
	})
}

// masked takes the random end off names of bundles.
func masked(text string) string {
	words := strings.Fields(text)
	for _, w := range words {
		if i := strings.LastIndex(w, "-"); strings.Contains(w, "20260") || strings.Contains(w, "202512") {
			if i >= 0 && len(strings.TrimRight(w[i+1:], ")")) == 6 {
				text = strings.ReplaceAll(text, w[:i+7], w[:i]+"-RANDOM")
			}
		}
	}
	return text
}

func TestPolicyRefusals(t *testing.T) {
	datadriven.RunTest(t, "testdata/policies", func(t *testing.T, d *datadriven.TestData) string {
		p, err := parsePolicy("testdata/gate.yaml", []byte(d.Input), "abc")
		if err == nil {
			return fmt.Sprintf("commit %s baseline %s floor %v, %d cells\n", p.Commit, p.Baseline, p.Floor, len(p.Cells))
		}
		var wrong *config.Error
		require.ErrorAs(t, err, &wrong)
		return err.Error() + "\n"
	})
}

func TestGateOfNothing(t *testing.T) {
	p := GatePolicy{NoViolation: true}
	_, err := Gate(p, []string{t.TempDir()}, began)
	require.ErrorContains(t, err, "neither a bundle nor a campaign")
	_, err = Gate(p, []string{"nowhere"}, began)
	require.ErrorContains(t, err, "nowhere: no such file")
	p.Baseline = t.TempDir()
	y := &yard{t: t, root: t.TempDir(), now: began}
	y.run("runs", yardRun{})
	_, err = Gate(p, []string{y.root}, began)
	require.ErrorContains(t, err, "baseline: look for runs in")
}

func TestExampleGate(t *testing.T) {
	p, err := LoadPolicy("../examples/gate.yaml", "abc")
	require.NoError(t, err)
	require.Len(t, p.Cells, 48)
}

func FuzzPolicy(f *testing.F) {
	content, err := os.ReadFile("../examples/gate.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(content))
	f.Add("performance: {baseline: x, floor: 80%}\ncoverage: {kill: 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePolicy("gate.yaml", []byte(text), "abc")
		if err != nil {
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
			return
		}
		require.True(t, p.demands())
	})
}
