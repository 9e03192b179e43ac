package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"riven/nemesis/inject"
)

// setClock makes this the wall clock of every process of the node, and of those that are started later.
func (a *agent) setClock(want *Clock, ttl int64) (Clocks, inject.Skewed, error) {
	skew := inject.Skew{}
	if want != nil {
		if a.current() == nil {
			return Clocks{}, inject.Skewed{}, errors.New("no child runs")
		}
		var err error
		if skew, err = inject.NewSkew(time.Duration(want.Offset), want.Rate); err != nil {
			return Clocks{}, inject.Skewed{}, err
		}
	}
	before, unread := a.processes.Clocks()
	if unread != nil && want != nil {
		return Clocks{}, before, unread
	}
	now, err := a.processes.SetClocks(skew)
	if err != nil && want != nil { // some may have it already
		_, back := a.processes.SetClocks(a.clock)
		err = errors.Join(err, back)
	}
	if err := errors.Join(unread, err); err != nil {
		return Clocks{}, now, err
	}
	a.clock = skew
	a.clockTTL.stop()
	if want != nil {
		a.expire(&a.clockTTL, CmdClock, ttl, func(context.Context) (int64, int64, error) {
			_, s, err := a.setClock(nil, 0)
			return s.Start, s.End, err
		})
	}
	return Clocks{Pids: now.PIDs, Before: int64(before.Offset), Now: int64(now.Offset)}, now, nil
}

// skewAgain is for a process that was just started: the kernel gave it a page of its own with true clocks.
func (a *agent) skewAgain() error {
	if a.clock != (inject.Skew{}) {
		if _, err := a.processes.SetClocks(a.clock); err != nil {
			return fmt.Errorf("clock of the new process: %w", err)
		}
	}
	if a.mono.rate != 0 {
		if _, err := a.processes.SetMonoRate(a.mono.rate); err != nil {
			return fmt.Errorf("monotonic rate of the new process: %w", err)
		}
	}
	return nil
}
