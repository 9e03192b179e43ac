package participant

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
)

// signal fires once: a closed channel. It is a coord.Signal and an env.Cond.
type signal struct {
	ch   chan struct{}
	once sync.Once
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

func firedSignal() *signal {
	s := newSignal()
	s.Fire()
	return s
}

// Fire wakes whoever waits, now and later. Any goroutine may call it.
func (s *signal) Fire() { s.once.Do(func() { close(s.ch) }) }

// Fired tells whether Fire was called.
func (s *signal) Fired() bool {
	select {
	case <-s.ch:
		return true
	default:
		return false
	}
}

// deadline is a signal that fires by the clock. It owns no timer: whoever waits for it brings one and stops it again,
// so a deadline that nobody waits for any more costs nothing.
type deadline struct{ at time.Time }

// Fired tells whether the deadline has passed by the monotonic clock.
func (d deadline) Fired() bool { return !time.Now().Before(d.at) }

// Wait gives the token away until a signal has fired or the node stops.
func (e *environment) Wait(signals ...coord.Signal) (int, error) {
	for {
		if e.port.stopped() {
			return 0, env.ErrStopped
		}
		if i := slices.IndexFunc(signals, coord.Signal.Fired); i >= 0 {
			return i, nil
		}
		e.away(func() { e.port.block(signals) })
	}
}

// block returns when any of the signals has fired, when the node stops, and sometimes a little too early: a deadline
// is looked up again by whoever waits.
func (p *port) block(signals []coord.Signal) {
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(p.stop.ch)}}
	var first time.Time
	for _, s := range signals {
		switch s := s.(type) {
		case *signal:
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(s.ch)})
		case deadline:
			if first.IsZero() || s.at.Before(first) {
				first = s.at
			}
		default:
			panic("Wait: a signal that is not of this env")
		}
	}
	if !first.IsZero() {
		t := time.NewTimer(time.Until(first))
		defer t.Stop()
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(t.C)})
	}
	reflect.Select(cases)
}
