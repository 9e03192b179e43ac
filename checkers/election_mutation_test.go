package checkers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
)

// electionChecks is what the election workload judges.
func electionChecks(in Input) []Check {
	return []Check{Exclusion(in), Tokens(in), Epochs(in), Fence(in), Acked(in), Belief(in), Available(in)}
}

// terms makes a run in which everything is right: controllers become active one after another, each after the one before
// has resigned, or was fenced by it, or by one that came to nothing itself; and writes are taken in each term, some of
// old terms refused.
func terms(rng *rand.Rand, n int) Input {
	in := electionInput(nil)
	in.Claims = append(electionClaims(), lockClaims()...)
	b := &electionBuilder{builder: builder{in: &in, now: ms(1000)}, rng: rng, before: -1}
	b.add(history.Event{Type: history.Phase, Op: history.Op{F: history.PhaseOps}})
	for range n {
		b.term()
	}
	b.add(history.Event{Type: history.Phase, Op: history.Op{F: history.PhaseQuiet}})
	for _, client := range in.Spec.Of("client") {
		b.write(client, b.hold, b.epoch, false)
	}
	in.History = history.Sorted(in.History)
	return in
}

type electionBuilder struct {
	builder
	rng      *rand.Rand
	before   int // controller of the last term
	resigned bool
	terms    int
	value    int64
	hold     string
	epoch    int64
}

func (b *electionBuilder) say(controller int, op history.Op) {
	b.add(history.Event{Type: history.Note, Node: fmt.Sprintf("controller%d", controller+1), Incarnation: 1, Mono: b.now + ms(9), Op: op})
}

func (b *electionBuilder) journal(f, hold string, epoch, n int64, rejected bool) {
	b.seq++
	b.add(history.Event{Type: history.Access, Node: "journal1", Incarnation: 1, Seq: b.seq, Rejected: rejected, Op: history.Op{F: f, Hold: hold, Token: epoch, N: n}})
	b.add(history.Event{Type: history.Answer, Node: "journal1", Incarnation: 1, Seq: b.seq})
}

func (b *electionBuilder) write(client, hold string, epoch int64, refused bool) {
	b.value, b.id = b.value+1, b.id+1
	op := history.Op{F: OpWrite, N: b.value}
	b.add(history.Event{Type: history.Invoke, Node: client, Incarnation: 1, ID: b.id, Op: op})
	b.journal(KeyAppend, hold, epoch, b.value, refused)
	done := history.OK
	if refused {
		done = history.Fail
	}
	b.add(history.Event{Type: done, Node: client, Incarnation: 1, ID: b.id, Op: op})
}

func (b *electionBuilder) term() {
	who := b.rng.IntN(3)
	old, oldEpoch := b.hold, b.epoch
	if b.before >= 0 && !b.resigned {
		b.fence(who)
	}
	b.terms++
	b.hold, b.epoch = fmt.Sprintf("controller%d.1/%d", who+1, b.terms), b.epoch+1+b.rng.Int64N(3)
	b.journal("open", b.hold, b.epoch, 0, false)
	b.say(who, history.Op{F: history.NoteElected, Hold: b.hold, Token: b.epoch})
	for range 3 {
		b.write(fmt.Sprintf("client%d", 1+b.rng.IntN(2)), b.hold, b.epoch, false)
	}
	if old != "" && b.rng.IntN(2) == 0 {
		b.write("client1", old, oldEpoch, true)
	}
	b.before, b.resigned = who, b.rng.IntN(3) == 0
	why := "disconnected"
	if b.resigned {
		why = Resigned
	}
	b.say(who, history.Op{F: history.NoteDeposed, Hold: b.hold, Token: b.epoch, Text: why})
}

