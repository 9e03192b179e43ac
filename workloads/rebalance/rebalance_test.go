package rebalance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
)

func TestLog(t *testing.T) {
	ask := func(verb string, token, n int64) env.Request {
		return env.Request{Resource: LogResource, Key: "t-0", Text: verb, Token: token, N: n}
	}
	asked := []env.Request{
		ask(verbFetch, 5, 0), ask(verbAppend, 0, 1), ask(verbAppend, 0, 2), ask(verbLag, 0, 0), ask(verbFetch, 5, 0), ask(verbFetch, 7, 1),
		ask(verbFetch, 5, 1), ask(verbFetch, 7, 0), ask(verbFetch, 7, 2), ask(verbFetch, 7, -1), ask(verbEnd, 0, 0), ask(verbLag, 0, 0),
		ask("list", 0, 0), {Resource: "register", Key: "t-0"},
	}
	decide := func(fencing bool) (out []string) {
		l := newLog(spec.Spec{Fencing: fencing})
		for i, q := range asked {
			r := l.Decide("consumer1", q)
			require.Equal(t, int64(i+1), r.Seq)
			out = append(out, fmt.Sprintf("%v %d %s", r.Accepted, r.N, r.Text))
		}
		return out
	}
	want := []string{
		"false 0 empty", "true 0 ", "true 1 ", "false 2 ", "true 0 ", "true 1 ",
		"false 0 fenced", "false 0 done", "false 0 empty", "false 0 empty", "false 2 ", "false 0 ",
		`false 0 nothing is known of "list"`, `false 0 no resource "register"`,
	}
	require.Equal(t, want, decide(true))
	loose := decide(false)
	require.Equal(t, []string{"true 1 ", "true 0 "}, loose[6:8], "without fencing everybody gets everything that there is, again and again")
}

// TestAssignIsTheCheckersStrategy: what members take is what the checker wants them to own.
func TestAssignIsTheCheckersStrategy(t *testing.T) {
	all := []string{"consumer1", "consumer2", "consumer3", "consumer4"}
	for k := 1; k <= len(all); k++ {
		for n := 1; n < 12; n++ {
			var owned []string
			for m, list := range assign(all[:k], n) {
				for _, p := range list {
					owned = append(owned, p+"="+m)
				}
			}
			require.Len(t, owned, n)
			read := history.Event{Op: history.Op{N: int64(n), Text: strings.Join(all[:k], ",") + "|" + strings.Join(owned, " ")}}
			require.Empty(t, checkers.Unassigned(read))
		}
	}
	require.Empty(t, assign(nil, 3))
}

func TestStreams(t *testing.T) {
	s := spec.Spec{Roles: Workload().Roles("high-level", 3)}
	draw := func(node string, seed uint64) (out []history.Op) {
		stream := ops(s, node, rand.New(rand.NewPCG(seed, 1)))
		for range 5000 {
			out = append(out, stream.Next())
		}
		return append(out, stream.Rest()...)
	}
	require.Equal(t, draw("consumer1", 3), draw("consumer1", 3))
	require.Equal(t, draw("producer1", 3), draw("producer1", 3))
	kinds := func(ops []history.Op) (out []string) {
		for _, o := range ops {
			out = append(out, o.F)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	require.Equal(t, []string{Join, Leave, Rest}, kinds(draw("consumer2", 4)))
	require.Equal(t, []string{Broker, Grow, Produce, Rest}, kinds(draw("producer1", 4)))
	member := true
	for _, o := range draw("consumer2", 4) {
		switch o.F {
		case Leave:
			require.True(t, member, "only a member leaves")
			member = false
		case Join:
			require.False(t, member)
			member = true
		}
	}
	values := map[int64]bool{}
	for _, o := range draw("producer1", 4) {
		if o.F == Produce {
			require.False(t, values[o.N], "messages are unique")
			values[o.N] = true
		}
	}
}
