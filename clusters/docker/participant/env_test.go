package participant

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// one starts a recipe with a single op "go", does it and gives the completion.
func one(t *testing.T, f func(e env.Env) history.Op) protocol.Out {
	noLeaks(t)
	r := start(t, nil, func(e env.Env) script {
		return script{"go": func(history.Op) workloads.Completion { return ok(f(e)) }}
	})
	out := r.do(history.Op{F: "go"})
	require.NoError(t, r.end())
	return out
}

// The lowest index wins, and it is looked up when the task runs again, not when it was woken.
func TestWaitLooksAgain(t *testing.T) {
	out := one(t, func(e env.Env) history.Op {
		a, b := e.Cond(), e.Cond()
		e.Go("fire", func() { // wakes the waiter with b, and fires a before it gives the token away
			b.Fire()
			a.Fire()
		})
		i, err := e.Wait(a, b)
		return history.Op{N: int64(i), Text: fmt.Sprint(err)}
	})
	require.Equal(t, protocol.Out{Type: "ok", ID: 1, Op: history.Op{F: "go", Text: "<nil>"}}, out)
}

func TestWaitIsStopped(t *testing.T) {
	noLeaks(t)
	var waited, opened error
	r := start(t, nil, func(e env.Env) script {
		return script{"go": func(history.Op) workloads.Completion {
			e.Go("waiter", func() { _, waited = e.Wait() })
			e.Note(env.Note{Kind: "here", Hold: "h", Token: 3, Text: "t"})
			_, err := e.Wait(e.Cond())
			_, opened = e.Call(env.Request{})
			return workloads.Completion{Type: history.Fail, Error: err.Error()}
		}}
	})
	r.invoke(history.Op{F: "go"})
	note := r.awaitNote("here")
	require.Positive(t, note.Mono)
	note.Mono = 0
	require.Equal(t, protocol.Out{Type: "note", Op: history.Op{F: "here", Hold: "h", Token: 3, Text: "t"}}, note)
	require.NoError(t, r.end())
	require.Equal(t, []error{env.ErrStopped, env.ErrStopped}, []error{waited, opened})
	require.Empty(t, r.of("ok", "fail", "info"), "an op that was cut short stays open")
}

// Tasks share state without locks: under the race detector this fails if two ever run at once.
func TestToken(t *testing.T) {
	const tasks, rounds = 8, 50
	out := one(t, func(e env.Env) history.Op {
		sum, left, done := 0, tasks, e.Cond()
		for range tasks {
			e.Go("adder", func() {
				for range rounds {
					before := sum
					runtime.Gosched()
					sum = before + 1
					if _, err := e.Wait(e.After(time.Microsecond)); err != nil {
						return
					}
				}
				if left--; left == 0 {
					done.Fire()
				}
			})
		}
		_, _ = e.Wait(done)
		return history.Op{N: int64(sum)}
	})
	require.Equal(t, int64(tasks*rounds), out.N)
}

// Deadlines that nobody waits for any more leave nothing behind.
func TestDeadlines(t *testing.T) {
	out := one(t, func(e env.Env) history.Op {
		fired := e.Cond()
		fired.Fire()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 100_000 {
			if i, err := e.Wait(e.After(time.Hour), fired); i != 1 || err != nil {
				panic("a deadline fired")
			}
			if i, err := e.Wait(e.After(time.Hour), e.After(0)); i != 1 || err != nil {
				panic("a deadline fired")
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		start := e.Mono()
		i, _ := e.Wait(e.Cond(), e.After(time.Hour), e.After(time.Millisecond))
		if e.Mono()-start < time.Millisecond {
			panic("too early")
		}
		return history.Op{N: int64(i), Token: max(0, int64(after.HeapAlloc)-int64(before.HeapAlloc))}
	})
	require.Equal(t, int64(2), out.N)
	require.Less(t, out.Token, int64(1<<20), "bytes kept")
}

// Two incarnations draw different numbers, the same one always the same.
func TestRand(t *testing.T) {
	draw := func(node string, incarnation int, seed uint64) uint64 {
		p := &port{hello: protocol.Hello{Node: node, Incarnation: incarnation, Seed: seed}}
		return newEnvironment(p).Rand().Uint64()
	}
	require.Equal(t, draw("p1", 1, 7), draw("p1", 1, 7))
	require.NotEqual(t, draw("p1", 1, 7), draw("p1", 2, 7))
	require.NotEqual(t, draw("p1", 1, 7), draw("p2", 1, 7))
	require.NotEqual(t, draw("p1", 1, 7), draw("p1", 1, 8))
}

func TestOpenIsRefused(t *testing.T) {
	out := one(t, func(e env.Env) history.Op {
		_, none := e.Open(coord.Options{Timeout: time.Second})
		_, zero := e.Open(coord.Options{})
		return history.Op{Text: fmt.Sprint(none, "; ", zero)}
	})
	require.Equal(t, "open a session: hello named no servers: invalid request; open a session with timeout 0s: invalid request", out.Text)
}
