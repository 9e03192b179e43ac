package checkers

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
	"riven/nemesis"
)

// turns makes a run in which everything is right: participants take turns at the lock and write twice, some of them are
// paused and come back to be refused, and everyone is served again in a quiet phase.
func turns(rng *rand.Rand, n int) Input {
	in := Input{Spec: mustDefault(), Claims: lockClaims()}
	in.Spec.Participants = 3
	b := &builder{in: &in, now: ms(1000)}
	b.add(history.Event{Type: history.Phase, Op: history.Op{F: history.PhaseOps}})
	for i := range n {
		b.turn(rng.IntN(3), int64(i+1), i > 0 && rng.IntN(4) == 0)
	}
	b.add(history.Event{Type: history.Phase, Op: history.Op{F: history.PhaseQuiet}})
	for p := range 3 {
		b.turn(p, int64(n+p+1), false)
	}
	b.op("p1", OpList, history.Op{})
	in.History = history.Sorted(in.History)
	return in
}

type builder struct {
	in    *Input
	now   int64
	id    int64
	seq   int64
	holds [3]int
	stale *history.Event // the last access of a hold that was lost
}

func (b *builder) add(e history.Event) {
	b.now += ms(10)
	e.Time = b.now
	if e.Node == "" || e.Type == history.Access || e.Type == history.Answer || e.Type == history.Note {
		e.Process = history.NoProcess
	}
	b.in.History = append(b.in.History, e)
}

func (b *builder) op(node, f string, result history.Op) {
	b.id++
	b.add(history.Event{Type: history.Invoke, Node: node, Incarnation: 1, ID: b.id, Op: history.Op{F: f}})
	result.F = f
	b.add(history.Event{Type: history.OK, Node: node, Incarnation: 1, ID: b.id, Op: result})
}

func (b *builder) access(node, hold string, token int64, rejected bool) {
	b.seq++
	b.add(history.Event{Type: history.Access, Node: node, Incarnation: 1, Seq: b.seq, Rejected: rejected, Op: history.Op{Hold: hold, Token: token}})
	b.add(history.Event{Type: history.Answer, Node: node, Incarnation: 1, Seq: b.seq})
}

// turn is one hold; a participant that is paused under it loses it, and its next write is refused in the next turn.
func (b *builder) turn(p int, token int64, paused bool) {
	node := fmt.Sprintf("p%d", p+1)
	b.holds[p]++
	hold := fmt.Sprintf("%s.1/%d", node, b.holds[p])
	b.op(node, OpAcquire, history.Op{Hold: hold, Token: token})
	b.access(node, hold, token, false)
	if s := b.stale; s != nil {
		b.access(s.Node, s.Hold, s.Token, true)
		b.stale = nil
	}
	b.access(node, hold, token, false)
	if !paused {
		b.op(node, OpRelease, history.Op{Hold: hold, Token: token})
		return
	}
	at := b.now
	step := nemesis.Step{ID: fmt.Sprintf("s%d", token), Fault: nemesis.Fault{Kind: nemesis.Pause}}
	b.in.Plan.Steps = append(b.in.Plan.Steps, step)
	b.now += ms(3000)
	b.add(history.Event{Type: history.Note, Node: node, Incarnation: 1, Mono: b.now, Op: history.Op{F: history.NoteLost, Hold: hold}})
	b.in.Receipts = append(b.in.Receipts, nemesis.Receipt{Step: step, Status: nemesis.Applied, Nodes: []string{node}, BeginFrom: at + 1, Begin: at + 2, End: b.now - 2, EndBy: b.now - 1})
	b.stale = &history.Event{Node: node, Op: history.Op{Hold: hold, Token: token}}
}

func outcomesOf(in Input) map[string]Outcome {
	out := map[string]Outcome{}
	for _, c := range lockChecks(in) {
		out[c.Claim] = c.Outcome
	}
	return out
}

// pick draws one of the positions at which ok holds.
func pick(rng *rand.Rand, h []history.Event, ok func(i int) bool) (int, bool) {
	var at []int
	for i := range h {
		if ok(i) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return 0, false
	}
	return at[rng.IntN(len(at))], true
}

