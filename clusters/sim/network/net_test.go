package network

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters/sim/kernel"
)

// user writes down what it is told, with the time in milliseconds.
type user struct {
	k    *kernel.Kernel
	out  []string
	deaf map[int]bool
}

func (u *user) say(format string, args ...any) {
	u.out = append(u.out, fmt.Sprintf("%d ", u.k.Now().Milliseconds())+fmt.Sprintf(format, args...))
}

func (u *user) Listens(node int) bool              { return !u.deaf[node] }
func (u *user) Opened(_ Conn, from, to int)        { u.say("open %d-%d", from, to) }
func (u *user) Closed(_ Conn, node, _ int, _ Side) { u.say("%d: closed", node) }
func (u *user) Arrived(_ Conn, node, from int, _ Side, m *int) {
	u.say("%d: %d from %d", node, *m, from)
}

func (u *user) take() []string {
	out := u.out
	u.out = nil
	return out
}

func world(seed uint64) (*kernel.Kernel, *Edges, *Net[int], *user) {
	k := kernel.New(seed, 3)
	u := &user{k: k, deaf: map[int]bool{}}
	e := NewEdges(k, 3)
	return k, e, New(k, e, User[int](u)), u
}

func pass(k *kernel.Kernel, d time.Duration) {
	for until := k.Now() + d; k.Step(until); {
	}
}

// values are the numbers that arrived at a node, in order.
func values(out []string, node int) (list []int) {
	for _, s := range out {
		var at, n, v, from int
		if c, _ := fmt.Sscanf(s, "%d %d: %d from %d", &at, &n, &v, &from); c == 4 && n == node {
			list = append(list, v)
		}
	}
	return list
}

// TestOrderAndOnce: whatever is cut and paused meanwhile, what was sent arrives in order and once.
func TestOrderAndOnce(t *testing.T) {
	for seed := range uint64(300) {
		k, e, n, u := world(seed)
		c := n.Dial(0, 1)
		var want []int
		for i := range 200 {
			n.Send(c, Dialler, i)
			want = append(want, i)
			switch k.Draw(99, uint64(i)) % 9 {
			case 0:
				e.Cut(0, 1, true)
			case 1:
				e.Cut(0, 1, false)
			case 2:
				e.Cut(1, 0, true)
			case 3:
				e.Cut(1, 0, false)
			case 4:
				k.Pause(1)
			case 5:
				k.Resume(1)
			}
			pass(k, k.Between(98, uint64(i), 0, 100*time.Millisecond))
		}
		e.Cut(0, 1, false)
		e.Cut(1, 0, false)
		k.Resume(1)
		pass(k, 10*time.Minute)
		require.Equal(t, want, values(u.take(), 1), "seed %d", seed)
	}
}

// TestShortCutDelays: what is dropped is sent again, later and later, and is counted: a packet on its own after 200, 400,
// 800 ms, several after 200, 600, 1400 ms.
func TestShortCutDelays(t *testing.T) {
	for _, c := range []struct {
		packets int
		drops   uint64
		arrived []string
	}{
		{1, 4, []string{"1700 1: 0 from 0"}},
		{2, 3, []string{"1500 1: 0 from 0", "1500 1: 1 from 0"}},
	} {
		k, e, n, u := world(1)
		conn := n.Dial(0, 1)
		pass(k, 100*time.Millisecond)
		e.Cut(0, 1, true)
		for i := range c.packets {
			n.Send(conn, Dialler, i)
		}
		pass(k, 900*time.Millisecond)
		require.Equal(t, []string{"0 open 0-1"}, u.take())
		system, _ := e.Drops(0, 1)
		require.Equal(t, c.drops, system)
		e.Cut(0, 1, false)
		pass(k, time.Minute)
		require.Equal(t, c.arrived, u.take())
	}
}

