package inject

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tracee is a thread that ptrace holds, and the signal that it was about to receive.
type tracee struct {
	tid    int
	signal syscall.Signal
}

// standstill calls do while every thread of the process is held at a place that is clear. It tries until that is so: a thread is in
// the way for some nanoseconds, unless it was interrupted right there.
//
// The supervisor reaps nothing meanwhile: to the kernel a thread held by ptrace has something to say to whoever waits.
func (s *Supervisor) standstill(pid int, clear func(pc uint64) bool, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	runtime.LockOSThread() // ptrace knows its tracer by the thread
	defer runtime.UnlockOSThread()
	for range standstillTries {
		held, err := s.hold(pid)
		if err == nil && allClear(held, clear) {
			err = do()
			return errors.Join(err, letGo(held))
		}
		if err := errors.Join(err, letGo(held)); err != nil {
			return err
		}
		time.Sleep(standstillPause)
	}
	return errors.New("a thread never left the first instructions of the vDSO's functions")
}

// hold seizes and stops every thread, until a look finds no new one: what a thread started before it was held is in the next look.
func (s *Supervisor) hold(pid int) (held []tracee, err error) {
	seen := map[int]bool{}
	for {
		tasks, err := readStats(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return held, err
		}
		fresh := false
		for _, t := range tasks {
			if seen[t.pid] || t.state == 'Z' || t.state == 'X' {
				continue
			}
			if t.state == 'T' {
				return held, ErrPaused
			}
			seen[t.pid], fresh = true, true
			x, ok, err := s.seize(t.pid)
			if err != nil {
				return held, err
			}
			if ok {
				held = append(held, x)
			}
		}
		if !fresh {
			return held, nil
		}
	}
}

// seize stops one thread; ok is false if it has ended.
func (s *Supervisor) seize(tid int) (x tracee, ok bool, err error) {
	if err := unix.PtraceSeize(tid); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return x, false, nil
		}
		return x, false, fmt.Errorf("ptrace thread %d: %w", tid, os.NewSyscallError("seize", err))
	}
	if err := unix.PtraceInterrupt(tid); err != nil && !errors.Is(err, unix.ESRCH) {
		return x, false, fmt.Errorf("interrupt thread %d: %w", tid, err)
	}
	var ws unix.WaitStatus
	for {
		_, err = unix.Wait4(tid, &ws, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, unix.ECHILD):
		return x, false, nil
	case err != nil:
		return x, false, fmt.Errorf("wait for thread %d: %w", tid, err)
	case !ws.Stopped():
		s.settle(tid, ws)
		return x, false, nil
	}
	x.tid = tid
	// Either it stopped because we asked, or a signal came first, which must not be lost.
	if ws>>16 != unix.PTRACE_EVENT_STOP {
		x.signal = ws.StopSignal()
	}
	return x, true, nil
}

func allClear(held []tracee, clear func(pc uint64) bool) bool {
	for _, t := range held {
		var r unix.PtraceRegs
		if err := unix.PtraceGetRegs(t.tid, &r); err == nil && !clear(r.Rip) {
			return false
		}
	}
	return true
}

// letGo has all threads go on as if nothing had been. One that was killed meanwhile is no error.
func letGo(held []tracee) error {
	var errs []error
	for _, t := range held {
		_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(t.tid), 0, uintptr(t.signal), 0, 0)
		if e != 0 && e != unix.ESRCH {
			errs = append(errs, fmt.Errorf("let thread %d go: %w", t.tid, e))
		}
	}
	return errors.Join(errs...)
}
