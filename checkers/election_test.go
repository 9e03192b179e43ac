package checkers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

func electionInput(events []history.Event) Input {
	in := Input{Spec: mustDefault(), Claims: electionClaims(), History: history.Sorted(events)}
	in.Spec.Roles = []spec.Role{{Name: "controller", Count: 3}, {Name: "service", Count: 3}, {Name: "journal", Count: 1}, {Name: "client", Count: 2}}
	return in
}

// note is what a controller says at step n, told to the harness as it is said.
func note(n, controller int, op history.Op) history.Event {
	return history.Event{Type: history.Note, Time: ms(10 * n), Node: fmt.Sprintf("controller%d", controller+1), Incarnation: 1, Process: history.NoProcess, Op: op}
}

// electionsIn are the elections of a history.
func electionsIn(h []history.Event) (out []history.Event) {
	for _, e := range h {
		if e.Type == history.Note && e.F == history.NoteElected {
			out = append(out, e)
		}
	}
	return out
}

// clash tells whether two elections can not both have been, the first one said first.
func clash(a, b history.Event) bool {
	return a.Token > 0 && b.Token > 0 && (a.Token == b.Token || a.Node == b.Node && a.Token > b.Token)
}

func agreeOnEpochs(t require.TestingT, in Input) {
	all := electionsIn(in.History)
	want := Pass
	if len(all) == 0 {
		want = Inconclusive
	}
	for j, b := range all {
		if b.Token <= 0 && want != Violation {
			want = Error
		}
		if slices.ContainsFunc(all[:j], func(a history.Event) bool { return clash(a, b) }) {
			want = Violation
		}
	}
	c := Epochs(in)
	require.Equal(t, want, c.Outcome, "%+v", in.History)
	for _, a := range c.Anomalies {
		require.True(t, clash(in.History[a.Proof[0]], in.History[a.Proof[1]]), "the proof must be one by itself: %+v", a)
	}
}

func TestEpochsAgainstBruteForce(t *testing.T) {
	const epochs = 4 // and none
	every(2*epochs, 5, func(word []int) {
		var events []history.Event
		for n, l := range word {
			events = append(events, note(n+1, l/epochs, history.Op{F: history.NoteElected, Hold: fmt.Sprintf("h%d", n), Token: int64(l % epochs)}))
		}
		agreeOnEpochs(t, electionInput(events))
	})
}

// What a controller may say in a history of failovers.
const (
	epochsOfTerms = 3
	saysElected   = 0                           // and with which epoch
	saysFenced    = saysElected + epochsOfTerms // the next controller, and up to which epoch
	saysResigned  = saysFenced + epochsOfTerms  // from its latest term
	saysDeposed   = saysResigned + 1            // from its latest term, in bad order
	sayings       = saysDeposed + 1             // their number
)

// speak is what a controller of so many says at step n; latest is the number of its latest term.
func speak(n, controllers, controller, what int, latest map[int]int) history.Event {
	hold := func() string { return fmt.Sprintf("controller%d.1/%d", controller+1, latest[controller]) }
	switch {
	case what < saysFenced:
		latest[controller]++
		return note(n, controller, history.Op{F: history.NoteElected, Hold: hold(), Token: int64(what-saysElected) + 1})
	case what < saysResigned:
		whom := (controller + 1) % controllers
		return note(n, controller, history.Op{F: NoteFenced, Key: fmt.Sprintf("controller%d", whom+1), Token: int64(what-saysFenced) + 1})
	case what == saysResigned:
		return note(n, controller, history.Op{F: history.NoteDeposed, Hold: hold(), Text: Resigned})
	}
	return note(n, controller, history.Op{F: history.NoteDeposed, Hold: hold(), Text: "disconnected"})
}

// unfencedPairs are the terms that follow each other with nobody having ended the first one, straight from the rule.
func unfencedPairs(in Input) map[[2]string]bool {
	h, out := in.History, map[[2]string]bool{}
	when := func(e history.Event) int64 { return cmp.Or(e.Mono, e.Time) }
	isTerm := func(i int) bool { return h[i].F == history.NoteElected }
	earlier := func(i, j int) bool { return h[i].Token < h[j].Token || h[i].Token == h[j].Token && i < j }
	for a := range h {
	next:
		for b := range h {
			if !isTerm(a) || !isTerm(b) || !earlier(a, b) || h[a].Node == h[b].Node {
				continue
			}
			for k := range h {
				if isTerm(k) && earlier(a, k) && earlier(k, b) {
					continue next // not the one after
				}
			}
			for i, e := range h {
				fenced := e.F == NoteFenced && e.Key == h[a].Node && e.Token >= h[a].Token && e.Token < h[b].Token
				resigned := e.F == history.NoteDeposed && e.Text == Resigned && e.Hold == h[a].Hold
				inTime := in.Incomparable || when(e) <= when(h[b])
				if e.Node == h[b].Node {
					inTime = i < b
				}
				if (fenced || resigned) && inTime {
					continue next
				}
			}
			out[[2]string{h[a].Hold, h[b].Hold}] = true
		}
	}
	return out
}

func agreeOnFence(t require.TestingT, in Input) {
	c := Fence(in)
	got := map[[2]string]bool{}
	for _, a := range c.Anomalies {
		got[[2]string{a.Holds[0], a.Holds[1]}] = true
	}
	require.Equal(t, unfencedPairs(in), got, "%+v", in.History)
	require.Equal(t, len(got) > 0, c.Outcome == Violation)
}

