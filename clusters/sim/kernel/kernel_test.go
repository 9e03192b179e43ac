package kernel

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// diary writes down what happens.
type diary struct {
	k     *Kernel
	lines []string
}

func (d *diary) Handle(kind uint8, a, b uint64) {
	d.lines = append(d.lines, fmt.Sprintf("%v %d %d %d", d.k.Now(), kind, a, b))
}

func (d *diary) run(until time.Duration) []string {
	for d.k.Step(until) {
	}
	lines := d.lines
	d.lines = nil
	return lines
}

// TestOrder: every event happens once, at its time.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waits := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 200).Draw(t, "waits")
		k := New(rapid.Uint64().Draw(t, "seed"), 3)
		var got, want []int
		h := handler(func(a uint64) { got = append(got, int(k.Now())) })
		for i, w := range waits {
			k.After(time.Duration(w), i%4-1, h, 0, uint64(i), 0)
			want = append(want, w)
		}
		slices.Sort(want)
		for k.Step(time.Hour) {
		}
		require.Equal(t, want, got)
		require.Equal(t, time.Hour, k.Now())
		require.Equal(t, uint64(len(waits)), k.Events())
	})
}

type handler func(a uint64)

func (h handler) Handle(_ uint8, a, _ uint64) { h(a) }

// TestTies: the seed alone decides what goes first at one instant, and what happens at one node does not change it for
// the events of another.
func TestTies(t *testing.T) {
	order := func(seed uint64, others int) (got []uint64) {
		k := New(seed, 2)
		h := handler(func(a uint64) { got = append(got, a) })
		for i := range uint64(8) {
			k.After(1, 0, h, 0, i, 0)
		}
		for range others {
			k.After(1, 1, handler(func(uint64) {}), 0, 0, 0)
		}
		for k.Step(1) {
		}
		return got
	}
	require.Equal(t, order(7, 0), order(7, 5))
	seen := map[string]bool{}
	for seed := range uint64(50) {
		seen[fmt.Sprint(order(seed, 0))] = true
	}
	require.Len(t, seen, 50)
}

// TestPause: what comes meanwhile happens at the resume, in the order of its coming, before anything else of then.
func TestPause(t *testing.T) {
	k := New(1, 2)
	d := &diary{k: k}
	k.Pause(0)
	for i := range uint64(5) {
		k.After(time.Duration(5-i), 0, d, 1, i, 0)
		k.After(time.Duration(5-i), 1, d, 2, i, 0)
	}
	require.Equal(t, []string{"1ns 2 4 0", "2ns 2 3 0", "3ns 2 2 0", "4ns 2 1 0", "5ns 2 0 0"}, d.run(9))
	require.True(t, k.Paused(0))
	k.Hold(0, d, 3, 9, 9)
	k.After(0, 1, d, 4, 0, 0)
	k.Resume(0)
	require.Equal(t, []string{"9ns 1 4 0", "9ns 1 3 0", "9ns 1 2 0", "9ns 1 1 0", "9ns 1 0 0", "9ns 3 9 9", "9ns 4 0 0"}, d.run(9))
}

// TestClock: a wall clock jumps and runs at its rate; virtual time does not care.
func TestClock(t *testing.T) {
	k := New(1, 2)
	k.Step(10 * time.Second)
	k.SetClock(0, 3*time.Second, 1.5)
	require.Equal(t, 3*time.Second, k.Ahead(0))
	k.Step(20 * time.Second)
	require.Equal(t, 8*time.Second, k.Ahead(0))
	require.Zero(t, k.Ahead(1))
	k.SetClock(0, 0, 1)
	k.Step(30 * time.Second)
	require.Zero(t, k.Ahead(0))
}

// TestKeyed: a draw depends on seed, stream and number alone.
func TestKeyed(t *testing.T) {
	k := New(7, 1)
	first := k.Draw(1, 1)
	for n := range uint64(100) {
		k.Draw(2, n)
	}
	require.Equal(t, first, k.Draw(1, 1))
	require.NotEqual(t, first, k.Draw(1, 2))
	require.NotEqual(t, first, k.Draw(2, 1))
	require.NotEqual(t, first, New(8, 1).Draw(1, 1))
	for n := range uint64(1000) {
		d := k.Between(3, n, 5, 7)
		require.True(t, d >= 5 && d <= 7, "%d", d)
	}
}

// TestStandstill: a run in which time does not pass is given up.
func TestStandstill(t *testing.T) {
	k := New(1, 1)
	var h handler
	h = func(uint64) { k.After(0, 0, h, 0, 0, 0) }
	k.After(1, 0, h, 0, 0, 0)
	require.PanicsWithValue(t, "time stands still at 1ns: 1000001 events at one instant", func() {
		for k.Step(2) {
		}
	})
}

// BenchmarkEvents is callbacks that keep a hundred events under way.
func BenchmarkEvents(b *testing.B) {
	k := New(1, 4)
	var h handler
	h = func(a uint64) { k.After(time.Duration(k.Draw(a, k.Events())%1e6), int(a%4), h, 0, a, 0) }
	for a := range uint64(100) {
		k.After(0, 0, h, 0, a, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.Step(1 << 62)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkTasks is twenty tasks that sleep.
func BenchmarkTasks(b *testing.B) {
	k := New(1, 4)
	g := k.Group(0, "n1.1", func(err error) { b.Error(err) })
	for a := range uint64(20) {
		g.Go("sleeper", func() {
			for n := uint64(0); ; n++ {
				g.Expect(k.Deadline(time.Duration(k.Draw(a, n) % 1e6)))
				g.Park()
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		k.Step(1 << 62)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	g.Kill()
}