// fence ends the last term for who; now and then another one does it before, and is fenced in turn.
func (b *electionBuilder) fence(who int) {
	if other := 3 - who - b.before; other >= 0 && other < 3 && other != who && other != b.before && b.rng.IntN(3) == 0 {
		b.say(other, history.Op{F: NoteFenced, Key: fmt.Sprintf("controller%d", b.before+1), Token: b.epoch})
		b.epoch++ // of a term that never began
		b.say(who, history.Op{F: NoteFenced, Key: fmt.Sprintf("controller%d", other+1), Token: b.epoch})
		return
	}
	if who != b.before {
		b.say(who, history.Op{F: NoteFenced, Key: fmt.Sprintf("controller%d", b.before+1), Token: b.epoch})
	}
}

// fencing are the positions of a fencing of another's latest term and of the election after it.
func fencing(rng *rand.Rand, h []history.Event) (fenced, elected int, ok bool) {
	next := func(i int) int {
		return i + slices.IndexFunc(h[i:], func(e history.Event) bool { return e.F == history.NoteElected })
	}
	fenced, ok = pick(rng, h, func(i int) bool { // the first of a chain is that of the last term
		return h[i].F == NoteFenced && h[i-1].F != NoteFenced
	})
	if !ok {
		return 0, 0, false
	}
	return fenced, next(fenced), true
}

// electionMutations break a right run in one place; each must turn the claim into a violation.
var electionMutations = []struct {
	name, claim string
	apply       func(rng *rand.Rand, in *Input) bool
}{
	{"an epoch is used twice", ClaimEpoch, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		return twoElections(rng, h, func(_, _ int) bool { return true }, func(a, b int) { h[b].Token = h[a].Token })
	}},
	{"two epochs of one node change places", ClaimEpoch, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		return twoElections(rng, h, func(a, b int) bool { return h[a].Node == h[b].Node }, func(a, b int) { h[a].Token, h[b].Token = h[b].Token, h[a].Token })
	}},
	{"nobody has fenced", ClaimFence, func(rng *rand.Rand, in *Input) bool {
		i, _, ok := fencing(rng, in.History)
		if ok {
			in.History[i].F = "fencing"
		}
		return ok
	}},
	{"an older epoch is fenced", ClaimFence, func(rng *rand.Rand, in *Input) bool {
		i, _, ok := fencing(rng, in.History)
		if ok {
			in.History[i].Token = 0
		}
		return ok
	}},
	{"another node is fenced", ClaimFence, func(rng *rand.Rand, in *Input) bool {
		i, _, ok := fencing(rng, in.History)
		if ok {
			in.History[i].Key = "controller9"
		}
		return ok
	}},
	{"fenced only after the election", ClaimFence, func(rng *rand.Rand, in *Input) bool {
		i, elected, ok := fencing(rng, in.History)
		if ok {
			in.History[i].Time = in.History[elected].Time + 1
			in.History[i].Mono = in.History[i].Time
			in.History = history.Sorted(in.History)
		}
		return ok
	}},
	{"a resignation was in bad order", ClaimFence, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool {
			next := slices.IndexFunc(h[i:], func(e history.Event) bool { return e.F == history.NoteElected })
			return h[i].Text == Resigned && next >= 0 && h[i+next].Node != h[i].Node
		})
		if ok {
			h[i].Text = "the session expired"
		}
		return ok
	}},
	{"an acknowledged write was refused", ClaimAcked, func(rng *rand.Rand, in *Input) bool {
		i, ok := takenAppend(rng, in.History)
		if ok {
			in.History[i].Rejected = true
		}
		return ok
	}},
	{"another value was written", ClaimAcked, func(rng *rand.Rand, in *Input) bool {
		i, ok := takenAppend(rng, in.History)
		if ok {
			in.History[i].N += 1_000_000
		}
		return ok
	}},
	{"a failed write was acknowledged", ClaimAcked, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool { return h[i].Type == history.Fail })
		if ok {
			h[i].Type = history.OK
		}
		return ok
	}},
	{"a write of an old term is taken", ClaimExclusion, takeOld},
	{"a write of an old epoch is taken", ClaimTokens, takeOld},
	{"deposed only after the next election", ClaimBelief, func(rng *rand.Rand, in *Input) bool {
		h := in.History
		i, ok := pick(rng, h, func(i int) bool {
			next := slices.IndexFunc(h[i:], func(e history.Event) bool { return e.F == history.NoteElected })
			return h[i].F == history.NoteDeposed && next >= 0 && h[i+next].Node != h[i].Node
		})
		if !ok {
			return false
		}
		next := i + slices.IndexFunc(h[i:], func(e history.Event) bool { return e.F == history.NoteElected })
		h[i].Time = h[next].Time + 1
		h[i].Mono = h[i].Time
		in.History = history.Sorted(h)
		return true
	}},
	{"a client is served too late", ClaimServed, func(_ *rand.Rand, in *Input) bool {
		last := &in.History[len(in.History)-1]
		last.Time += int64(FailoverBound(in.Spec)) + ms(1)
		return true
	}},
}

