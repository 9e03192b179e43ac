package inject

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrPaused is why a clock is not patched while its process is stopped: its threads could not be brought to a safe place.
var ErrPaused = errors.New("its process is paused")

// Skew is what a clock of a process shows: a true time t is shown as t + Offset + (t-Anchor)*Rate/2^32 ns.
// The zero Skew is the truth.
type Skew struct {
	Offset int64 // ns
	Anchor int64 // true time by the same clock, ns, at which the rate began to tell
	Rate   int64 // what a second is too long or too short, as a 32-bit fraction
}

const (
	maxOffset = 10 * 365 * 24 * time.Hour // either way: neither before 1970 nor beyond what programs can represent
	maxRate   = 100
)

// NewSkew jumps by the offset now and from now on runs at the rate, 1 being the true one.
func NewSkew(offset time.Duration, rate float64) (Skew, error) {
	if offset < -maxOffset || offset > maxOffset || math.IsNaN(rate) || rate < 0 || rate > maxRate {
		return Skew{}, fmt.Errorf("clock skew of %v at rate %v: at most %v either way, rate 0 to %d", offset, rate, maxOffset, maxRate)
	}
	s := Skew{Offset: int64(offset), Rate: fraction(rate)}
	if s != (Skew{}) {
		s.Anchor = wall()
	}
	return s, nil
}

// fraction is how a rate is written down in a Skew.
func fraction(rate float64) int64 { return int64(math.Round((rate - 1) * (1 << 32))) }

// At tells by how much the clock is ahead of the true time t.
func (s Skew) At(t int64) time.Duration {
	d := t - s.Anchor
	// In two halves: the product of the two can be longer than 64 bits.
	hi, lo := d>>32, d&(1<<32-1)
	loRate := s.Rate & (1<<32 - 1)
	hiRate := s.Rate >> 32
	low := int64(uint64(lo) * uint64(loRate) >> 32)
	return time.Duration(s.Offset + hi*s.Rate + lo*hiRate + low)
}

// wall is CLOCK_REALTIME in ns by a plain system call; see Mono.
func wall() int64 {
	var ts unix.Timespec
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic("CLOCK_REALTIME: " + errno.Error())
	}
	return ts.Nano()
}

// Skewed is what was read back of the clocks of the processes.
type Skewed struct {
	PIDs       []int
	Offset     time.Duration // by which all of them are ahead, at End
	Start, End int64         // Mono before the first was touched and when all had been read back
}

// SetClocks gives every process that Pause would stop this wall clock, and returns when the code and the numbers were read back in each
// of them. The first time all threads of a process are stopped for about a millisecond. The zero Skew restores the processes' own
// code. A process that is started later has true clocks again.
func (s *Supervisor) SetClocks(skew Skew, except ...int) (Skewed, error) {
	return s.setClocks(skew, others(except))
}

func (s *Supervisor) setClocks(skew Skew, set processSet) (Skewed, error) {
	return eachClock(set, wall, func(pid int) (Skew, error) {
		now, err := s.setClock(pid, skew)
		if err == nil && now != skew {
			err = fmt.Errorf("read back %+v instead of %+v", now, skew)
		}
		return now, err
	})
}

// SetMonoRate has the monotonic clocks of the same processes run at the rate from now on, each from what it shows, and returns when
// that was read back in each. At rate 1 a clock keeps what it is ahead or behind, as long as its process lives: to put it right it
// would have to go back or to jump, which no monotonic clock does. A JVM is ErrUnsupported.
func (s *Supervisor) SetMonoRate(rate float64, except ...int) (Skewed, error) {
	return s.setMonoRates(rate, others(except))
}

func (s *Supervisor) setMonoRates(rate float64, set processSet) (Skewed, error) {
	if math.IsNaN(rate) || rate <= 0 || rate > maxRate {
		return Skewed{}, fmt.Errorf("monotonic rate %v: above 0, at most %d", rate, maxRate)
	}
	return eachClock(set, Mono, func(pid int) (Skew, error) { return s.setMonoRate(pid, fraction(rate)) })
}

// eachClock sets a clock of every process, or reads it.
func eachClock(set processSet, true func() int64, of func(pid int) (Skew, error)) (Skewed, error) {
	out := Skewed{Start: Mono()}
	ps, err := set()
	if err != nil {
		return out, err
	}
	for _, p := range ps {
		if p.dead() {
			continue
		}
		now, err := of(p.pid)
		if vanished(err) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("clock of process %d: %w", p.pid, err)
		}
		out.PIDs = append(out.PIDs, p.pid)
		out.Offset = now.At(true())
	}
	out.End = Mono()
	return out, nil
}

// Clocks reads what the wall clocks of these processes show, and is an error if they differ.
func (s *Supervisor) Clocks(except ...int) (Skewed, error) {
	var first *Skew
	return eachClock(others(except), wall, func(pid int) (Skew, error) {
		now, err := readClock(pid, wallDial)
		switch {
		case err != nil:
		case first == nil:
			first = &now
		case now != *first:
			err = fmt.Errorf("%+v, unlike another with %+v", now, *first)
		}
		return now, err
	})
}

// MonoClocks reads by how much the monotonic clocks of these processes are ahead. Each has its own since when it was first set; told
// is that of the last.
func (s *Supervisor) MonoClocks(except ...int) (Skewed, error) {
	return eachClock(others(except), Mono, func(pid int) (Skew, error) { return readClock(pid, monoDial) })
}

// Urge interrupts every thread of the same processes by SIGURG. A thread that sleeps until a timer of a program has come does so in the
// kernel's time; under a monotonic clock that runs fast it must be woken to see that its time has come already. Go's runtime sends
// itself this signal and takes a stray one for its own; where nobody handles it the kernel drops it.
func (s *Supervisor) Urge(except ...int) error {
	ps, err := others(except)()
	for _, p := range ps {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid))
		if err != nil {
			continue // it has ended
		}
		for _, t := range threads {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.Tgkill(p.pid, tid, unix.SIGURG) // fails for a thread that has ended
			}
		}
	}
	return err
}