// TestNoAcknowledgements: when nothing comes back a sender soon stops, though its own packets would pass.
func TestNoAcknowledgements(t *testing.T) {
	k, e, n, u := world(1)
	c := n.Dial(0, 1)
	pass(k, time.Second)
	u.take()
	e.Cut(1, 0, true)
	for i := range 10 {
		n.Send(c, Dialler, i)
		pass(k, 100*time.Millisecond)
	}
	require.Equal(t, []int{0, 1, 2}, values(u.take(), 1))
	dropped, _ := e.Drops(1, 0)
	require.Positive(t, dropped, "acknowledgements")
	e.Cut(1, 0, false)
	pass(k, 5*time.Second)
	require.Equal(t, []int{3, 4, 5, 6, 7, 8, 9}, values(u.take(), 1))
}

func TestDial(t *testing.T) {
	k, e, n, u := world(1)
	u.deaf[1] = true
	n.Dial(0, 1)
	pass(k, time.Second)
	require.Equal(t, []string{"0 0: closed"}, u.take(), "refused at once")
	u.deaf[1] = false
	e.Cut(1, 0, true)
	n.Dial(0, 1)
	pass(k, 2*time.Second) // at 1000, 2000 ms, then at 4000
	require.Empty(t, u.take())
	e.Cut(1, 0, false)
	pass(k, time.Minute)
	require.Equal(t, []string{"4000 open 0-1"}, u.take())
	n.Patience = 3
	e.Cut(0, 1, true)
	at := k.Now()
	n.Dial(0, 1)
	pass(k, time.Minute)
	require.Equal(t, []string{fmt.Sprintf("%d 0: closed", (at + 2*time.Second).Milliseconds())}, u.take(), "given up")
}

// TestCrash: what was sent before still arrives; the other end is told, as soon as it can be.
func TestCrash(t *testing.T) {
	k, e, n, u := world(1)
	c := n.Dial(0, 1)
	pass(k, time.Second)
	n.Send(c, Dialler, 1)
	n.Crash(0)
	n.Send(c, Listener, 2)
	pass(k, time.Second)
	require.Equal(t, []string{"0 open 0-1", "1000 1: 1 from 0", "1000 1: closed"}, u.take())
	c = n.Dial(0, 1)
	pass(k, time.Second)
	u.take()
	e.Cut(0, 1, true)
	n.Crash(0)
	pass(k, time.Second)
	require.Empty(t, u.take(), "nobody knows yet")
	e.Cut(0, 1, false)
	n.Send(c, Listener, 3)
	pass(k, time.Minute)
	require.Len(t, u.take(), 1)
}

// TestCrashOfTheDialled: a dial that is under way when the process at its other end dies is refused, or taken by the
// next process there.
func TestCrashOfTheDialled(t *testing.T) {
	for _, again := range []bool{false, true} {
		k, e, n, u := world(1)
		e.Cut(0, 1, true)
		n.Dial(0, 1)
		pass(k, 500*time.Millisecond)
		n.Crash(1)
		u.deaf[1] = !again
		e.Cut(0, 1, false)
		pass(k, time.Minute)
		want := "1000 0: closed"
		if again {
			want = "1000 open 0-1"
		}
		require.Equal(t, []string{want}, u.take())
	}
}

// TestConnectionsAreForgotten: a run may make many.
func TestConnectionsAreForgotten(t *testing.T) {
	k, _, n, _ := world(1)
	for range 1000 {
		c := n.Dial(0, 1)
		n.Send(c, Dialler, 1)
		pass(k, 10*time.Millisecond)
		n.Close(c, Dialler)
		pass(k, 10*time.Millisecond)
		n.Close(c, Listener)
		pass(k, 10*time.Millisecond)
	}
	require.LessOrEqual(t, len(n.conns), 2)
}

func TestProbes(t *testing.T) {
	_, e, _, _ := world(1)
	require.True(t, e.Probe(0, 1))
	e.Cut(0, 1, true)
	require.False(t, e.Probe(0, 1))
	require.True(t, e.Probe(1, 0))
	_, probes := e.Drops(0, 1)
	require.EqualValues(t, 1, probes)
}
