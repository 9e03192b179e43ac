package agent

import (
	"context"
	"errors"
	"syscall"
	"time"

	"riven/nemesis"
	"riven/nemesis/inject"
)

// faultLimit is how long one fault may take to have its effect.
const faultLimit = 5 * time.Second

// expiry undoes a fault that the harness has forgotten.
type expiry struct{ timer *time.Timer }

func (e *expiry) stop() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// expire has undo done after ttl (ms, 0 never), unless e is stopped or set anew before. The faults' lock is held here and in undo.
func (a *agent) expire(e *expiry, cmd string, ttl int64, undo func(context.Context) (from, to int64, err error)) {
	e.stop()
	if ttl <= 0 {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(time.Duration(ttl)*time.Millisecond, func() {
		a.faults.Lock()
		defer a.faults.Unlock()
		if e.timer != t {
			return
		}
		e.timer = nil
		ctx, cancel := context.WithTimeout(a.ctx, faultLimit)
		defer cancel()
		from, to, err := undo(ctx)
		a.out.say(Message{Expired: &Expired{Cmd: cmd, From: from, To: to, Error: problem(err)}})
	})
	e.timer = t
}

// kill ends every process of the node but the agent. When it returns the child's Exit has been said.
func (a *agent) kill(ctx context.Context) (Process, inject.Killed, error) {
	c := a.current()
	k, err := a.processes.KillOthers(ctx)
	if err != nil {
		return Process{}, k, err
	}
	a.pauseTTL.stop()
	a.freeze(false)
	p := Process{Gone: true}
	if c != nil {
		p.Pid = c.proc.PID()
		select {
		case <-c.gone:
		case <-ctx.Done():
			return p, k, ctx.Err()
		}
	}
	return p, k, nil
}

// pause stops every thread of the node but the agent's. When it returns all that the child had said has been relayed.
func (a *agent) pause(ctx context.Context, ttl int64) (Process, inject.Paused, error) {
	c := a.current()
	if c == nil {
		return Process{}, inject.Paused{}, errors.New("no child runs")
	}
	a.freeze(true)
	p, err := a.processes.Pause(ctx)
	if err != nil {
		a.pauseTTL.stop()
		a.freeze(false)
		return Process{}, p, err
	}
	if c.out != nil {
		c.out.drain()
	}
	a.expire(&a.pauseTTL, CmdPause, ttl, func(ctx context.Context) (int64, int64, error) {
		_, r, err := a.resume(ctx)
		return r.Start, r.End, err
	})
	return Process{Pid: c.proc.PID(), Threads: p.Threads}, p, nil
}

func (a *agent) resume(ctx context.Context) (Process, inject.Paused, error) {
	p, err := a.processes.Resume(ctx)
	if err != nil {
		return Process{}, p, err
	}
	a.pauseTTL.stop()
	a.freeze(false)
	out := Process{Resumed: true}
	if c := a.current(); c != nil {
		out.Pid = c.proc.PID()
	}
	return out, p, nil
}

func (a *agent) freeze(on bool) {
	a.paused.Store(on)
	a.relay.pause(on)
}

func (a *agent) cut(peers []string, ttl int64) error {
	if err := a.net.cut(peers); err != nil {
		return err
	}
	a.expire(&a.cutTTL, CmdCut, ttl, func(context.Context) (int64, int64, error) {
		from := inject.Mono()
		err := a.net.cut(nil)
		return from, inject.Mono(), err
	})
	return nil
}

// fire carries an armed fault out.
func (a *agent) fire(f *firing) {
	select {
	case <-time.After(time.Duration(f.After)):
	case <-a.ctx.Done():
		return
	}
	a.faults.Lock()
	defer a.faults.Unlock()
	if !a.relay.stillOn(f) {
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, faultLimit)
	defer cancel()
	out := Fired{Fault: f.Fault, Hold: f.hold}
	gone, err := a.hit(ctx, f, &out)
	out.Late = a.relay.settle(f) || gone
	out.Error = problem(err)
	a.out.say(Message{Fired: &out})
}

// hit applies f to the child that caused it, and tells whether that had ended before by itself, or stands still already.
func (a *agent) hit(ctx context.Context, f *firing, out *Fired) (gone bool, err error) {
	if a.current() != f.child || a.paused.Load() {
		out.From = inject.Mono()
		out.To = out.From
		return true, nil
	}
	switch nemesis.Kind(f.Kind) {
	case nemesis.Kill:
		var k inject.Killed
		out.Process, k, err = a.kill(ctx)
		out.From, out.To = k.Start, k.End
		return err == nil && f.child.proc.Status().Signal != syscall.SIGKILL, err
	case nemesis.Pause:
		var p inject.Paused
		out.Process, p, err = a.pause(ctx, f.TTL)
		out.From, out.To = p.Start, p.End
		return false, err
	}
	return false, errors.New("only kill and pause can be armed, not " + f.Kind)
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
