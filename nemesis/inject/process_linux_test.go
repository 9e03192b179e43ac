package inject

import (
	"context"
	"iter"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func lines(b []byte) iter.Seq[string] { return strings.Lines(string(b)) }

func TestStatusOfAChild(t *testing.T) {
	s := supervise(t)
	for _, c := range []struct {
		script string
		want   Status
		text   string
	}{
		{"exit 0", Status{}, "exited with 0"},
		{"exit 7", Status{Code: 7}, "exited with 7"},
		{"kill -9 $$", Status{Signal: syscall.SIGKILL}, "killed by killed"},
		{"kill -15 $$", Status{Signal: syscall.SIGTERM}, "killed by terminated"},
	} {
		before := Mono()
		cmd := helper()
		cmd.Argv = []string{"sh", "-c", c.script} // found in PATH
		child, err := s.Start(cmd)
		require.NoError(t, err)
		<-child.Done()
		got := child.Status()
		require.Greater(t, got.At, before)
		require.LessOrEqual(t, got.At, Mono())
		got.At = 0
		require.Equal(t, c.want, got)
		require.Equal(t, c.text, got.String())
	}
}

func TestCommandGetsDirectoryEnvironmentAndStreamsOnly(t *testing.T) {
	s := supervise(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = w.WriteString("input")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	cmd := helper()
	cmd.Argv = []string{"sh", "-c", "pwd; env | grep -v ^_= | sort; ls /proc/self/fd | tr '\\n' ' '; cat"}
	cmd.Dir, cmd.Env, cmd.Stdin = "/usr", []string{"A=1", "PATH=/usr/bin:/bin"}, r
	_, out := startLines(t, s, cmd)
	var got []string
	for out.Scan() {
		got = append(got, out.Text())
	}
	require.NoError(t, r.Close())
	got = slices.DeleteFunc(got, func(l string) bool { return strings.HasPrefix(l, "OLDPWD") })
	require.Equal(t, []string{"/usr", "A=1", "PATH=/usr/bin:/bin", "PWD=/usr", "0 1 2 3 input"}, got, "3 is the directory that ls reads")
}

func TestStartSaysWhyTheCommandDoesNotRun(t *testing.T) {
	s := supervise(t)
	for want, argv := range map[string][]string{
		"no such file":       {"/no/such/program"},
		"not found in $PATH": {"no-such-program"},
		"permission denied":  {"/etc/passwd"},
		"no command":         nil,
	} {
		cmd := helper()
		cmd.Argv, cmd.Stderr = argv, nil
		_, err := s.Start(cmd)
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, s.children)
}

func TestStartAfterCloseFails(t *testing.T) {
	s := NewSupervisor("/proc/self/exe", "launch")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err := s.Start(helper("wait"))
	require.ErrorContains(t, err, "closed")
	goleak.VerifyNone(t)
}

func TestCloseKillsWhatIsLeft(t *testing.T) {
	s := NewSupervisor("/proc/self/exe", "launch")
	child, _ := startReady(t, s, helper("wait"))
	require.NoError(t, s.Close())
	<-child.Done()
	require.Equal(t, syscall.SIGKILL, child.Status().Signal)
	goleak.VerifyNone(t)
}

// As a subreaper this process gets orphans as a container's init does.
func TestOrphansAreReapedAndStatusesAreNotStolen(t *testing.T) {
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	defer func() { require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)) }()
	s := supervise(t)
	for range 5 {
		child, out := startLines(t, s, helper("orphan"))
		require.True(t, out.Scan())
		pid, err := strconv.Atoi(out.Text())
		require.NoError(t, err)
		<-child.Done()
		require.Zero(t, child.Status().Code)
		eventually(t, "orphan falls to us", func() bool {
			ps, err := only(pid)()
			return err == nil && len(ps) == 1 && ps[0].parent == os.Getpid()
		})
		kill9(t, pid)
		eventually(t, "orphan is reaped", func() bool {
			ps, err := only(pid)()
			return err == nil && len(ps) == 0
		})
	}
}