// mutations break a right run in one place; each must turn the claim into a violation. They tell whether they could.
var mutations = []struct {
	name, claim string
	apply       func(rng *rand.Rand, in *Input) bool
}{
	{"two accesses of neighbouring holds change places", ClaimExclusion, func(rng *rand.Rand, in *Input) bool {
		return swapAccesses(rng, in.History)
	}},
	{"a refused access is accepted", ClaimExclusion, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool { return h[i].Type == history.Access && h[i].Rejected })
		if ok {
			h[i].Rejected = false
		}
		return ok
	}},
	{"a refused token is accepted", ClaimTokens, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool { return h[i].Type == history.Access && h[i].Rejected })
		if ok {
			h[i].Rejected = false
		}
		return ok
	}},
	{"a token is lost", ClaimTokens, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool { return h[i].Type == history.Access && !h[i].Rejected && h[i].Seq > 1 })
		if ok {
			h[i].Token = 0
		}
		return ok
	}},
	{"a release is told only after the next acquire", ClaimBelief, func(rng *rand.Rand, in *Input) bool {
		return widen(rng, in)
	}},
	{"nobody is served after the heal", ClaimHandOver, func(rng *rand.Rand, in *Input) bool {
		q, _ := phase(in.History, history.PhaseQuiet)
		for i := range in.History[q:] {
			if e := &in.History[int(q)+i]; e.F == OpAcquire && e.Type == history.OK {
				e.Type = history.Fail
			}
		}
		last := in.History[len(in.History)-1]
		last.Time += int64(2 * HandOverBound(in.Spec))
		last.ID, last.Type, last.F = 9999, history.Invoke, OpAcquire
		for p := range 3 {
			last.Node, last.ID = fmt.Sprintf("p%d", p+1), last.ID+1
			last.Index = len(in.History)
			in.History = append(in.History, last)
		}
		return true
	}},
	{"one is served too late", ClaimHandOver, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		q, _ := phase(h, history.PhaseQuiet)
		i, ok := pick(rng, h, func(i int) bool { return i > int(q) && h[i].Type == history.OK && h[i].F == OpAcquire })
		for k := i; k < len(h); k++ {
			h[k].Time += int64(HandOverBound(in.Spec)) + ms(1)
		}
		return ok
	}},
	{"a node is left", ClaimOrphans, func(rng *rand.Rand, in *Input) bool {
		last := &in.History[len(in.History)-1]
		last.N, last.Text = 1, "lock-0000000001"
		for i := len(in.History) - 2; i < len(in.History); i++ {
			in.History[i].Time += int64(SettlingBound(in.Spec))
		}
		return true
	}},
}

// swapAccesses exchanges the holds of two accepted accesses next to each other at a change of hold, where the second
// hold writes twice and the first had written before.
func swapAccesses(rng *rand.Rand, h []history.Event) bool {
	var accepted []int
	for i := range h {
		if h[i].Type == history.Access && !h[i].Rejected {
			accepted = append(accepted, i)
		}
	}
	var at []int
	for k := 1; k+1 < len(accepted); k++ {
		if h[accepted[k-1]].Hold != h[accepted[k]].Hold {
			at = append(at, k)
		}
	}
	if len(at) == 0 {
		return false
	}
	k := at[rng.IntN(len(at))]
	a, b := &h[accepted[k-1]], &h[accepted[k]]
	a.Node, b.Node = b.Node, a.Node
	a.Op, b.Op = b.Op, a.Op
	return true
}

// widen moves the invocation of a release, and with it all later events of its node, behind the next acquire of another.
func widen(rng *rand.Rand, in *Input) bool {
	h := in.History
	next := func(i int) int {
		return i + 1 + slices.IndexFunc(h[i+1:], func(e history.Event) bool { return e.Type == history.OK && e.F == OpAcquire })
	}
	i, ok := pick(rng, h, func(i int) bool {
		if h[i].Type != history.Invoke || h[i].F != OpRelease {
			return false
		}
		n := next(i)
		return n > i && h[n].Node != h[i].Node && calm(in, h[i].Time, h[n].Time)
	})
	if !ok {
		return false
	}
	h[i].Time = h[next(i)].Time + 1
	in.History = history.Sorted(h)
	return true
}

