package inject

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func init() { helpers["clock"] = clock }

// clock reads its clocks on as many threads as its argument says, as fast as it can. For every line on stdin it says by how many ns
// its wall clock is ahead of the kernel's, and how often a monotonic reading went back.
func clock(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var backwards atomic.Int64
	begin := time.Now()
	for range n {
		go func() {
			for last := time.Since(begin); ; {
				now := time.Since(begin)
				if now < last {
					backwards.Add(1)
				}
				last = now
			}
		}()
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println(time.Now().UnixNano()-wall(), backwards.Load())
	}
	return in.Err()
}

// dial is a child of the clock kind.
type dial struct {
	*Child
	ask *os.File
	say *bufio.Scanner
}

func startClock(t *testing.T, s *Supervisor, threads int) dial {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	c := helper("clock", strconv.Itoa(threads))
	c.Stdin = r
	child, lines := startLines(t, s, c)
	r.Close()
	return dial{child, w, lines}
}

// ahead is by how much the child says that its wall clock is ahead.
func (d dial) ahead(t *testing.T) time.Duration {
	t.Helper()
	_, err := d.ask.WriteString("\n")
	require.NoError(t, err)
	require.True(t, d.say.Scan(), "child ended: %v", d.Status())
	var ns, backwards int64
	_, err = fmt.Sscan(d.say.Text(), &ns, &backwards)
	require.NoError(t, err)
	require.Zero(t, backwards, "monotonic readings that went back")
	return time.Duration(ns)
}

// near allows for the time between two readings; the skews of the tests are far longer.
func near(t *testing.T, want, got time.Duration) {
	t.Helper()
	require.InDelta(t, want.Seconds(), got.Seconds(), 5)
}

func set(t *testing.T, s *Supervisor, offset time.Duration, rate float64) Skewed {
	t.Helper()
	skew, err := NewSkew(offset, rate)
	require.NoError(t, err)
	got, err := s.SetClocks(skew)
	require.NoError(t, err)
	return got
}

func TestWallClockOfARunningProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 2)
	near(t, 0, d.ahead(t))
	for _, offset := range []time.Duration{time.Hour, -24 * time.Hour, 90 * time.Second, 0, time.Hour, 0} {
		got := set(t, s, offset, 1)
		require.Equal(t, []int{d.PID()}, got.PIDs)
		require.Equal(t, offset, got.Offset)
		near(t, offset, d.ahead(t))
		read, err := s.Clocks()
		require.NoError(t, err)
		require.Equal(t, []any{got.PIDs, offset}, []any{read.PIDs, read.Offset})
	}
	v, err := openVDSO(d.PID())
	require.NoError(t, err)
	defer v.mem.Close()
	led, err := v.patched()
	require.NoError(t, err)
	require.False(t, led, "the kernel's own code is back")
}

func TestWallRateOfARunningProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 1)
	set(t, s, 0, 100)
	eventually(t, "a clock that is a hundred times as fast gains half a minute", func() bool { return d.ahead(t) > 30*time.Second })
	set(t, s, 0, 0)
	eventually(t, "a clock that stands still loses", func() bool { return d.ahead(t) < -100*time.Millisecond })
}

func TestClockOfAPausedProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 1)
	_, err := s.Pause(within(t))
	require.NoError(t, err)
	skew, err := NewSkew(time.Hour, 1)
	require.NoError(t, err)
	_, err = s.SetClocks(skew)
	require.ErrorIs(t, err, ErrPaused)
	_, err = s.Resume(within(t))
	require.NoError(t, err)
	near(t, 0, d.ahead(t))

	set(t, s, time.Hour, 1)
	_, err = s.Pause(within(t))
	require.NoError(t, err)
	require.Zero(t, set(t, s, 0, 1).Offset, "back to the truth while it stands still")
	_, err = s.Resume(within(t))
	require.NoError(t, err)
	near(t, 0, d.ahead(t))
}

var cycles = flag.Int("cycles", 20, "how often a busy process is patched and restored")

func TestPatchAndRestoreOfABusyProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 4)
	for range *cycles {
		set(t, s, time.Hour, 1)
		near(t, time.Hour, d.ahead(t))
		set(t, s, 0, 1)
		near(t, 0, d.ahead(t))
	}
}

func TestChildThatDiesUnderAClockIsReaped(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 2)
	set(t, s, time.Hour, 1)
	kill9(t, d.PID())
	<-d.Done()
	require.Equal(t, "killed by killed", d.Status().String())
	require.Empty(t, set(t, s, 0, 1).PIDs)
}
