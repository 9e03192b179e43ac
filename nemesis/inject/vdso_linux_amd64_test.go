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
// its wall clock and its monotonic clock are ahead of the kernel's, how often a monotonic reading went back, and how many of its
// seconds it has slept through.
func clock(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var backwards, slept atomic.Int64
	trueBegin, begin := Mono(), time.Now()
	go func() {
		for range time.Tick(time.Second) {
			slept.Add(1)
		}
	}()
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
		fmt.Println(time.Now().UnixNano()-wall(), int64(time.Since(begin))-(Mono()-trueBegin), backwards.Load(), slept.Load())
	}
	return in.Err()
}

// clockChild is a child of the clock kind.
type clockChild struct {
	*Child
	ask *os.File
	say *bufio.Scanner
}

func startClock(t *testing.T, s *Supervisor, threads int) clockChild {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	c := helper("clock", strconv.Itoa(threads))
	c.Stdin = r
	child, lines := startLines(t, s, c)
	r.Close()
	return clockChild{child, w, lines}
}

// said is what the child says of its clocks.
type said struct {
	wall, mono time.Duration // ahead
	seconds    int           // slept through
}

func (d clockChild) said(t *testing.T) said {
	t.Helper()
	_, err := d.ask.WriteString("\n")
	require.NoError(t, err)
	require.True(t, d.say.Scan(), "child ended: %v", d.Status())
	var s said
	var backwards int64
	_, err = fmt.Sscan(d.say.Text(), (*int64)(&s.wall), (*int64)(&s.mono), &backwards, &s.seconds)
	require.NoError(t, err)
	require.Zero(t, backwards, "monotonic readings that went back")
	return s
}

// ahead is by how much the child says that its wall clock is ahead.
func (d clockChild) ahead(t *testing.T) time.Duration {
	t.Helper()
	return d.said(t).wall
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

func setMono(t *testing.T, s *Supervisor, rate float64) Skewed {
	t.Helper()
	got, err := s.SetMonoRate(rate)
	require.NoError(t, err)
	return got
}

// kept is that the child's monotonic clock stays as far ahead as was read, to the nanosecond, and that it says so itself.
func (d clockChild) kept(t *testing.T, s *Supervisor, ahead time.Duration) {
	t.Helper()
	for range 3 {
		read, err := s.MonoClocks()
		require.NoError(t, err)
		require.Equal(t, ahead, read.Offset)
	}
	eventually(t, "the child says so too", func() bool { return (d.said(t).mono - ahead).Abs() < 10*time.Millisecond })
}

func TestMonotonicRateOfARunningProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 2)
	d.kept(t, s, 0)
	require.Equal(t, []int{d.PID()}, setMono(t, s, 0.5).PIDs)
	eventually(t, "a clock at half the rate loses", func() bool { return d.said(t).mono < -100*time.Millisecond })
	behind := setMono(t, s, 1).Offset
	require.Less(t, behind, -100*time.Millisecond)
	d.kept(t, s, behind)

	setMono(t, s, 10)
	eventually(t, "a clock ten times as fast gains", func() bool { return d.said(t).mono > 3*time.Second })
	set(t, s, time.Hour, 1)
	near(t, time.Hour, d.ahead(t))
	ahead := setMono(t, s, 1).Offset
	require.Greater(t, ahead, 3*time.Second)
	set(t, s, 0, 1)
	near(t, 0, d.ahead(t))
	d.kept(t, s, ahead)
	_, err := s.SetMonoRate(0)
	require.EqualError(t, err, "monotonic rate 0: above 0, at most 100")
}

// The thread that is to wake for the timer sleeps in the kernel's time.
func TestTimersUnderAFastMonotonicClock(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 0)
	setMono(t, s, 100)
	begin := Mono()
	eventually(t, "sleeps end by the fast clock", func() bool {
		require.NoError(t, s.Urge())
		return time.Duration(d.said(t).seconds)*time.Second > 2*time.Duration(Mono()-begin)
	})
}

func TestMonotonicRateOfAPausedProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 1)
	_, err := s.Pause(within(t))
	require.NoError(t, err)
	_, err = s.SetMonoRate(0.5)
	require.ErrorIs(t, err, ErrPaused)
	_, err = s.Resume(within(t))
	require.NoError(t, err)
	d.kept(t, s, 0)

	setMono(t, s, 2)
	_, err = s.Pause(within(t))
	require.NoError(t, err)
	ahead := setMono(t, s, 1).Offset
	_, err = s.Resume(within(t))
	require.NoError(t, err)
	d.kept(t, s, ahead)
}

func TestMonotonicRatesOfABusyProcess(t *testing.T) {
	s := supervise(t)
	d := startClock(t, s, 4)
	for i := range *cycles {
		setMono(t, s, []float64{0.5, 3, 0.1, 1.5}[i%4])
		if i%3 == 0 {
			set(t, s, time.Hour, 1)
			near(t, time.Hour, d.ahead(t))
			set(t, s, 0, 1)
		}
		d.said(t)
		if i%2 == 0 {
			d.kept(t, s, setMono(t, s, 1).Offset)
		}
	}
	near(t, 0, d.ahead(t))
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
