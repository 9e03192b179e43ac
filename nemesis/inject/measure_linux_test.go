package inject

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMonoIsTheMonotonicClock(t *testing.T) {
	a := Mono()
	b := Mono()
	require.Positive(t, a)
	require.LessOrEqual(t, a, b)
	id, err := BootID()
	require.NoError(t, err)
	require.Len(t, id, 36)
}

func BenchmarkMono(b *testing.B) {
	for b.Loop() {
		Mono()
	}
}

var loopback = netip.MustParseAddr("127.0.0.1")

func TestProbesCountOnlyOurOwn(t *testing.T) {
	defer goleak.VerifyNone(t)
	p, err := ListenProbes(Token{1, 2, 3})
	require.NoError(t, err)
	defer p.Close()
	require.Empty(t, p.Received())
	foreign, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", ProbePort))
	require.NoError(t, err)
	defer foreign.Close()
	for _, content := range [][]byte{nil, {1}, make([]byte, 16), append([]byte{1, 2, 3}, make([]byte, 14)...)} {
		_, err := foreign.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, p.Send(context.Background(), loopback, 3)) // arrive after the foreign ones
	eventually(t, "probes arrive", func() bool {
		r := p.Received()
		return len(r) > 0 && r[0].Packets >= 3
	})
	require.Equal(t, []Count{{From: loopback, Packets: 3}}, p.Received())

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, p.Send(ctx, loopback, 1), context.Canceled)
	_, err = ListenProbes(Token{})
	require.ErrorContains(t, err, "in use")
}

func TestStallsOfTheWatcherAreSeen(t *testing.T) {
	s := supervise(t)
	child, out := startLines(t, s, helper("stall"))
	require.True(t, out.Scan())
	paused, err := s.Pause(within(t))
	require.NoError(t, err)
	eventually(t, "time passes", func() bool { return Mono() > paused.End+int64(300*time.Millisecond) })
	resumed, err := s.Resume(within(t))
	require.NoError(t, err)
	for out.Scan() {
		var got Stall
		_, err := fmt.Sscan(out.Text(), &got.What, &got.Start, &got.End, (*int64)(&got.By))
		require.NoError(t, err)
		if got.End < resumed.Start {
			continue // a real one, before
		}
		require.Equal(t, StallTick, got.What)
		require.Greater(t, got.By, 250*time.Millisecond)
		require.Equal(t, got.End-got.Start, int64(got.By))
		require.Less(t, got.Start, paused.End+int64(50*time.Millisecond))
		return
	}
	t.Fatalf("the watch ended unseen: %v", child.Status())
}

// Six threads that spin on one processor each wait most of the time.
func TestRunQueueDelayOfAChildIsSeen(t *testing.T) {
	s := supervise(t)
	child, _ := startReady(t, s, helper("busy", "6"))
	seen := make(chan Stall, 1)
	w := WatchStalls(50*time.Millisecond, func(got Stall) {
		if got.What == StallQueue {
			select {
			case seen <- got:
			default:
			}
		}
	})
	defer w.Stop()
	w.Child(child.PID())
	select {
	case got := <-seen:
		require.Greater(t, got.By, 50*time.Millisecond)
		require.GreaterOrEqual(t, time.Duration(got.End-got.Start), got.By)
	case <-within(t).Done():
		t.Fatal("no run-queue delay seen")
	}
}

func TestQueueDelayForgetsAProcessThatIsGone(t *testing.T) {
	var q queueDelay
	require.Zero(t, q.sample(os.Getpid()))
	require.Equal(t, StallQueue, q.sample(os.Getpid()).What)
	require.Zero(t, q.sample(0))
	require.Zero(t, q.sample(0).By)
	require.Empty(t, waitedByThread(1<<30))
}

func TestDetectWithoutPrivileges(t *testing.T) {
	s := supervise(t)
	works := make(map[string]bool)
	var names []string
	for _, m := range Detect(within(t), s) {
		works[m.Name] = m.OK
		names = append(names, m.Name)
		require.Equal(t, m.OK, m.Detail == "", m)
	}
	require.Equal(t, []string{MechPartition, MechEgress, MechCounters, MechProbe, MechLaunch, MechPause, MechKill, MechClock, MechMono}, names)
	for _, always := range []string{MechProbe, MechLaunch, MechPause, MechKill, MechClock, MechMono} {
		require.True(t, works[always], always)
	}
}

func BenchmarkStallSample(b *testing.B) {
	var q queueDelay
	for b.Loop() {
		q.sample(os.Getpid())
	}
}
