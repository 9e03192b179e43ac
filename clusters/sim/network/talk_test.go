package network

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/clusters/sim/kernel"
)

// talk is nodes that write down what they hear.
type talk struct {
	t       require.TestingT
	k       *kernel.Kernel
	edges   *Edges
	net     *Net[int]
	heard   []string
	arrived [2][]int // by the side that they arrived at
}

func newTalk(t require.TestingT, seed uint64) *talk {
	w := &talk{t: t, k: kernel.New(seed, 3)}
	w.edges = NewEdges(w.k, 3)
	w.net = New(w.k, w.edges, User[int](w))
	return w
}

func (w *talk) say(format string, a ...any) {
	w.heard = append(w.heard, fmt.Sprintf(format, a...))
}

func (w *talk) Listens(int) bool { return true }

func (w *talk) Opened(_ Conn, from, to int) { w.say("opened %d-%d", from, to) }

func (w *talk) Arrived(_ Conn, node, from int, side Side, m *int) {
	w.arrived[side] = append(w.arrived[side], *m)
	w.say("%d from %d: %d", node, from, *m)
}

func (w *talk) Closed(_ Conn, node, other int, _ Side) { w.say("%d lost %d", node, other) }

// pass is what was heard while time went by.
func (w *talk) pass(d time.Duration) []string {
	for until := w.k.Now() + d; w.k.Step(until); {
	}
	heard := w.heard
	w.heard = nil
	return heard
}

func (w *talk) connect() Conn {
	c := w.net.Dial(0, 1)
	require.Equal(w.t, []string{"opened 0-1"}, w.pass(20*time.Millisecond))
	return c
}

func (w *talk) cut(from, to int)  { w.edges.Cut(from, to, true) }
func (w *talk) heal(from, to int) { w.edges.Cut(from, to, false) }

// TestStream: whatever is cut and healed, paused and resumed in between, what arrives is what was sent, in order, once.
func TestStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newTalk(t, rapid.Uint64().Draw(t, "seed"))
		c := w.connect()
		var sent [2][]int
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			from := rapid.IntRange(0, 1).Draw(t, "node")
			switch rapid.SampledFrom([]string{"send", "send", "send", "cut", "heal", "pause", "resume"}).Draw(t, "what") {
			case "send":
				w.net.SendFrom(c, from, n)
				sent[from] = append(sent[from], n)
			case "cut":
				w.cut(from, 1-from)
			case "heal":
				w.heal(from, 1-from)
			case "pause":
				w.k.Pause(from)
			case "resume":
				w.k.Resume(from)
			}
			w.pass(time.Duration(rapid.IntRange(0, 400_000).Draw(t, "µs")) * time.Microsecond)
			for side := range 2 { // the dialler is node 0: what it sent arrives at the listener
				got := w.arrived[1-side]
				require.LessOrEqual(t, len(got), len(sent[side]))
				require.True(t, slices.Equal(sent[side][:len(got)], got), "%v of %v", got, sent[side])
			}
		}
		for node := range 2 {
			w.heal(node, 1-node)
			w.k.Resume(node)
		}
		w.pass(5 * time.Minute)
		for side := range 2 {
			require.Equal(t, len(sent[side]), len(w.arrived[1-side]))
		}
	})
}

// TestPausedReceiver: its machine takes what comes, and it reads it when it runs again.
func TestPausedReceiver(t *testing.T) {
	w := newTalk(t, 1)
	c := w.connect()
	w.k.Pause(1)
	w.net.SendFrom(c, 0, 1)
	w.net.SendFrom(c, 0, 2)
	w.net.CloseFrom(c, 0)
	require.Empty(t, w.pass(time.Minute))
	w.k.Resume(1)
	require.Equal(t, []string{"1 from 0: 1", "1 from 0: 2", "1 lost 0"}, w.pass(time.Millisecond))
	system, _ := w.edges.Drops(0, 1)
	require.Zero(t, system)
}
