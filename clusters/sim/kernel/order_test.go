package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// times writes down when things happen.
type times struct {
	k   *Kernel
	got []int
}

func (h *times) Handle(uint8, uint64, uint64) { h.got = append(h.got, int(h.k.Now())) }

// TestEveryEventOnce: every event happens once, at its time, also when there are many at one instant.
func TestEveryEventOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waits := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 200).Draw(t, "waits")
		k := New(rapid.Uint64().Draw(t, "seed"), 3)
		h := &times{k: k, got: []int{}}
		for i, w := range waits {
			k.After(time.Duration(w), i%4-1, h, 0, uint64(i), 0)
		}
		for k.Step(time.Hour) {
		}
		want := append([]int{}, waits...)
		slices.Sort(want)
		require.Equal(t, want, h.got)
		require.Equal(t, uint64(len(waits)), k.Events())
	})
}

// TestNoEventIsLate: with many events under way, each still comes at its own time.
func TestNoEventIsLate(t *testing.T) {
	for seed := range uint64(100) {
		k := New(seed, 1)
		h := &punctual{k: k}
		for n := range uint64(2000) {
			d := k.Between(1, n, 0, horizon)
			k.After(d, World, h, 0, uint64(d), 0)
		}
		for k.Step(time.Hour) {
		}
		require.Zero(t, h.late, "seed %d", seed)
	}
}

// punctual counts the events that do not come at the time that they carry.
type punctual struct {
	k    *Kernel
	late int
}

func (h *punctual) Handle(_ uint8, at, _ uint64) {
	if h.k.Now() != time.Duration(at) {
		h.late++
	}
}

// TestDrawsAreKeyed: a draw depends on seed, stream and number alone, so what is taken away elsewhere does not change it.
func TestDrawsAreKeyed(t *testing.T) {
	k := New(7, 1)
	first := k.Draw(1, 1)
	for n := range uint64(100) {
		k.Draw(2, n)
	}
	require.Equal(t, first, k.Draw(1, 1))
	for _, other := range []uint64{k.Draw(1, 2), k.Draw(2, 1), New(8, 1).Draw(1, 1)} {
		require.NotEqual(t, first, other)
	}
	for n := range uint64(1000) {
		d := k.Between(3, n, 5, 7)
		require.True(t, d >= 5 && d <= 7, "%d", d)
	}
}
