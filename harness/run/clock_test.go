package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
	"riven/nemesis"
)

func TestJudgeClock(t *testing.T) {
	const second = int64(time.Second)
	minute := spec.Duration(time.Minute)
	good := func() nemesis.Receipt {
		return nemesis.Receipt{
			Step:      nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.Clock, Jump: minute, Rate: 2}},
			BeginFrom: 1, Begin: 2, End: 10 * second, EndBy: 10*second + 1,
			Clocks: []nemesis.ClockReceipt{{Node: "p1", Pids: []int{7}, Begin: minute, Last: minute + spec.Duration(10*time.Second), LastPid: 7}},
		}
	}
	status, why := judgeReceipt(good())
	require.Equal(t, nemesis.Applied, status, why)
	for _, c := range []struct {
		why    string
		change func(c *nemesis.ClockReceipt)
	}{
		{"no process was there whose clock could be set", func(c *nemesis.ClockReceipt) { c.Pids = nil }},
		{"the clock was off by 1m0s already", func(c *nemesis.ClockReceipt) { c.Before = minute }},
		{"the clock was read to be off by 0s instead of 1m0s", func(c *nemesis.ClockReceipt) { c.Begin = 0 }},
		{"no process was there at the end whose clock could be read", func(c *nemesis.ClockReceipt) { c.LastPid = 0 }},
		{"at rate 2 the clock went from 1m0s to 1m0s off", func(c *nemesis.ClockReceipt) { c.Last = minute }},
		{"after the end the clock was still off by 1m0s", func(c *nemesis.ClockReceipt) { c.After = minute }},
	} {
		x := good()
		c.change(&x.Clocks[0])
		status, why := judgeReceipt(x)
		require.Equal(t, []any{nemesis.Failed, c.why}, []any{status, why})
	}
}

// A clock that was long in being set, on a busy machine, has run at its rate meanwhile.
func TestJudgeClockThatWasSetSlowly(t *testing.T) {
	second := int64(time.Second)
	x := nemesis.Receipt{
		Step:      nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.Clock, Rate: 0.5}},
		BeginFrom: 1 * second, Begin: 1*second + second/4, End: 3 * second, EndBy: 3*second + 1,
		Clocks: []nemesis.ClockReceipt{{Node: "p1", Pids: []int{7}, Begin: spec.Duration(-112 * time.Millisecond), Last: spec.Duration(-time.Second), LastPid: 7}},
	}
	status, why := judgeReceipt(x)
	require.Equal(t, nemesis.Applied, status, why)
	x.Clocks[0].Begin = spec.Duration(-300 * time.Millisecond)
	status, _ = judgeReceipt(x)
	require.Equal(t, nemesis.Failed, status)
}

// A monotonic clock may have been off before, and goes on from what it shows.
func TestJudgeMono(t *testing.T) {
	second := spec.Duration(time.Second)
	good := func() nemesis.Receipt {
		return nemesis.Receipt{
			Step:      nemesis.Step{Fault: nemesis.Fault{Kind: nemesis.MonoRate, Rate: 0.5}},
			BeginFrom: 0, Begin: int64(10 * time.Millisecond), End: int64(10 * time.Second), EndBy: int64(10*time.Second + 10*time.Millisecond),
			Clocks: []nemesis.ClockReceipt{{Node: "p1", Pids: []int{7}, Before: -second, Begin: -second, Last: -6 * second, After: -6 * second, LastPid: 7}},
		}
	}
	status, why := judgeMono(good())
	require.Equal(t, nemesis.Applied, status, why)
	for _, c := range []struct {
		why    string
		change func(c *nemesis.ClockReceipt)
	}{
		{"no process was there whose clock could be set", func(c *nemesis.ClockReceipt) { c.Pids = nil }},
		{"the clock jumped from -1s to 0s off at the begin", func(c *nemesis.ClockReceipt) { c.Begin = 0 }},
		{"no process was there at the end whose clock could be read", func(c *nemesis.ClockReceipt) { c.LastPid = 0 }},
		{"the clock jumped from -6s to 0s off at the end", func(c *nemesis.ClockReceipt) { c.After = 0 }},
		{"at rate 0.5 the clock went from -1s to -1s off", func(c *nemesis.ClockReceipt) { c.Last, c.After = -second, -second }},
		{"at rate 0.5 the clock went from -1s to 2s off", func(c *nemesis.ClockReceipt) { c.Last, c.After, c.LastPid = 2*second, 2*second, 8 }},
	} {
		x := good()
		c.change(&x.Clocks[0])
		status, why := judgeMono(x)
		require.Equal(t, nemesis.Failed, status)
		require.Equal(t, c.why, why)
	}
	again := good() // a process that was started meanwhile begins with nothing lost
	again.Clocks[0].LastPid, again.Clocks[0].Last, again.Clocks[0].After = 8, -2*second, -2*second
	status, why = judgeMono(again)
	require.Equal(t, nemesis.Applied, status, why)
}
