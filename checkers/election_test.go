package checkers

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
	"riven/harness/spec"
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

// TestFailoversAreCounted: a failover is a term of another controller than the one before.
func TestFailoversAreCounted(t *testing.T) {
	var events []history.Event
	for n, who := range []int{0, 0, 1, 1, 0} {
		events = append(events, note(n+1, who, history.Op{F: history.NoteElected, Hold: fmt.Sprintf("h%d", n), Token: int64(n + 1)}))
	}
	events = append(events, note(6, 1, history.Op{F: NoteFenced, Key: "controller1", Token: 1}), note(7, 1, history.Op{F: history.NoteDeposed, Text: "disconnected"}))
	in := electionInput(events)
	got := ElectionFloors(in)[:5]
	require.Equal(t, []Floor{
		{Name: "elections", Want: 1, Got: 5},
		{Name: "writes taken", Want: 20},
		{Name: "failovers", Got: 2},
		{Name: "fencings", Got: 1},
		{Name: "terms ended: disconnected", Got: 1},
	}, got)
}
