package inject

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Killed says which processes a kill ended.
type Killed struct {
	PIDs       []int
	Start, End int64 // Mono before the first SIGKILL and when all were seen gone
}

// Paused says what was stopped, or runs again.
type Paused struct {
	Processes, Threads int
	Start, End         int64 // Mono before the first signal and when every thread had been read back
}

const (
	lookEvery  = 200 * time.Microsecond // between two looks at /proc
	pauseRound = 100 * time.Millisecond // see pause
	closeLimit = 10 * time.Second
)

// KillOthers kills every process of the pid namespace but this one (outside a container, where this is not PID 1: every process below
// it) and the exceptions, and returns when all are gone and, where they are ours, reaped. Paused processes are killed too.
func (s *Supervisor) KillOthers(ctx context.Context, except ...int) (Killed, error) {
	return kill(ctx, others(except))
}

func kill(ctx context.Context, set processSet) (Killed, error) {
	k := Killed{Start: Mono()}
	seen := make(map[int]bool)
	err := poll(ctx, func() (bool, error) {
		ps, err := set()
		if err != nil {
			return false, err
		}
		for _, p := range ps {
			seen[p.pid] = true
		}
		return len(ps) == 0, signalAll(ps, unix.SIGKILL)
	})
	k.End, k.PIDs = Mono(), slices.Sorted(maps.Keys(seen))
	if err != nil {
		return k, fmt.Errorf("kill processes %v: %w", k.PIDs, err)
	}
	return k, nil
}

// Pause stops the processes that KillOthers would kill and returns when every thread of each has been read back as stopped and no
// new one has appeared since. After an error everything runs again.
func (s *Supervisor) Pause(ctx context.Context, except ...int) (Paused, error) {
	return pause(ctx, others(except))
}

// pause works in rounds: a process in vfork can not stop before its child has gone on, so where that child was stopped first, both
// must run again for a moment.
func pause(ctx context.Context, set processSet) (Paused, error) {
	start := Mono()
	for {
		round, cancel := context.WithTimeout(ctx, pauseRound)
		p, err := stopAll(round, set)
		cancel()
		if err == nil {
			p.Start = start
			return p, nil
		}
		if rerr := release(ctx, set); rerr != nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return Paused{}, errors.Join(fmt.Errorf("pause: %w", err), rerr)
		}
	}
}

// release undoes a failed round, also when the caller has given up.
func release(ctx context.Context, set processSet) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	_, err := resume(ctx, set)
	return err
}

// stopAll succeeds after two looks in a row that found the same processes with every thread stopped: what a running process forked
// after the first look had listed the processes is in the second, and stopped ones fork nothing.
func stopAll(ctx context.Context, set processSet) (Paused, error) {
	var p Paused
	var before []int
	var left []procStat
	err := poll(ctx, func() (bool, error) {
		ps, err := set()
		if err != nil {
			return false, err
		}
		now, running, err := look(ps)
		if err != nil {
			return false, err
		}
		if left = running; len(running) > 0 {
			before = nil
			return false, signalAll(running, unix.SIGSTOP)
		}
		stable := before != nil && slices.Equal(before, now.pids)
		before = now.pids
		p = Paused{Processes: len(now.pids), Threads: now.threads, End: Mono()}
		return stable, nil
	})
	if err != nil {
		return p, fmt.Errorf("not stopped %v: %w", left, err)
	}
	return p, nil
}

// Resume lets the processes run again that Pause stopped, and returns when no thread is stopped any more.
func (s *Supervisor) Resume(ctx context.Context, except ...int) (Paused, error) {
	return resume(ctx, others(except))
}

func resume(ctx context.Context, set processSet) (Paused, error) {
	p := Paused{Start: Mono()}
	first := true // also those that a stop signal has not reached yet
	err := poll(ctx, func() (bool, error) {
		ps, err := set()
		if err != nil {
			return false, err
		}
		now, _, err := look(ps)
		if err != nil {
			return false, err
		}
		if first || now.stopped > 0 {
			first = false
			return false, signalAll(ps, unix.SIGCONT)
		}
		p.Processes, p.Threads, p.End = len(now.pids), now.threads, Mono()
		return true, nil
	})
	if err != nil {
		return p, fmt.Errorf("resume: %w", err)
	}
	return p, nil
}

// glance is one look at the threads of a list of processes.
type glance struct {
	pids             []int // that have not ended, sorted
	threads, stopped int
}

// look counts threads and returns the processes of which not all are stopped. Dying threads count for nothing.
func look(ps []procStat) (g glance, running []procStat, err error) {
	for _, p := range ps {
		tasks, err := readStats(fmt.Sprintf("/proc/%d/task", p.pid))
		if vanished(err) {
			continue
		}
		if err != nil {
			return g, nil, err
		}
		threads, stopped := 0, 0
		for _, t := range tasks {
			switch t.state {
			case 'Z', 'X':
			case 'T':
				stopped++
				threads++
			default:
				threads++
			}
		}
		if threads == 0 {
			continue
		}
		g.pids = append(g.pids, p.pid)
		g.threads += threads
		g.stopped += stopped
		if stopped < threads {
			running = append(running, p)
		}
	}
	slices.Sort(g.pids)
	if g.pids == nil {
		g.pids = []int{} // nil means "not looked" to stopAll
	}
	return g, running, nil
}

func signalAll(ps []procStat, sig syscall.Signal) error {
	for _, p := range ps {
		if err := unix.Kill(p.pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("send %v to process %d: %w", sig, p.pid, err)
		}
	}
	return nil
}

// poll looks until it is satisfied, fails or the context ends.
func poll(ctx context.Context, look func() (bool, error)) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
		}
		if ok, err := look(); ok || err != nil {
			return err
		}
		wait.Reset(lookEvery)
	}
}
