package checkers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

func reply(at int64, node, session string, zxid int64) history.Event {
	return history.Event{Type: history.Wire, Node: node, Time: at, Process: history.NoProcess, Op: history.Op{F: "reply", Text: "getData", Hold: session, Token: zxid}}
}

// TestImage: a session's replies do not go back, whichever server they come from; those of others have nothing to do with
// it, nor have watch events and replies without a zxid.
func TestImage(t *testing.T) {
	h := []history.Event{
		reply(1, "p1", "0x1", 7), reply(2, "p2", "0x2", 3), reply(3, "p1", "0x1", 7), reply(4, "p1", "0x1", -1), reply(5, "p1", "0x1", 9),
		{Type: history.Wire, Node: "p1", Time: 6, Op: history.Op{F: "watch", Text: "NodeDeleted", Hold: "0x1", Token: 2}},
		reply(7, "p2", "0x2", 4),
	}
	require.Equal(t, Pass, Image(Input{History: h}).Outcome)
	h = append(h, reply(8, "p1", "0x1", 8))
	c := Image(Input{History: h})
	require.Equal(t, Violation, c.Outcome)
	require.Len(t, c.Anomalies, 1)
	a := c.Anomalies[0]
	require.Equal(t, []int{4, 7}, a.Proof)
	require.Equal(t, Server, a.Place)
	require.Contains(t, a.Sentence, "p1 had the reply to getData at 0.000 s as of zxid 0x8, after its session 0x1 had had one as of 0x9")
}

// TestImageAgainstPairs holds it to the definition: no two replies of a session in the wrong order.
func TestImageAgainstPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[Outcome]int{}
	for range 2000 {
		var h []history.Event
		for i := range 1 + r.IntN(6) {
			h = append(h, reply(int64(i), "p1", fmt.Sprint(r.IntN(2)), int64(i/2+r.IntN(3))))
		}
		want := Pass
		for i := range h {
			for _, b := range h[i+1:] {
				if h[i].Hold == b.Hold && b.Token > 0 && h[i].Token > b.Token {
					want = Violation
				}
			}
		}
		require.Equal(t, want, Image(Input{History: h}).Outcome, "%v", h)
		seen[want]++
	}
	require.Greater(t, seen[Pass], 100)
	require.Greater(t, seen[Violation], 100)
}
