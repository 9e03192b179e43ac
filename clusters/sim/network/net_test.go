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

// world is three nodes that write down what they hear.
type world struct {
	t       require.TestingT
	k       *kernel.Kernel
	edges   *Edges
	net     *Net[int]
	deaf    map[int]bool // nodes on which nobody listens
	heard   []string
	arrived [2][]int // by the side that they arrived at
	at      []time.Duration
}

func newWorld(t require.TestingT, seed uint64) *world {
	w := &world{t: t, k: kernel.New(seed, 3), deaf: map[int]bool{}}
	w.edges = NewEdges(w.k, 3)
	w.net = New(w.k, w.edges, User[int](w))
	return w
}

func (w *world) say(format string, a ...any) {
	w.heard = append(w.heard, fmt.Sprintf(format, a...))
}

func (w *world) Listens(node int) bool { return !w.deaf[node] }

func (w *world) Opened(_ Conn, from, to int) { w.say("opened %d-%d", from, to) }

func (w *world) Arrived(_ Conn, node, from int, side Side, m int) {
	w.arrived[side] = append(w.arrived[side], m)
	w.at = append(w.at, w.k.Now())
	w.say("%d from %d: %d", node, from, m)
}

func (w *world) Closed(_ Conn, node, other int, _ Side) { w.say("%d lost %d", node, other) }

// pass is what was heard while time went by.
func (w *world) pass(d time.Duration) []string {
	for until := w.k.Now() + d; w.k.Step(until); {
	}
	heard := w.heard
	w.heard = nil
	return heard
}

func (w *world) connect() Conn {
	c := w.net.Dial(0, 1)
	require.Equal(w.t, []string{"opened 0-1"}, w.pass(20*time.Millisecond))
	return c
}

func (w *world) cut(from, to int)  { w.edges.Cut(from, to, true) }
func (w *world) heal(from, to int) { w.edges.Cut(from, to, false) }

// TestStream: whatever is cut and healed, paused and resumed in between, what arrives is what was sent, in order, once.
func TestStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"))
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

// TestShortCut: what is dropped arrives with the first retry after the heal: 200, 600, 1400 ms after it was sent.
func TestShortCut(t *testing.T) {
	w := newWorld(t, 1)
	c := w.connect()
	w.cut(0, 1)
	began := w.k.Now()
	w.net.SendFrom(c, 0, 7)
	w.net.SendFrom(c, 0, 8)
	require.Empty(t, w.pass(300*time.Millisecond))
	w.heal(0, 1)
	require.Equal(t, []string{"1 from 0: 7", "1 from 0: 8"}, w.pass(time.Second))
	for _, at := range w.at {
		require.InDelta(t, 600*time.Millisecond, at-began, float64(10*time.Millisecond))
	}
	system, probes := w.edges.Drops(0, 1)
	require.Equal(t, []uint64{2, 0}, []uint64{system, probes}, "the first packet and its first retry; the second waits behind it")
}

// TestCutOneWay: what goes the other way still arrives for a moment; without acknowledgements a sender soon stops.
func TestCutOneWay(t *testing.T) {
	w := newWorld(t, 1)
	c := w.connect()
	w.cut(1, 0)
	w.net.SendFrom(c, 0, 1)
	require.Equal(t, []string{"1 from 0: 1"}, w.pass(100*time.Millisecond))
	w.pass(300 * time.Millisecond)
	w.net.SendFrom(c, 0, 2)
	require.Empty(t, w.pass(time.Second))
	system, _ := w.edges.Drops(1, 0)
	require.NotZero(t, system, "acknowledgements are what is dropped")
	w.heal(1, 0)
	require.Equal(t, []string{"1 from 0: 2"}, w.pass(5*time.Second))
}

// TestDial: nobody listens, a cut that heals, and a cut that does not.
func TestDial(t *testing.T) {
	w := newWorld(t, 1)
	w.deaf[1] = true
	w.net.Dial(0, 1)
	require.Equal(t, []string{"0 lost 1"}, w.pass(50*time.Millisecond), "refused at once")

	w.deaf[1] = false
	w.cut(1, 0)
	c := w.net.Dial(0, 1)
	w.net.SendFrom(c, 0, 5)
	require.Empty(t, w.pass(2*time.Second), "a black hole")
	w.heal(1, 0)
	require.Equal(t, []string{"opened 0-1", "1 from 0: 5"}, w.pass(2*time.Second), "the SYN of 3 s")

	w.cut(0, 1)
	w.net.Patience = 5
	w.net.Dial(0, 1)
	require.Empty(t, w.pass(3900*time.Millisecond))
	require.Equal(t, []string{"0 lost 1"}, w.pass(time.Second))
}

// TestCrash: the other end of a dead process's connection hears of it, after what was sent before; through a cut it does
// not, until it sends something itself when the cut is healed.
func TestCrash(t *testing.T) {
	w := newWorld(t, 1)
	c := w.connect()
	w.net.SendFrom(c, 1, 3)
	w.net.Crash(1)
	require.Equal(t, []string{"0 from 1: 3", "0 lost 1"}, w.pass(50*time.Millisecond))
	w.net.SendFrom(c, 1, 4)
	require.Empty(t, w.pass(time.Minute), "the dead send nothing")

	c = w.connect()
	w.cut(0, 1)
	w.cut(1, 0)
	w.net.Crash(1)
	w.net.SendFrom(c, 0, 9)
	require.Empty(t, w.pass(time.Second), "half open")
	w.heal(0, 1)
	w.heal(1, 0)
	require.Equal(t, []string{"0 lost 1"}, w.pass(2*time.Second))
}

// TestPausedReceiver: its machine takes what comes, and it reads it when it runs again.
func TestPausedReceiver(t *testing.T) {
	w := newWorld(t, 1)
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

// TestProbe: a datagram is dropped or arrives, and which is counted.
func TestProbe(t *testing.T) {
	w := newWorld(t, 1)
	w.cut(0, 2)
	require.False(t, w.edges.Probe(0, 2))
	require.True(t, w.edges.Probe(2, 0))
	_, probes := w.edges.Drops(0, 2)
	require.Equal(t, uint64(1), probes)
	_, probes = w.edges.Drops(2, 0)
	require.Zero(t, probes)
}

// TestNothingIsKept: connections that are over leave nothing, and their names mean nothing.
func TestNothingIsKept(t *testing.T) {
	w := newWorld(t, 1)
	for range 100 {
		c := w.connect()
		w.net.SendFrom(c, 0, 1)
		w.net.CloseFrom(c, 0)
		w.pass(time.Second)
		w.net.CloseFrom(c, 1)
		w.pass(time.Second)
		w.net.SendFrom(c, 0, 2)
		require.Empty(t, w.pass(time.Second))
	}
	require.Len(t, w.net.conns, 1)
	_, more := w.k.Next()
	require.False(t, more)
}
