package agent

import (
	"cmp"
	"context"
	"errors"
	"time"

	"riven/nemesis/inject"
)

// monoRate is at which rate monotonic clocks run that are not to run at the true one.
type monoRate struct {
	rate float64 // 0: the true one
	ttl  expiry
	calm context.CancelFunc // ends the waking of processes under a fast clock
}

// stop forgets the rate, which nobody is to be given any more.
func (m *monoRate) stop() {
	m.ttl.stop()
	if m.calm != nil {
		m.calm()
	}
	m.rate, m.calm = 0, nil
}

// urgeEvery is how late a timer under a fast monotonic clock may be.
const urgeEvery = 10 * time.Millisecond

// setMonoRate has the monotonic clocks of all processes of the node, and of those that are started later, run at the rate.
func (a *agent) setMonoRate(rate float64, ttl int64) (Clocks, inject.Skewed, error) {
	if rate != 1 && a.current() == nil {
		return Clocks{}, inject.Skewed{}, errors.New("no child runs")
	}
	before, err := a.processes.MonoClocks()
	if err != nil {
		return Clocks{}, before, err
	}
	now, err := a.processes.SetMonoRate(rate)
	if err != nil {
		if rate != 1 { // some may have it already
			_, back := a.processes.SetMonoRate(cmp.Or(a.mono.rate, 1))
			err = errors.Join(err, back)
		}
		return Clocks{}, now, err
	}
	a.mono.stop()
	if rate != 1 {
		a.mono.rate = rate
		a.expire(&a.mono.ttl, CmdMono, ttl, func(context.Context) (int64, int64, error) {
			_, s, err := a.setMonoRate(1, 0)
			return s.Start, s.End, err
		})
	}
	if rate > 1 {
		var ctx context.Context
		ctx, a.mono.calm = context.WithCancel(a.ctx)
		a.spawn(func() { a.urge(ctx) })
	}
	return Clocks{Pids: now.PIDs, Before: int64(before.Offset), Now: int64(now.Offset)}, now, nil
}

// urge wakes the processes again and again: see inject.Supervisor.Urge.
func (a *agent) urge(ctx context.Context) {
	tick := time.NewTicker(urgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = a.processes.Urge() // whom it did not find is woken the next time
		}
	}
}
