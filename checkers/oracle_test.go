package checkers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
	"riven/nemesis"
)

// ms is a time in the small histories of these tests.
func ms(n int) int64 { return int64(n) * int64(time.Millisecond) }

// accessOf is the access number n of these tests, answered at once.
func accessOf(n int, hold, token int, rejected bool) []history.Event {
	node := fmt.Sprintf("p%d", hold+1)
	e := history.Event{
		Type: history.Access, Time: ms(n), Node: node, Incarnation: 1, Process: history.NoProcess, Seq: int64(n), Rejected: rejected,
		Op: history.Op{Hold: node + ".1/1", Token: int64(token)},
	}
	answer := history.Event{Type: history.Answer, Time: ms(n), Node: node, Incarnation: 1, Process: history.NoProcess, Seq: int64(n)}
	return []history.Event{e, answer}
}

// every calls f with all words of up to length letters over an alphabet of size letters.
func every(size, length int, f func(word []int)) {
	for n := 0; n <= length; n++ {
		word := make([]int, n)
		for {
			f(word)
			i := n - 1
			for ; i >= 0 && word[i] == size-1; i-- {
				word[i] = 0
			}
			if i < 0 {
				break
			}
			word[i]++
		}
	}
}

func lockInput(events []history.Event) Input {
	return Input{Spec: mustDefault(), Claims: lockClaims(), History: history.Sorted(events)}
}

// acceptedOf are the accepted accesses in the resource's order, found the slow way.
func acceptedOf(h []history.Event) []history.Event {
	var out []history.Event
	for _, e := range h {
		if e.Type == history.Access && !e.Rejected {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b history.Event) int { return int(a.Seq - b.Seq) })
	return out
}

// returnsIn are the pairs of holds A, B with accesses A, B, A in this order and the second A right after the B.
func returnsIn(h []history.Event) (triples bool, pairs map[[2]string]bool) {
	a := acceptedOf(h)
	pairs = map[[2]string]bool{}
	for i := range a {
		for j := i + 1; j < len(a); j++ {
			for k := j + 1; k < len(a); k++ {
				if a[i].Hold == a[k].Hold && a[i].Hold != a[j].Hold {
					triples = true
					if k == j+1 {
						pairs[[2]string{a[k].Hold, a[j].Hold}] = true
					}
				}
			}
		}
	}
	return triples, pairs
}

func agreeOnExclusion(t require.TestingT, in Input) {
	c := Exclusion(in)
	triples, pairs := returnsIn(in.History)
	require.Equal(t, triples, c.Outcome == Violation, "%+v", in.History)
	got := map[[2]string]bool{}
	for _, a := range c.Anomalies {
		got[[2]string{a.Holds[0], a.Holds[1]}] = true
		p := []history.Event{in.History[a.Proof[0]], in.History[a.Proof[1]], in.History[a.Proof[2]]}
		alone, _ := returnsIn(p)
		require.True(t, alone, "the proof must be one by itself: %+v", p)
	}
	require.Equal(t, pairs, got)
}

func TestExclusionAgainstBruteForce(t *testing.T) {
	every(6, 6, func(word []int) {
		var events []history.Event
		for i, l := range word {
			events = append(events, accessOf(i+1, l/2, 0, l%2 == 1)...)
		}
		agreeOnExclusion(t, lockInput(events))
	})
}

// agreeOnTokens compares with all pairs.
func agreeOnTokens(t require.TestingT, in Input) {
	c := Tokens(in)
	a := acceptedOf(in.History)
	stale := false
	for i := range a {
		for j := i + 1; j < len(a); j++ {
			stale = stale || a[j].Token < a[i].Token
		}
	}
	require.Equal(t, stale, c.Outcome == Violation, "%+v", in.History)
	for _, x := range c.Anomalies {
		newer, older := in.History[x.Proof[0]], in.History[x.Proof[1]]
		require.True(t, newer.Seq < older.Seq && newer.Token > older.Token && !newer.Rejected && !older.Rejected)
	}
}

func TestTokensAgainstBruteForce(t *testing.T) {
	every(6, 6, func(word []int) {
		var events []history.Event
		for i, l := range word {
			events = append(events, accessOf(i+1, i, l/2, l%2 == 1)...)
		}
		agreeOnTokens(t, lockInput(events))
	})
}

// TestAccessesAgainstBruteForce does the same on longer histories whose accesses come in any order of time.
func TestAccessesAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 14).Draw(t, "accesses")
		var events []history.Event
		for i := range n {
			pair := accessOf(i+1, rapid.IntRange(0, 3).Draw(t, "hold"), rapid.IntRange(0, 4).Draw(t, "token"), rapid.Bool().Draw(t, "rejected"))
			at := ms(rapid.IntRange(1, 20).Draw(t, "time"))
			pair[0].Time, pair[1].Time = at, at
			events = append(events, pair...)
		}
		in := lockInput(events)
		agreeOnExclusion(t, in)
		agreeOnTokens(t, in)
	})
}

