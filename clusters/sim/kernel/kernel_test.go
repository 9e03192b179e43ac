package kernel

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// teller writes down what happens and when.
type teller struct {
	k   *Kernel
	out strings.Builder
}

func (t *teller) Handle(kind uint8, a, _ uint64) {
	fmt.Fprintf(&t.out, "%v:%d/%d ", t.k.Now(), kind, a)
}

func drain(k *Kernel) {
	for k.Step(time.Hour) {
	}
}

func TestEventsComeInOrderOfTime(t *testing.T) {
	k := New(1, 2)
	h := &teller{k: k}
	for i, d := range []time.Duration{5, 1, 9, 3, 7, 1000, 2} {
		k.After(d, i%2, h, 1, uint64(d), 0)
	}
	drain(k)
	require.Equal(t, "1ns:1/1 2ns:1/2 3ns:1/3 5ns:1/5 7ns:1/7 9ns:1/9 1µs:1/1000 ", h.out.String())
}

// TestTiesAreDrawn: the order at one instant is the seed's, and the same for the same seed.
func TestTiesAreDrawn(t *testing.T) {
	order := func(seed uint64) string {
		k := New(seed, 4)
		h := &teller{k: k}
		for i := range uint64(8) {
			k.After(0, int(i%4), h, 0, i, 0)
		}
		drain(k)
		return h.out.String()
	}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		require.Equal(t, order(seed), order(seed))
		orders[order(seed)] = true
	}
	require.Greater(t, len(orders), 10)
}

// TestPauseKeepsOrder: what a paused node missed comes first when it goes on, in turn.
func TestPauseKeepsOrder(t *testing.T) {
	for seed := range uint64(50) {
		k := New(seed, 2)
		h := &teller{k: k}
		for i := range uint64(5) {
			k.After(time.Duration(i+1), 0, h, 0, i, 0)
		}
		k.After(3, 1, h, 1, 0, 0)
		k.Pause(0)
		for k.Step(10) {
		}
		require.Equal(t, "3ns:1/0 ", h.out.String())
		k.After(0, 0, h, 2, 9, 0)
		k.Resume(0)
		drain(k)
		require.Equal(t, "3ns:1/0 10ns:0/0 10ns:0/1 10ns:0/2 10ns:0/3 10ns:0/4 10ns:2/9 ", h.out.String(), "seed %d", seed)
	}
}

func TestClocks(t *testing.T) {
	k := New(1, 2)
	k.SetClock(0, time.Second, 2)
	k.Step(3 * time.Second)
	require.Equal(t, 4*time.Second, k.Ahead(0))
	require.Zero(t, k.Ahead(1))
	k.SetClock(0, 0, 1)
	require.Zero(t, k.Ahead(0))
}

func TestSignalsWakeTasks(t *testing.T) {
	k := New(1, 1)
	g := k.Group(0, "p1.1", func(err error) { t.Error(err) })
	s := new(Signal)
	var told []string
	g.Go("waits", func() {
		for !s.Fired() {
			g.Expect(s)
			g.Expect(k.Deadline(time.Second))
			g.Park()
			told = append(told, fmt.Sprint(k.Now() >= time.Second, s.Fired()))
		}
	})
	g.Go("fires", func() {
		for limit := k.Deadline(2 * time.Second); !limit.Fired(); {
			g.Expect(limit)
			g.Park()
		}
		s.Fire()
	})
	drain(k)
	require.Equal(t, []string{"true false", "true true"}, told)
	require.Empty(t, g.Running())
}

// TestKillHasNoEffect: a killed task unwinds, and nothing that its deferred code calls does anything.
func TestKillHasNoEffect(t *testing.T) {
	k := New(1, 1)
	g := k.Group(0, "p1.1", func(err error) { t.Error(err) })
	var told []string
	g.Go("victim", func() {
		defer func() {
			told = append(told, "unwound")
			g.Check() // what every call of a recipe begins with
			told = append(told, "had an effect")
		}()
		g.Expect(k.Deadline(time.Hour))
		g.Park()
		told = append(told, "went on")
	})
	g.Go("never began", func() { told = append(told, "began") })
	k.Step(0)
	for k.Now() < time.Millisecond && len(g.tasks[0].name) > 0 && g.tasks[0].on == nil {
		k.Step(time.Millisecond)
	}
	g.Kill()
	drain(k)
	require.NotContains(t, told, "had an effect")
	require.NotContains(t, told, "went on")
	require.Contains(t, told, "unwound")
}

func TestFindings(t *testing.T) {
	for name, f := range map[string]func(k *Kernel, g *Group){
		"panicked: out of luck":              func(*Kernel, *Group) { panic("out of luck") },
		"swallows its kill":                  swallow,
		"called from outside of its tasks":   func(_ *Kernel, g *Group) { elsewhere(g) },
		"a signal that is not of this world": func(_ *Kernel, g *Group) { g.Expect(strange{}) },
	} {
		k := New(1, 1)
		var failed []string
		g := k.Group(0, "p1.1", func(err error) { failed = append(failed, err.Error()) })
		g.Go("task", func() { f(k, g) })
		drain(k)
		g.Kill()
		require.Len(t, failed, 1, name)
		require.Contains(t, failed[0], name)
		require.Contains(t, failed[0], "task of p1.1")
	}
}

func swallow(k *Kernel, g *Group) {
	for {
		func() {
			defer func() { _ = recover() }()
			g.Check()
			g.Park()
		}()
	}
}

// elsewhere calls from a goroutine of the recipe's own, and panics with what that was told.
func elsewhere(g *Group) {
	told := make(chan any)
	other := New(1, 1).Group(0, "p1.1", nil)
	go func() {
		defer func() { told <- recover() }()
		other.Check()
	}()
	panic(<-told)
}

type strange struct{}

func (strange) Fired() bool { return false }

func TestTimeThatStandsStill(t *testing.T) {
	k := New(1, 1)
	var again again
	again.k = k
	k.After(0, 0, &again, 0, 0, 0)
	require.PanicsWithValue(t, "time stands still at 0s: 1000001 events at one instant", func() { drain(k) })
}

type again struct{ k *Kernel }

func (a *again) Handle(uint8, uint64, uint64) { a.k.After(0, 0, a, 0, 0, 0) }

// TestCoroutinesEnd: a run leaves no goroutines.
func TestCoroutinesEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	for seed := range uint64(50) {
		k := New(seed, 1)
		g := k.Group(0, "p1.1", func(err error) { t.Error(err) })
		for range 10 {
			g.Go("waits", func() {
				g.Expect(k.Deadline(time.Hour))
				g.Park()
			})
		}
		for k.Step(time.Second) {
		}
		g.Kill()
		k.Close()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func BenchmarkTasks(b *testing.B) {
	k := New(1, 20)
	for i := range 20 {
		g := k.Group(i, "p", func(err error) { b.Error(err) })
		g.Go("sleeper", func() {
			for {
				g.Expect(k.Deadline(time.Millisecond))
				g.Park()
			}
		})
	}
	for b.Loop() {
		k.Step(1 << 62)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
