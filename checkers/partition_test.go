package checkers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/spec"
)

// sharing makes a random record of two partitions that three members append to, consume, commit and believe to own.
func sharing(r *rand.Rand, n int) Input {
	in := Input{Spec: mustDefault(), Claims: rebalanceClaims()}
	in.Spec.Roles = []spec.Role{{Name: "consumer", Count: 3}, {Name: "producer", Count: 1}}
	in.Spec.Fencing = r.IntN(2) == 0
	seq := int64(0)
	for i := range n {
		part, who := r.IntN(2), 1+r.IntN(3)
		e := history.Event{Index: i, Time: ms(i), Node: fmt.Sprintf("consumer%d", who), Incarnation: 1, Process: history.NoProcess}
		e.Op = history.Op{Hold: fmt.Sprintf("consumer%d.1/%d", who, part), N: int64(r.IntN(4))}
		switch r.IntN(6) {
		case 0:
			e.Type, e.F, e.Key, e.Token = history.Note, NoteCommitted, fmt.Sprintf("t-%d", part), int64(r.IntN(n))
		case 1:
			e.Type, e.F, e.Key = history.Note, history.NoteAssigned, fmt.Sprintf("t-%d", part)
		case 2:
			e.Type, e.F, e.Key, e.Mono = history.Note, history.NoteRevoked, fmt.Sprintf("t-%d", part), ms(i)
		default:
			seq++
			e.Type, e.F, e.Key, e.Seq, e.Text = history.Access, fmt.Sprintf("t-%d", part), "log", seq, VerbFetch
		}
		in.History = append(in.History, e)
	}
	return in
}

func (in Input) fetches(partition string) (out []history.Event) {
	for _, e := range in.History {
		if e.Type == history.Access && e.F == partition {
			out = append(out, e)
		}
	}
	return out
}

// The oracles read the rules as they are written: every three accesses, every two commits.
func ownedByOne(in Input) bool {
	for _, partition := range []string{"t-0", "t-1"} {
		h := in.fetches(partition)
		for a := range h {
			for b := a + 1; b < len(h); b++ {
				for c := b + 1; c < len(h); c++ {
					if h[a].Hold == h[c].Hold && h[a].Hold != h[b].Hold {
						return false
					}
				}
			}
		}
	}
	return true
}

func consumedAll(in Input) bool {
	for _, partition := range []string{"t-0", "t-1"} {
		h := in.fetches(partition)
		for a := range h {
			for b := range a {
				if in.Spec.Fencing && h[a].N == h[b].N {
					return false
				}
			}
			for below := range h[a].N {
				if !slices.ContainsFunc(h, func(e history.Event) bool { return e.N == below }) {
					return false
				}
			}
		}
	}
	return true
}

func neverBack(in Input) bool {
	h := in.History
	for a := range h {
		for b := range h {
			x, y := &h[a], &h[b]
			before := x.Token < y.Token || x.Token == y.Token && a < b
			if x.F == NoteCommitted && y.F == NoteCommitted && x.Key == y.Key && before && y.N < x.N {
				return false
			}
		}
	}
	return true
}

// ownersAt are those who certainly believe at a moment between event i and the next that they own the partition: assigned
// by then, not revoked, and with evidence of the same claim later.
func ownersAt(in Input, partition string, i int) map[string]bool {
	out := map[string]bool{}
	hold := map[string]int{} // hold → its assignment
	h := in.History
	for k := 0; k <= i; k++ {
		switch e := &h[k]; {
		case e.Type != history.Note || e.Key != partition:
		case e.F == history.NoteAssigned:
			hold[e.Hold] = k
		case e.F == history.NoteRevoked:
			delete(hold, e.Hold)
		}
	}
	for name := range hold {
	later:
		for k := i + 1; k < len(h); k++ {
			e := &h[k]
			if e.Hold != name {
				continue
			}
			switch {
			case e.Type == history.Access, e.F == history.NoteRevoked:
				out[e.Node] = true
				break later
			case e.F == history.NoteAssigned:
				break later
			}
		}
	}
	return out
}