// What a participant may do in a history of beliefs, each at a moment of its own.
const (
	acquires = iota
	releases
	writes
	loses     // a note without a time
	losesThen // a note with the time half a step ago
	dies      // and starts again
	isElected // a note
	isDeposed // a note with the time half a step ago
	moves     // their number
)

// move is the events of a participant's move at step n.
func move(n, participant, what int, holds map[int]int) []history.Event {
	node := fmt.Sprintf("p%d", participant+1)
	e := history.Event{Time: ms(10 * n), Node: node, Incarnation: 1}
	e.Hold = fmt.Sprintf("%s.1/%d", node, holds[participant])
	switch what {
	case acquires:
		holds[participant]++
		e.Hold = fmt.Sprintf("%s.1/%d", node, holds[participant])
		e.Type, e.F = history.OK, OpAcquire
	case releases:
		e.Type, e.F, e.Hold = history.Invoke, OpRelease, ""
	case writes:
		e.Type = history.Access
	case loses, losesThen:
		e.Type, e.F = history.Note, history.NoteLost
		if what == losesThen {
			e.Mono = e.Time - ms(5)
		}
	case isElected:
		holds[participant]++
		e.Hold = fmt.Sprintf("%s.1/%d", node, holds[participant])
		e.Type, e.F = history.Note, history.NoteElected
	case isDeposed:
		e.Type, e.F, e.Mono = history.Note, history.NoteDeposed, e.Time-ms(5)
	case dies:
		e.Type, e.Hold = history.Exit, ""
	}
	return []history.Event{e}
}

// begins tells whether a belief begins.
func begins(e history.Event) bool {
	return e.Type == history.OK && e.F == OpAcquire || e.Type == history.Note && e.F == history.NoteElected
}

// endOf is where the belief that begins at position i certainly ends, straight from the definition.
func endOf(in Input, i int) int64 {
	begin := in.History[i]
	end := begin.Time
scan:
	for _, e := range in.History[i+1:] {
		if e.Node != begin.Node {
			continue
		}
		switch {
		case e.Type == history.Access && e.Hold == begin.Hold:
			end = e.Time
		case e.Type == history.Invoke && e.F == OpRelease:
			end = e.Time
			break scan
		case e.Type == history.Note && (e.F == history.NoteLost || e.F == history.NoteDeposed) && e.Hold == begin.Hold:
			if e.Mono > 0 {
				end = e.Mono
			}
			break scan
		case e.Type == history.Exit, begins(e):
			break scan
		}
	}
	for _, r := range in.Receipts {
		if r.Nodes[0] == begin.Node && r.Begin >= begin.Time {
			end = min(end, r.BeginFrom)
		}
	}
	return end
}

// overlapping are the holds that begin, or begin to matter, while another participant's is believed in.
func overlapping(in Input) []string {
	var out []string
	h := in.History
	for j := range h {
		if !begins(h[j]) || endOf(in, j) <= h[j].Time {
			continue
		}
		for i := range j {
			if begins(h[i]) && h[i].Node != h[j].Node && endOf(in, i) > h[j].Time {
				out = append(out, h[j].Hold)
				break
			}
		}
	}
	return out
}

func agreeOnBelief(t require.TestingT, in Input) {
	c := Belief(in)
	var got []string
	for _, a := range c.Anomalies {
		got = append(got, a.Holds[1])
		require.Less(t, a.From, a.To)
	}
	require.Equal(t, overlapping(in), got, "%+v", in.History)
	require.Equal(t, len(got) > 0, c.Outcome == Violation)
}

func TestBeliefAgainstBruteForce(t *testing.T) {
	every(2*moves, 4, func(word []int) {
		var events []history.Event
		holds := map[int]int{}
		for n, l := range word {
			events = append(events, move(n+1, l/moves, l%moves, holds)...)
		}
		in := lockInput(events)
		in.Spec.Claims = []string{ClaimBelief}
		agreeOnBelief(t, in)
	})
}

func TestBeliefAgainstBruteForceWithKills(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []history.Event
		holds := map[int]int{}
		n := rapid.IntRange(0, 20).Draw(t, "moves")
		for i := range n {
			events = append(events, move(i+1, rapid.IntRange(0, 2).Draw(t, "participant"), rapid.IntRange(0, moves-1).Draw(t, "move"), holds)...)
		}
		in := lockInput(events)
		in.Spec.Claims = []string{ClaimBelief}
		for at := 0; at < n; at += rapid.IntRange(2, 10).Draw(t, "until the next kill") {
			from := ms(10*at + rapid.IntRange(-7, 7).Draw(t, "kill"))
			in.Receipts = append(in.Receipts, nemesis.Receipt{
				Step: nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.Kill}}, Nodes: []string{fmt.Sprintf("p%d", rapid.IntRange(1, 3).Draw(t, "whom"))},
				BeginFrom: max(1, from), Begin: max(1, from) + ms(3), End: from + ms(5), EndBy: from + ms(6),
			})
		}
		agreeOnBelief(t, in)
	})
}