// calm tells whether no pause excuses an overlap there.
func calm(in *Input, from, to int64) bool {
	around := span{from - int64(5*time.Second), to}
	return !slices.ContainsFunc(in.Receipts, func(r nemesis.Receipt) bool { return around.meets(span{r.BeginFrom, r.EndBy}) })
}

func TestMutationsFlipTheVerdict(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			applied := 0
			for seed := range uint64(50) {
				rng := rand.New(rand.NewPCG(seed, 0))
				in := turns(rng, 12)
				for claim, o := range outcomesOf(in) {
					require.Equal(t, Pass, o, "seed %d: %s of the right run", seed, claim)
				}
				if !m.apply(rng, &in) {
					continue
				}
				applied++
				require.Equal(t, Violation, outcomesOf(in)[m.claim], "seed %d", seed)
				require.Equal(t, Violation, Judge(in, lockChecks(in), LockFloors(in), []string{"a problem"}).Outcome, "seed %d", seed)
			}
			require.Greater(t, applied, 10)
		})
	}
}

// TestShiftedRun: no verdict depends on where the clocks start, and no sentence either.
func TestShiftedRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { requireShifted(t, broken(t), lockChecks) })
}

// requireShifted wants the same of a run whose clocks started at another time, but for the times of its anomalies.
func requireShifted(t *rapid.T, in Input, checks func(Input) []Check) {
	shift := rapid.Int64Range(0, 1<<50).Draw(t, "shift")
	moved := in
	moved.History, moved.Receipts = slices.Clone(in.History), slices.Clone(in.Receipts)
	for i := range moved.History {
		e := &moved.History[i]
		e.Time += shift
		if e.Mono > 0 {
			e.Mono += shift
		}
	}
	for i := range moved.Receipts {
		r := &moved.Receipts[i]
		r.BeginFrom, r.Begin, r.End, r.EndBy = r.BeginFrom+shift, r.Begin+shift, r.End+shift, r.EndBy+shift
	}
	want := checks(in)
	for i := range want {
		for k := range want[i].Anomalies {
			want[i].Anomalies[k].From += shift
			want[i].Anomalies[k].To += shift
		}
	}
	require.Equal(t, want, checks(moved))
}

// renamed is the run with other names, wherever they stand.
func (in Input) renamed(t *rapid.T, names *strings.Replacer) (out Input) {
	b, err := json.Marshal(in)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(names.Replace(string(b))), &out))
	return out
}

// TestOnce: what the checks of a verdict share does not change what they say, whichever of them reads it first.
func TestOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := broken(t)
		shared := in.Once()
		for range 2 {
			require.Equal(t, lockChecks(in), lockChecks(shared))
			require.Equal(t, LockFloors(in), LockFloors(shared))
		}
	})
}

// TestRenamedRun: no verdict depends on what the participants are called.
func TestRenamedRun(t *testing.T) {
	rename := strings.NewReplacer("p1", "p2", "p2", "p1")
	rapid.Check(t, func(t *rapid.T) {
		in := broken(t)
		renamed := in.renamed(t, rename)
		for _, check := range []func(Input) Check{Exclusion, Tokens, Belief, Orphans} {
			want, err := json.Marshal(check(in))
			require.NoError(t, err)
			got, err := json.Marshal(check(renamed))
			require.NoError(t, err)
			require.JSONEq(t, rename.Replace(string(want)), string(got))
		}
	})
}

// broken is a run with any number of mutations.
func broken(t *rapid.T) Input {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	in := turns(rng, rapid.IntRange(3, 12).Draw(t, "turns"))
	for _, m := range mutations {
		if rapid.Bool().Draw(t, m.name) {
			m.apply(rng, &in)
		}
	}
	in.History = history.Sorted(in.History)
	return in
}

// TestManyAnomalies: what is not shown is counted.
func TestManyAnomalies(t *testing.T) {
	var events []history.Event
	for n := range 100 {
		events = append(events, accessOf(n+1, n%50, 0, false)...)
	}
	c := Exclusion(lockInput(events))
	require.Equal(t, Violation, c.Outcome)
	require.Len(t, c.Anomalies, MaxShown)
	require.Equal(t, "20 of 50 violations shown, one for each two holds; 100 accesses accepted, 0 rejected", c.Detail)
}
