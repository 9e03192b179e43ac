package inject

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test binary is its own helper: with one of these as its first argument it is a process under test instead.
var helpers = map[string]func(args []string) error{
	"launch": Launch,
	"wait":   func([]string) error { return sayAndWait("ready") },
	"busy":   busy,
	"orphan": orphan,
	"forker": forker,
	"true":   func([]string) error { return nil },
	"parent": parent,
	"stall":  stall,
	"owner":  owner,
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if f := helpers[os.Args[1]]; f != nil {
			if err := f(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func sayAndWait(word any) error {
	fmt.Println(word)
	for {
		time.Sleep(time.Hour)
	}
}

// busy spins on as many threads as its argument says, on one processor.
func busy(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(n + 1)
	var one unix.CPUSet
	var have unix.CPUSet
	if err := unix.SchedGetaffinity(0, &have); err != nil {
		return err
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if have.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	started := make(chan error)
	for range n {
		go func() {
			runtime.LockOSThread()
			started <- unix.SchedSetaffinity(0, &one)
			for i := 0; ; i++ {
			}
		}()
		if err := <-started; err != nil {
			return err
		}
	}
	return sayAndWait("ready")
}

// orphan leaves a process behind and says its number.
func orphan([]string) error {
	c := exec.Command("/proc/self/exe", "wait")
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Println(c.Process.Pid)
	return nil
}

// forker starts short processes on two threads at once, without end.
func forker([]string) error {
	for range 2 {
		go func() {
			for {
				if err := exec.Command("/proc/self/exe", "true").Run(); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		}()
	}
	return sayAndWait("ready")
}

// parent supervises a child and says its number.
func parent([]string) error {
	c, err := NewSupervisor("/proc/self/exe", "launch").Start(helper("wait"))
	if err != nil {
		return err
	}
	return sayAndWait(c.PID())
}

// stall prints what a watch sees.
func stall([]string) error {
	WatchStalls(50*time.Millisecond, func(s Stall) { fmt.Println(s.What, s.Start, s.End, int64(s.By)) })
	return sayAndWait("ready")
}

// owner cuts a peer off and waits to be killed.
func owner(args []string) error {
	p, err := OpenPartition()
	if err != nil {
		return err
	}
	if err := p.Cut(State{In: []netip.Addr{netip.MustParseAddr(args[0])}}); err != nil {
		return err
	}
	return sayAndWait("ready")
}

// helper is the command that runs the helper as ourselves.
func helper(args ...string) Command {
	return Command{Argv: append([]string{"/proc/self/exe"}, args...), Env: os.Environ(), UID: os.Getuid(), GID: os.Getgid(), Stderr: os.Stderr}
}

func supervise(t *testing.T) *Supervisor {
	s := NewSupervisor("/proc/self/exe", "launch")
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// startLines starts the command and gives its output line by line; it ends with the child.
func startLines(t *testing.T, s *Supervisor, c Command) (*Child, *bufio.Scanner) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	c.Stdout = w
	child, err := s.Start(c)
	w.Close()
	require.NoError(t, err)
	return child, bufio.NewScanner(r)
}

// startReady waits for the child's first line, and returns it.
func startReady(t *testing.T, s *Supervisor, c Command) (*Child, string) {
	child, lines := startLines(t, s, c)
	require.True(t, lines.Scan(), "child ended without a word: %v", child.Status())
	return child, lines.Text()
}

// within bounds a wait for something that must happen.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	require.NoError(t, poll(within(t), func() (bool, error) { return look(), nil }), what)
}

func gone(pid int) bool {
	ps, err := only(pid)()
	return err == nil && (len(ps) == 0 || ps[0].dead())
}

// states are those of every thread of a process, read apart from the code under test.
func states(t *testing.T, pid int) map[string]int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	out := make(map[string]int)
	for _, e := range tasks {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, e.Name()))
		require.NoError(t, err)
		for line := range lines(b) {
			var state string
			if n, _ := fmt.Sscanf(line, "State:\t%s", &state); n == 1 {
				out[state]++
			}
		}
	}
	return out
}

func kill9(t *testing.T, pid int) { require.NoError(t, syscall.Kill(pid, syscall.SIGKILL)) }
