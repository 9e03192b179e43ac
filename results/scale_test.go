package results

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
)

// busy is a run of n ops by twenty participants that each have one open at a time. Some of the last fifth of every 30 s
// fail or stay unknown.
func busy(t testing.TB, n int) *Bundle {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0))
	sp := spec.Default()
	sp.Servers, sp.Participants, sp.Seed = 5, 20, seed
	names := sp.ParticipantNames()
	clock := make([]int64, len(names))
	b := &Bundle{Dir: t.TempDir(), Spec: sp}
	token := int64(0x100000000)
	for id := range int64(n) {
		p := int(id) % len(names)
		from := clock[p] + 20_000 + int64(r.ExpFloat64()*400_000)
		took, end := int64(math.Exp(r.NormFloat64()*0.6+14.5)), history.OK
		if from/1e9%30 > 23 && r.Float64() < 0.15 {
			took, end = 200_000_000+r.Int64N(1_800_000_000), []history.Type{history.Fail, history.Info}[r.IntN(2)]
		}
		token++
		clock[p] = from + took
		e := history.Event{Time: from, Type: history.Invoke, Node: names[p], Incarnation: 1, Process: p, ID: id + 1, Op: history.Op{F: []string{"read", "write", "add"}[r.IntN(3)], Key: "/r" + names[r.IntN(9)]}}
		b.History = append(b.History, e)
		e.Type, e.Time, e.Token, e.N = end, from+took, token, r.Int64N(1000)
		b.History = append(b.History, e)
	}
	b.History = history.Sorted(b.History)
	b.Verdict = &checkers.Verdict{Outcome: checkers.Pass, Sentence: "Nothing was violated."}
	require.NoError(t, os.Mkdir(filepath.Join(b.Dir, dirLogs), 0o755))
	return b
}

func requireSmall(t *testing.T, b *Bundle) {
	require.NoError(t, b.WriteReport())
	info, err := os.Stat(b.ReportPath())
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(maxReport))
	t.Logf("%d events: %d bytes of HTML", len(b.History), info.Size())
}

func TestALongRunIsShownInFullDetail(t *testing.T) {
	b := busy(t, 100_000)
	requireSmall(t, b)
	_, d, err := b.timeline().pack(maxReport)
	require.NoError(t, err)
	require.Equal(t, details[0], d)
}

// A checker that finds the same again and again must not make the page too large to open.
func TestManyAnomaliesFitTheBudget(t *testing.T) {
	b := busy(t, 1000)
	check := checkers.Check{Claim: "exclusion", Outcome: checkers.Violation}
	for i := range 20_000 {
		proof := make([]int, 1000)
		for k := range proof {
			proof[k] = k
		}
		check.Anomalies = append(check.Anomalies, checkers.Anomaly{Claim: "exclusion", Sentence: "Two holders at once.", Proof: proof, Hazard: i%2 == 0})
	}
	b.Verdict.Checks = []checkers.Check{check}
	requireSmall(t, b)
	html, err := os.ReadFile(b.ReportPath())
	require.NoError(t, err)
	for _, want := range []string{"9950 more anomalies are in verdict.json", "9950 more hazards are in verdict.json", "960 more events of the proof"} {
		require.Contains(t, string(html), want)
	}
	require.Contains(t, b.summary(), "9,950 more are in verdict.json")
	require.Less(t, len(b.summary()), 1<<20, "the limit of a CI step's summary")
}

// Whatever does not fit is told in coarser times, never left out.
func TestPackingGetsCoarser(t *testing.T) {
	tl := busy(t, 2000).timeline()
	whole, finest, err := tl.pack(maxReport)
	require.NoError(t, err)
	require.Equal(t, details[0], finest)
	half, coarser, err := tl.pack(len(whole) * 2 / 3)
	require.NoError(t, err)
	require.Equal(t, details[1], coarser)
	require.LessOrEqual(t, len(half), len(whole)*2/3)
	_, coarsest, err := tl.pack(0)
	require.NoError(t, err)
	require.Equal(t, details[len(details)-1], coarsest)
}
