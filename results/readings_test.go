package results

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// TestReadings holds junit.xml and summary.md against testdata/readings. Run with -rewrite to take changes over.
func TestReadings(t *testing.T) {
	bundles := map[string]*Bundle{
		"violation": newExample(1).write(t),
		"inconclusive": {Dir: "runs/1", Spec: spec.Default(), Meta: Meta{Started: began, Command: "riven run --seed 1"}, Notes: []string{"the run was stopped before its end"}, Verdict: &checkers.Verdict{
			Outcome: checkers.Inconclusive, Sentence: "inconclusive: too little happened to say.", Reasons: []string{"1 of 2 floors was missed: hand-overs"},
			Checks: []checkers.Check{{Claim: "exclusion", Rule: "One holder at a time.", Engine: "resource order", Detail: "0 accesses"}},
			Floors: []checkers.Floor{{Name: "hand-overs", Want: 10}, {Name: "ops | <b>", Want: 1, Got: 1}},
		}},
	}
	datadriven.RunTest(t, "testdata/readings", func(t *testing.T, d *datadriven.TestData) string {
		var of string
		d.ScanArgs(t, "of", &of)
		switch d.Cmd {
		case "summary":
			return placed(bundles[of], bundles[of].summary())
		case "junit":
			out, err := bundles[of].junit()
			require.NoError(t, err)
			var back suites
			require.NoError(t, xml.Unmarshal(out, &back))
			return placed(bundles[of], string(out))
		}
		d.Fatalf(t, "unknown command %s", d.Cmd)
		return ""
	})
}

// placed is the text as if the bundle lay in runs.
func placed(b *Bundle, text string) string {
	if b.Dir == "" {
		return text
	}
	return strings.ReplaceAll(text, b.Dir, "runs/example")
}

// A report is written for every verdict, from a bundle that has nothing to tell too.
func TestEveryVerdictHasItsReport(t *testing.T) {
	for _, o := range []checkers.Outcome{checkers.Pass, checkers.Violation, checkers.Inconclusive, checkers.Error} {
		r := create(t)
		require.NoError(t, r.Close())
		b, err := Open(r.Dir)
		require.NoError(t, err)
		require.ErrorContains(t, b.WriteReport(), "no verdict yet")
		require.NoError(t, b.WriteAll(checkers.Verdict{Version: 1, Outcome: o, Sentence: "So it is."}))
		again, err := Open(r.Dir)
		require.NoError(t, err)
		require.Equal(t, o, again.Verdict.Outcome)
		html, err := os.ReadFile(b.ReportPath())
		require.NoError(t, err)
		require.Contains(t, string(html), "</span>"+outcomeWords[o]+"</h1>")
		require.NoError(t, os.Remove(b.ReportPath()))
		require.NoError(t, again.WriteReport(), "a report comes from the bundle alone")
		anew, err := os.ReadFile(b.ReportPath())
		require.NoError(t, err)
		require.Equal(t, string(html), string(anew))
		left, err := filepath.Glob(filepath.Join(r.Dir, ".*"))
		require.NoError(t, err)
		require.Empty(t, left, "no temporary file stays")
	}
}

func TestOpsJoinTheirCompletions(t *testing.T) {
	e := func(at int64, typ history.Type, id int64, o history.Op) history.Event {
		return history.Event{Time: at, Type: typ, Node: "p1", ID: id, Op: o}
	}
	failed := e(30, history.Fail, 2, history.Op{F: "release"})
	failed.Error = "no"
	got := joinOps([]history.Event{
		e(10, history.Invoke, 1, history.Op{F: "acquire", Key: "/lock"}),
		e(20, history.OK, 1, history.Op{F: "acquire", Hold: "p1.1/1", Token: 5}),
		e(25, history.Invoke, 2, history.Op{F: "release", Hold: "p1.1/1"}),
		failed,
		e(35, history.OK, 9, history.Op{}),
		e(40, history.Invoke, 3, history.Op{F: "acquire"}),
		{Time: 45, Type: history.Exit, Node: "p1"},
		{Time: 50, Type: history.Phase},
	})
	require.Equal(t, []op{
		{Op: history.Op{F: "acquire", Key: "/lock", Hold: "p1.1/1", Token: 5}, interval: interval{10, 20}, Node: "p1"},
		{Op: history.Op{F: "release", Hold: "p1.1/1"}, interval: interval{25, 30}, Node: "p1", Error: "no", Status: statusFail},
		{Op: history.Op{F: "acquire"}, interval: interval{40, 45}, Node: "p1", Status: statusOpen},
	}, got)
}

