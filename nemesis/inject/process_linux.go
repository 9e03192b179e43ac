package inject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command says what to start and as whom. It runs in a process group of its own without groups, capabilities or the means to gain
// any, and dies with this process.
type Command struct {
	Argv                  []string // Argv[0] without a slash is looked up in PATH of Env
	Env                   []string
	Dir                   string // empty: this process's
	UID, GID              int
	Stdin, Stdout, Stderr *os.File // nil: /dev/null
}

// Status says how a process ended: by Signal, or, if that is 0, by exiting with Code.
type Status struct {
	Code   int
	Signal syscall.Signal
	At     int64 // Mono when it was reaped, microseconds after the end
}

func (s Status) String() string {
	if s.Signal != 0 {
		return "killed by " + s.Signal.String()
	}
	return "exited with " + strconv.Itoa(s.Code)
}

// Child is a process that a Supervisor started.
type Child struct {
	pid    int
	done   chan struct{}
	status Status
}

// PID is the process's number in this pid namespace.
func (c *Child) PID() int { return c.pid }

// Done is closed once the child is dead and reaped.
func (c *Child) Done() <-chan struct{} { return c.done }

// Status says how the child ended; it is zero before Done is closed.
func (c *Child) Status() Status {
	select {
	case <-c.done:
		return c.status
	default:
		return Status{}
	}
}

// Supervisor starts, reaps, stops and kills processes as a container's init does: orphans that fall to it are reaped too. It does all
// the waiting of this process: nothing else may start processes (os/exec) while one is open.
type Supervisor struct {
	launcher []string
	forks    chan func() // run on the thread that forks

	mu       sync.Mutex // held over fork and registration, and over reaping: no child is reaped before it is known
	changed  *sync.Cond // a child was started, or closed was set
	children map[int]*Child
	closed   bool
	ended    sync.WaitGroup
}

// NewSupervisor takes the command line that ends up in Launch, such as "/proc/self/exe", "launch".
func NewSupervisor(launcher ...string) *Supervisor {
	s := &Supervisor{launcher: launcher, forks: make(chan func()), children: make(map[int]*Child)}
	s.changed = sync.NewCond(&s.mu)
	s.ended.Go(s.fork)
	s.ended.Go(s.reap)
	return s
}

// fork runs on one thread for as long as the supervisor is open: a child gets its parent-death signal when the thread that forked it
// ends, not when the process does (prctl(2)), and Go ends threads as it likes.
func (s *Supervisor) fork() {
	runtime.LockOSThread()
	for f := range s.forks {
		f()
	}
}

// reap is the one place that waits for processes.
func (s *Supervisor) reap() {
	for {
		// Only looks (WNOWAIT): the wait itself is done under the lock.
		err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil)
		s.mu.Lock()
		if errors.Is(err, unix.ECHILD) && len(s.children) == 0 {
			if s.closed {
				s.mu.Unlock()
				return
			}
			s.changed.Wait()
		}
		s.reapAll()
		s.mu.Unlock()
	}
}

func (s *Supervisor) reapAll() {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if pid <= 0 || err != nil {
			return
		}
		s.settle(pid, ws)
	}
}

// settle notes how a process ended that has just been reaped, if it is one of ours and not an orphan. The lock is held.
func (s *Supervisor) settle(pid int, ws unix.WaitStatus) {
	c := s.children[pid]
	if c == nil {
		return
	}
	delete(s.children, pid)
	c.status = Status{At: Mono()}
	if ws.Signaled() {
		c.status.Signal = ws.Signal()
	} else {
		c.status.Code = ws.ExitStatus()
	}
	close(c.done)
}

// Start starts the command by way of Launch and returns when the command itself has been executed, or why it could not be.
func (s *Supervisor) Start(c Command) (*Child, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("start: no command")
	}
	return s.start(c)
}

func (s *Supervisor) start(c Command) (*Child, error) {
	name := strings.Join(c.Argv, " ")
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer report.Close()
	child, err := s.spawn(c, reportEnd)
	reportEnd.Close()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	// Launch's end closes when it executes the command; before that it may say what went wrong.
	failure, err := io.ReadAll(report)
	if err == nil && len(failure) == 0 {
		return child, nil
	}
	<-child.Done()
	return nil, errors.Join(fmt.Errorf("start %s: %s", name, failure), err)
}

// spawn forks the launcher on the forking thread.
func (s *Supervisor) spawn(c Command, report *os.File) (*Child, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	argv := launchArgs(s.launcher, c)
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}}
	for _, f := range []*os.File{c.Stdin, c.Stdout, c.Stderr, report} {
		if f == nil {
			f = null
		}
		attr.Files = append(attr.Files, f.Fd())
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("supervisor is closed")
	}
	var pid int
	done := make(chan struct{})
	s.forks <- func() {
		defer close(done)
		pid, err = syscall.ForkExec(argv[0], argv, attr)
	}
	<-done
	runtime.KeepAlive(c) // its files, until they are the child's
	if err != nil {
		return nil, fmt.Errorf("fork %s: %w", argv[0], err)
	}
	child := &Child{pid: pid, done: make(chan struct{})}
	s.children[pid] = child
	s.changed.Broadcast()
	return child, nil
}

// Close kills every child with what hangs below it, and returns when all are reaped.
func (s *Supervisor) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_, err := s.KillOthers(ctx)
	s.changed.Broadcast()
	close(s.forks)
	if err != nil {
		return err // the reaper waits for what did not die
	}
	s.ended.Wait()
	return nil
}
