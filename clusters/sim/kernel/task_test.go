package kernel

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is a kernel with one incarnation.
type world struct {
	k    *Kernel
	g    *Group
	errs []string
}

func newWorld(seed uint64) *world {
	w := &world{k: New(seed, 2)}
	w.g = w.k.Group(0, "n1.1", func(err error) { w.errs = append(w.errs, err.Error()) })
	return w
}

// pass lets some time go by.
func (w *world) pass(d time.Duration) {
	for until := w.k.Now() + d; w.k.Step(until); {
	}
}

// sleep is a primitive as recipes have them.
func (w *world) sleep(d time.Duration) {
	w.g.Check()
	for x := w.k.Deadline(d); !x.Fired(); {
		w.g.Expect(x)
		w.g.Park()
	}
}

func TestTaskWaits(t *testing.T) {
	w := newWorld(1)
	s := new(Signal)
	var got []string
	for _, name := range []string{"a", "b"} {
		w.g.Go(name, func() {
			for !s.Fired() {
				w.g.Expect(s)
				w.g.Expect(w.k.Deadline(time.Hour))
				w.g.Park()
			}
			got = append(got, name)
		})
	}
	w.pass(time.Second)
	require.Empty(t, got)
	require.Equal(t, []string{"a", "b"}, w.g.Running())
	s.Fire()
	s.Fire()
	w.pass(time.Second)
	require.ElementsMatch(t, []string{"a", "b"}, got)
	require.Empty(t, w.g.Running())
	w.pass(2 * time.Hour) // the deadlines come too late to wake anybody
	require.Empty(t, w.errs)
}

// TestKillIsNoUnwind: what a dead task defers is run, so that its stack is freed, and has no effect.
func TestKillIsNoUnwind(t *testing.T) {
	w := newWorld(1)
	var effects, after int
	w.g.Go("holder", func() {
		defer func() {
			defer func() { after++ }()
			w.sleep(time.Second) // a release that takes a call
			effects++
		}()
		w.sleep(time.Hour)
		effects++
	})
	w.pass(time.Minute)
	w.g.Kill()
	require.Equal(t, []int{0, 1}, []int{effects, after})
	require.True(t, w.g.Dead())
	w.pass(2 * time.Hour)
	require.Zero(t, effects)
	require.Empty(t, w.errs)
}

func TestKillThatIsSwallowed(t *testing.T) {
	w := newWorld(1)
	w.g.Go("stubborn", func() {
		for {
			func() {
				defer func() { _ = recover() }()
				w.sleep(time.Second)
			}()
		}
	})
	w.pass(time.Minute)
	w.g.Kill()
	require.Equal(t, []string{"task stubborn of n1.1 swallows its kill: it recovers from panics that are not its own"}, w.errs)
}

func TestPanicOfATask(t *testing.T) {
	w := newWorld(1)
	w.g.Go("broken", func() { panic("no such thing") })
	w.g.Go("sound", func() { w.sleep(time.Second) })
	w.pass(time.Minute)
	require.Len(t, w.errs, 1)
	require.Contains(t, w.errs[0], "task broken of n1.1 panicked: no such thing\n")
	require.Contains(t, w.errs[0], "task_test.go", "the stack")
	require.Empty(t, w.g.Running())
}

// TestForeignCall: a goroutine that a recipe starts itself, and a task of another node, may call nothing.
func TestForeignCall(t *testing.T) {
	w := newWorld(1)
	const told = "n1.1: called from outside of its tasks: a goroutine that the recipe started itself?"
	said := make(chan any)
	go func() {
		defer func() { said <- recover() }()
		w.g.Check()
	}()
	require.Equal(t, told, <-said)
	other := w.k.Group(1, "n2.1", func(err error) { w.errs = append(w.errs, err.Error()) })
	other.Go("thief", func() { w.g.Check() })
	w.pass(time.Second)
	require.Len(t, w.errs, 1)
	require.Contains(t, w.errs[0], told)
}

// TestKillLeavesNothing: the coroutines of the dead are gone, of those that wait and of those that never ran.
func TestKillLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for seed := range uint64(20) {
		w := newWorld(seed)
		for range 10 {
			w.g.Go("sleeper", func() { w.sleep(time.Hour) })
		}
		w.pass(time.Second)
		for range 10 {
			w.g.Go("late", func() { w.errs = append(w.errs, "it ran") })
		}
		w.g.Kill()
		w.pass(time.Second)
		w.k.Close()
		require.Empty(t, w.errs)
	}
	require.GreaterOrEqual(t, before, runtime.NumGoroutine())
}

// TestCoroutinesServeAgain: a task runs on the coroutine of one that has ended or was killed, and knows nothing of it.
func TestCoroutinesServeAgain(t *testing.T) {
	w := newWorld(1)
	defer w.k.Close()
	var ran []int
	for i := range 10 {
		g := w.k.Group(0, "n1.1", func(err error) { w.errs = append(w.errs, err.Error()) })
		w.g = g
		g.Go("short", func() { w.sleep(time.Millisecond); ran = append(ran, i) })
		w.pass(time.Second)
		g.Go("long", func() { w.sleep(time.Hour); ran = append(ran, -i) })
		w.pass(time.Second)
		g.Kill()
	}
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, ran)
	require.Len(t, w.k.idle, 1)
	require.Empty(t, w.errs)
}