func TestTimelineOfASmallRun(t *testing.T) {
	sp := spec.Default()
	sp.Servers, sp.Participants = 1, 1
	acquired := history.Op{F: "acquire", Hold: "p1.1/1", Token: 3}
	b := &Bundle{Spec: sp, Verdict: &checkers.Verdict{}, History: history.Sorted([]history.Event{
		{Time: 100, Type: history.Role, Node: "zk1", Op: history.Op{F: "leader"}},
		{Time: 110, Type: history.Phase, Op: history.Op{F: history.PhaseOps}},
		{Time: 120, Type: history.Invoke, Node: "p1", ID: 1, Op: history.Op{F: "acquire"}},
		{Time: 130, Type: history.OK, Node: "p1", ID: 1, Op: acquired},
		{Time: 140, Type: history.Access, Node: "p1", Seq: 1},
		{Time: 150, Type: history.Exit, Node: "p1"},
		{Time: 160, Type: history.Exit, Node: "zk1"},
		{Time: 170, Type: history.Start, Node: "zk1"},
		{Time: 180, Type: history.Invoke, Node: "other", ID: 2, Op: history.Op{F: "read"}},
		{Time: 200, Type: history.Phase, Op: history.Op{F: history.PhaseDone}},
	}), Receipts: []nemesis.Receipt{
		{Step: nemesis.Step{ID: "f1", Fault: nemesis.Fault{Kind: nemesis.Pause, Target: nemesis.Target{Node: "zk1"}}}, Nodes: []string{"zk1"}, Begin: 175, End: 180},
		{Step: nemesis.Step{ID: "f2"}, Status: nemesis.Unmet},
	}}
	access := b.History[4]
	require.Equal(t, timeline{
		interval: interval{100, 200}, Zero: 110,
		Lanes: []*lane{
			{Name: "zk1", Server: true, States: []nodeState{{interval{100, 160}, "leader"}, {interval{160, 170}, "down"}, {interval{175, 180}, "paused"}}},
			{Name: "p1", Tracks: [][]op{{{Op: acquired, interval: interval{120, 130}, Node: "p1"}}},
				Holds: []hold{{interval{130, 150}, "p1", "p1.1/1", 3}}, Accesses: []history.Event{access}, States: []nodeState{{interval{150, 200}, "down"}}},
			{Name: "other", Tracks: [][]op{{{Op: history.Op{F: "read"}, interval: interval{180, 200}, Node: "other", Status: statusOpen}}}},
		},
		Faults: []faultBand{{interval{175, 180}, "f1", "f1 pause of zk1", []string{"zk1"}}},
	}, b.timeline())
}

func TestSlots(t *testing.T) {
	at := func(from, to time.Duration, s status) op {
		return op{interval: interval{int64(from), int64(to)}, Status: s}
	}
	got, length := slots([]op{at(0, time.Second, statusOK), at(0, 3*time.Second, statusOK), at(0, 3*time.Second, statusFail), at(0, 40*time.Second, statusOpen)}, interval{0, int64(50 * time.Second)})
	require.Equal(t, 500*time.Millisecond, length)
	require.Len(t, got, 101)
	require.Equal(t, slot{From: s, By: [statusOpen]int{1, 0, 0}, Latency: latency{1, s, s, s, s}}, got[2])
	require.Equal(t, slot{From: 3 * s, By: [statusOpen]int{1, 1, 0}, Latency: latency{1, 3 * s, 3 * s, 3 * s, 3 * s}}, got[6])
	var hundred []int64
	for i := range int64(100) {
		hundred = append(hundred, 100-i)
	}
	require.Equal(t, latency{100, 50, 95, 99, 100}, latencyOf(hundred))
}
