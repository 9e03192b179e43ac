package run

import (
	"fmt"
	"math"
	"slices"
	"time"

	"riven/harness/spec"
	"riven/nemesis"
)

// judgeClock holds what was read in the processes against what was asked for.
func judgeClock(x nemesis.Receipt) (nemesis.Status, string) {
	c, f := x.Clocks[0], x.Step.Fault
	// While it is being set and read it runs at its rate already.
	drift := time.Duration(float64(x.Begin-x.BeginFrom) * math.Abs(f.ClockRate()-1))
	switch {
	case len(c.Pids) == 0:
		return nemesis.Failed, "no process was there whose clock could be set"
	case c.Before != 0:
		return nemesis.Failed, fmt.Sprintf("the clock was off by %v already", c.Before.D())
	case (c.Begin - f.Jump).D().Abs() > clockMargin+drift:
		return nemesis.Failed, fmt.Sprintf("the clock was read to be off by %v instead of %v", c.Begin.D(), f.Jump.D())
	case c.Killed:
		return nemesis.Applied, ""
	case c.LastPid == 0:
		return nemesis.Failed, "no process was there at the end whose clock could be read"
	case c.After != 0:
		return nemesis.Failed, fmt.Sprintf("after the end the clock was still off by %v", c.After.D())
	}
	return judgeRate(x, true)
}

// judgeRate holds what a clock gained or lost against its rate. Both readings lie within the time from the first begin to the last
// end, in which it ran at the rate; through: all of the time in between, as no process was started that began anew.
func judgeRate(x nemesis.Receipt, through bool) (nemesis.Status, string) {
	c, rate := x.Clocks[0], x.Step.Fault.ClockRate()
	off := (c.Last - c.Begin).D().Seconds()
	least, most := float64(x.End-x.Begin)/1e9*(rate-1), float64(x.EndBy-x.BeginFrom)/1e9*(rate-1)
	if !through {
		off, least = c.Last.D().Seconds(), 0
	}
	margin := clockMargin.Seconds() * max(1, rate)
	if off < min(least, most)-margin || off > max(least, most)+margin {
		return nemesis.Failed, fmt.Sprintf("at rate %v the clock went from %v to %v off", rate, c.Begin.D(), c.Last.D())
	}
	return nemesis.Applied, ""
}

// judgeMono does so for a monotonic clock, which may have been off before and goes on from what it shows.
func judgeMono(x nemesis.Receipt) (nemesis.Status, string) {
	c, rate := x.Clocks[0], x.Step.Fault.Rate
	strayed := func(from, to spec.Duration, begin, end int64) bool {
		return (to - from).D().Abs() > clockMargin+time.Duration(float64(end-begin)*math.Abs(rate-1))
	}
	switch {
	case len(c.Pids) == 0:
		return nemesis.Failed, "no process was there whose clock could be set"
	case strayed(c.Before, c.Begin, x.BeginFrom, x.Begin):
		return nemesis.Failed, fmt.Sprintf("the clock jumped from %v to %v off at the begin", c.Before.D(), c.Begin.D())
	case c.Killed:
		return nemesis.Applied, ""
	case c.LastPid == 0:
		return nemesis.Failed, "no process was there at the end whose clock could be read"
	case strayed(c.Last, c.After, x.End, x.EndBy):
		return nemesis.Failed, fmt.Sprintf("the clock jumped from %v to %v off at the end", c.Last.D(), c.After.D())
	}
	return judgeRate(x, slices.Contains(c.Pids, c.LastPid))
}

// clockMargin is how much a reading of a clock may be off for being made a moment after the clock was set.
const clockMargin = 100 * time.Millisecond