// twoElections applies f to two elections that fit, the first one said first.
func twoElections(rng *rand.Rand, h []history.Event, fits func(a, b int) bool, f func(a, b int)) bool {
	isElection := func(i int) bool { return h[i].F == history.NoteElected }
	a, ok := pick(rng, h, func(a int) bool {
		_, ok := pick(rng, h, func(b int) bool { return isElection(a) && isElection(b) && a < b && fits(a, b) })
		return ok
	})
	if !ok {
		return false
	}
	b, _ := pick(rng, h, func(b int) bool { return isElection(b) && a < b && fits(a, b) })
	f(a, b)
	return true
}

func takenAppend(rng *rand.Rand, h []history.Event) (int, bool) {
	return pick(rng, h, func(i int) bool { return h[i].Type == history.Access && h[i].F == KeyAppend && !h[i].Rejected })
}

func takeOld(rng *rand.Rand, in *Input) bool {
	h := in.History
	i, ok := pick(rng, h, func(i int) bool { return h[i].Type == history.Access && h[i].Rejected })
	if ok {
		h[i].Rejected = false
	}
	return ok
}

func TestElectionMutationsFlipTheVerdict(t *testing.T) {
	for _, m := range electionMutations {
		t.Run(m.name, func(t *testing.T) {
			applied := 0
			for seed := range uint64(50) {
				rng := rand.New(rand.NewPCG(seed, 0))
				in := terms(rng, 12)
				require.Equal(t, Pass, Judge(in, electionChecks(in), ElectionFloors(in), nil).Outcome, "seed %d: the right run", seed)
				if !m.apply(rng, &in) {
					continue
				}
				applied++
				for _, c := range electionChecks(in) {
					if c.Claim == m.claim {
						require.Equal(t, Violation, c.Outcome, "seed %d: %s", seed, c.Detail)
					}
				}
			}
			require.Greater(t, applied, 10)
		})
	}
}

// brokenElection is a run with any number of mutations.
func brokenElection(t *rapid.T) Input {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	in := terms(rng, rapid.IntRange(3, 12).Draw(t, "terms"))
	for _, m := range electionMutations {
		if rapid.Bool().Draw(t, m.name) {
			m.apply(rng, &in)
		}
	}
	return in
}

// TestShiftedElection: no verdict on an election depends on where the clocks start, and no sentence either.
func TestShiftedElection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { requireShifted(t, brokenElection(t), electionChecks) })
}

// TestRenamedElection: no verdict depends on what the controllers are called.
func TestRenamedElection(t *testing.T) {
	rename := strings.NewReplacer("controller1", "controller2", "controller2", "controller1")
	outcomes := func(in Input) map[string]string {
		out := map[string]string{}
		for _, c := range electionChecks(in) {
			out[c.Claim] = fmt.Sprint(c.Outcome, len(c.Anomalies))
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		in := brokenElection(t)
		require.Equal(t, outcomes(in), outcomes(in.renamed(t, rename)))
	})
}