func TestChildDiesWithItsParent(t *testing.T) {
	s := supervise(t)
	child, word := startReady(t, s, helper("parent"))
	grandchild, err := strconv.Atoi(word)
	require.NoError(t, err)
	require.False(t, gone(grandchild))
	kill9(t, child.PID())
	<-child.Done()
	eventually(t, "grandchild dies", func() bool { return gone(grandchild) })
}

func TestKillOthersTakesTheTreeButTheExceptions(t *testing.T) {
	s := supervise(t)
	a, _ := startReady(t, s, helper("wait"))
	b, word := startReady(t, s, helper("parent"))
	grandchild, err := strconv.Atoi(word)
	require.NoError(t, err)
	spared, _ := startReady(t, s, helper("wait"))
	k, err := s.KillOthers(within(t), spared.PID())
	require.NoError(t, err)
	want := []int{a.PID(), b.PID(), grandchild}
	slices.Sort(want)
	require.Equal(t, want, k.PIDs)
	require.Less(t, k.Start, k.End)
	<-a.Done()
	<-b.Done()
	require.True(t, gone(grandchild))
	require.False(t, gone(spared.PID()))
	again, err := s.KillOthers(within(t), spared.PID())
	require.NoError(t, err)
	require.Empty(t, again.PIDs)
}

func TestPauseStopsEveryThreadUntilResume(t *testing.T) {
	s := supervise(t)
	child, _ := startReady(t, s, helper("busy", "6"))
	p, err := s.Pause(within(t))
	require.NoError(t, err)
	require.GreaterOrEqual(t, p.Threads, 7)
	require.Equal(t, 1, p.Processes)
	require.Less(t, p.Start, p.End)
	require.Equal(t, map[string]int{"T": p.Threads}, states(t, child.PID()))

	again, err := s.Pause(within(t))
	require.NoError(t, err)
	require.Equal(t, []int{p.Processes, p.Threads}, []int{again.Processes, again.Threads})

	r, err := s.Resume(within(t))
	require.NoError(t, err)
	require.Equal(t, 1, r.Processes)
	require.GreaterOrEqual(t, r.Threads, p.Threads)
	require.NotContains(t, states(t, child.PID()), "T")

	_, err = s.Pause(within(t))
	require.NoError(t, err)
	k, err := s.KillOthers(within(t))
	require.NoError(t, err)
	require.Equal(t, []int{child.PID()}, k.PIDs, "a paused child can be killed")
	<-child.Done()
	require.Equal(t, syscall.SIGKILL, child.Status().Signal)
}

func TestPauseOfProcessesThatFork(t *testing.T) {
	s := supervise(t)
	startReady(t, s, helper("forker"))
	for range 30 {
		_, err := s.Pause(within(t))
		require.NoError(t, err)
		ps, err := others(nil)()
		require.NoError(t, err)
		for _, p := range ps {
			if !p.dead() {
				require.Equal(t, []string{"T"}, slices.Collect(maps.Keys(states(t, p.pid))))
			}
		}
		_, err = s.Resume(within(t))
		require.NoError(t, err)
	}
}

func TestPauseThatIsGivenUpLeavesNothingStopped(t *testing.T) {
	s := supervise(t)
	child, _ := startReady(t, s, helper("busy", "2"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Pause(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, states(t, child.PID()), "T")
}

func TestPauseOfNothing(t *testing.T) {
	s := supervise(t)
	p, err := s.Pause(within(t))
	require.NoError(t, err)
	require.Zero(t, p.Processes)
	r, err := s.Resume(within(t))
	require.NoError(t, err)
	require.Zero(t, r.Processes)
}

func BenchmarkPauseResume(b *testing.B) {
	s := NewSupervisor("/proc/self/exe", "launch")
	defer s.Close()
	if _, err := s.Start(helper("wait")); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for b.Loop() {
		if _, err := s.Pause(ctx); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Resume(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStartKill(b *testing.B) {
	s := NewSupervisor("/proc/self/exe", "launch")
	defer s.Close()
	for b.Loop() {
		if _, err := s.Start(helper("wait")); err != nil {
			b.Fatal(err)
		}
		if _, err := s.KillOthers(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