func oneBeliever(in Input) bool {
	for i := range in.History {
		for _, partition := range []string{"t-0", "t-1"} {
			if len(ownersAt(in, partition, i)) > 1 {
				return false
			}
		}
	}
	return true
}

// TestPartitionsAgainstBruteForce compares the monitors with the oracles on small random records.
func TestPartitionsAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	bad := map[string]int{}
	for k := range 20000 {
		in := sharing(r, 1+r.IntN(10))
		in.Spec.Claims = []string{ClaimOwner, ClaimBelief} // whatever the preconditions
		for name, c := range map[string]struct {
			check Check
			holds bool
		}{
			"owner":    {Owner(in), ownedByOne(in)},
			"consumed": {Consumed(in), consumedAll(in)},
			"offsets":  {Offsets(in), neverBack(in)},
			"belief":   {OwnerBelief(in), oneBeliever(in)},
		} {
			require.Equal(t, !c.holds, c.check.Outcome == Violation, "%s, history %d of seed 7: %+v", name, k, in.History)
			require.Equal(t, !c.holds, len(c.check.Anomalies) > 0)
			if !c.holds {
				bad[name]++
			}
		}
	}
	for _, name := range []string{"owner", "consumed", "offsets", "belief"} {
		require.Greater(t, bad[name], 100, name)
	}
}

// right is a group in which everything is as the range strategy has it: stretches in order, at most one apart.
func right(members []string, partitions int) history.Event {
	text, next := "", 0
	for i, m := range members {
		n := partitions / len(members)
		if i < partitions%len(members) {
			n++
		}
		for range n {
			text += fmt.Sprintf(" t-%d=%s", next, m)
			next++
		}
	}
	names := ""
	for _, m := range slices.Backward(members) { // servers list them in no order
		names += "," + m
	}
	return history.Event{Op: history.Op{N: int64(partitions), Text: names[1:] + "|" + text}}
}

// TestUnassigned: what is right passes, and any one partition with another owner, or none, does not.
func TestUnassigned(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	for k := 1; k <= len(all); k++ {
		for n := 1; n < 12; n++ {
			e := right(all[:k], n)
			require.Empty(t, Unassigned(e), e.Text)
			for p := range n {
				swapped := e
				swapped.Text = replaceOwner(e.Text, p, "x")
				require.Contains(t, Unassigned(swapped), fmt.Sprintf("t-%d is owned by x and should be by", p))
			}
		}
	}
	require.Equal(t, "t-1 is owned by nobody and should be by b (2 partitions, members a,b)", Unassigned(history.Event{Op: history.Op{N: 2, Text: "a,b|t-0=a"}}))
	require.Equal(t, "the group has no member", Unassigned(history.Event{Op: history.Op{N: 2, Text: "|"}}))
}

func replaceOwner(text string, p int, who string) string {
	mark := fmt.Sprintf(" t-%d=", p)
	at := slices.Index([]byte(text), '|')
	for i := at; i < len(text); i++ {
		if len(text) >= i+len(mark) && text[i:i+len(mark)] == mark {
			return text[:i+len(mark)] + who + text[i+len(mark)+1:]
		}
	}
	return text
}

// FuzzPartitions: whatever the record, the checkers end, say the same twice and point into the history.
func FuzzPartitions(f *testing.F) {
	f.Add(uint64(1), 30, "a|t-0=a")
	f.Fuzz(func(t *testing.T, seed uint64, n int, group string) {
		in := sharing(rand.New(rand.NewPCG(seed, seed)), 1+int(uint(n)%60))
		in.History = append(in.History, history.Event{Index: len(in.History), Type: history.OK, Op: history.Op{F: OpOwners, N: int64(n % 9), Text: group}})
		judge := func() []Check {
			return []Check{Owner(in), OwnerBelief(in), Offsets(in), Consumed(in), Assignment(in), Drained(in)}
		}
		checks := judge()
		require.Equal(t, checks, judge())
		for _, c := range checks {
			for _, a := range c.Anomalies {
				require.NotEmpty(t, a.Sentence)
				for _, i := range a.Proof {
					require.Less(t, i, len(in.History))
				}
			}
		}
	})
}