func TestFenceAgainstBruteForce(t *testing.T) {
	every(2*sayings, 4, func(word []int) {
		var events []history.Event
		latest := map[int]int{}
		for n, l := range word {
			events = append(events, speak(n+1, 2, l/sayings, l%sayings, latest))
		}
		agreeOnFence(t, electionInput(events))
	})
}

// TestFenceAgainstBruteForceOnLongerRuns has three controllers, and notes that arrive later than they were said.
func TestFenceAgainstBruteForceOnLongerRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []history.Event
		latest := map[int]int{}
		for i := range rapid.IntRange(0, 12).Draw(t, "notes") {
			e := speak(i+1, 3, rapid.IntRange(0, 2).Draw(t, "controller"), rapid.IntRange(0, sayings-1).Draw(t, "what"), latest)
			if rapid.Bool().Draw(t, "told when") {
				e.Mono = max(1, e.Time-ms(rapid.IntRange(0, 60).Draw(t, "late")))
			}
			events = append(events, e)
		}
		in := electionInput(events)
		in.Incomparable = rapid.Bool().Draw(t, "incomparable")
		agreeOnFence(t, in)
	})
}

func TestFenceWantsEpochs(t *testing.T) {
	c := Fence(electionInput([]history.Event{note(1, 0, history.Op{F: history.NoteElected, Hold: "controller1.1/1"})}))
	require.Equal(t, Error, c.Outcome)
	require.Equal(t, "the election of controller1 names no epoch (controller1.1/1); 0 terms", c.Detail)
}

// What may happen to a write.
const (
	isTaken    = iota
	isRefused  // by the resource
	isNoAppend // an access that writes nothing
	isAcked
	hasFailed
	isLost // the resource decided, and nobody recorded it
	fates  // their number
)

func agreeOnAcked(t require.TestingT, in Input, gaps bool) {
	taken, acked, lost := map[int64]bool{}, 0, 0
	for _, e := range in.History {
		if e.Type == history.Access && !e.Rejected && e.F == KeyAppend {
			taken[e.N] = true
		}
	}
	for _, e := range in.History {
		if e.Type == history.OK {
			acked++
			if !taken[e.N] {
				lost++
			}
		}
	}
	want := Pass
	switch {
	case lost > 0 && !gaps:
		want = Violation
	case lost > 0:
		want = Error
	case gaps, acked == 0:
		want = Inconclusive
	}
	require.Equal(t, want, Acked(in).Outcome, "%+v", in.History)
}

func TestAckedAgainstBruteForce(t *testing.T) {
	every(2*fates, 4, func(word []int) {
		var events []history.Event
		seq, unrecorded, gaps := int64(0), false, false
		for n, l := range word {
			e := history.Event{Time: ms(10 * n), Op: history.Op{N: int64(l/fates) + 1, Hold: "controller1.1/1", Token: 1}}
			switch what := l % fates; what {
			case isAcked, hasFailed:
				e.Type, e.Node, e.F = history.OK, "client1", OpWrite
				if what == hasFailed {
					e.Type = history.Fail
				}
			case isLost:
				seq, unrecorded = seq+1, true
				continue
			default:
				seq++
				e.Type, e.Node, e.F, e.Seq, e.Rejected = history.Access, "journal1", KeyAppend, seq, what == isRefused
				if what == isNoAppend {
					e.F = "open"
				}
				gaps = gaps || unrecorded // only a later number tells of those before
			}
			events = append(events, e)
		}
		agreeOnAcked(t, electionInput(events), gaps)
	})
}

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
	rapid.Check(t, func(t *rapid.T) {
		in := brokenElection(t)
		shift := rapid.Int64Range(0, 1<<50).Draw(t, "shift")
		moved := in
		moved.History = slices.Clone(in.History)
		for i := range moved.History {
			e := &moved.History[i]
			e.Time += shift
			if e.Mono > 0 {
				e.Mono += shift
			}
		}
		want := electionChecks(in)
		for i := range want {
			for k := range want[i].Anomalies {
				want[i].Anomalies[k].From += shift
				want[i].Anomalies[k].To += shift
			}
		}
		require.Equal(t, want, electionChecks(moved))
	})
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
		b, err := json.Marshal(in)
		require.NoError(t, err)
		var renamed Input
		require.NoError(t, json.Unmarshal([]byte(rename.Replace(string(b))), &renamed))
		require.Equal(t, outcomes(in), outcomes(renamed))
	})
}

// TestFailoversAreCounted: a failover is a term of another controller than the one before.
func TestFailoversAreCounted(t *testing.T) {
	var events []history.Event
	for n, who := range []int{0, 0, 1, 1, 0} {
		events = append(events, note(n+1, who, history.Op{F: history.NoteElected, Hold: fmt.Sprintf("h%d", n), Token: int64(n + 1)}))
	}
	events = append(events, note(6, 1, history.Op{F: NoteFenced, Key: "controller1", Token: 1}), note(7, 1, history.Op{F: history.NoteDeposed, Text: "disconnected"}))
	in := electionInput(events)
	in.Plan.Steps = []nemesis.Step{{ID: "s1", Fault: nemesis.Fault{Kind: nemesis.Kill}}}
	got := ElectionFloors(in)[:5]
	require.Equal(t, []Floor{
		{Name: "elections", Want: 2, Got: 5},
		{Name: "writes taken", Want: 20},
		{Name: "failovers", Want: 1, Got: 2},
		{Name: "fencings", Got: 1},
		{Name: "terms ended: disconnected", Got: 1},
	}, got)
}
