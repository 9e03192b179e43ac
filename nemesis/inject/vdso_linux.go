package inject

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrPaused is why a clock is not patched while its process is stopped: its threads could not be brought to a safe place.
var ErrPaused = errors.New("its process is paused")

// Skew is what the wall clock of a process shows: a true time t is shown as t + Offset + (t-Anchor)*Rate/2^32 ns.
// The zero Skew is the truth.
type Skew struct {
	Offset int64 // ns
	Anchor int64 // true wall time, ns since 1970, at which the rate began to tell
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
	s := Skew{Offset: int64(offset), Rate: int64(math.Round((rate - 1) * (1 << 32)))}
	if s != (Skew{}) {
		s.Anchor = wall()
	}
	return s, nil
}

// At tells by how much the clock is ahead of the true time t (ns since 1970).
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
	out := Skewed{Start: Mono()}
	ps, err := set()
	if err != nil {
		return out, err
	}
	for _, p := range ps {
		if p.dead() {
			continue
		}
		now, err := s.setClock(p.pid, skew)
		if vanished(err) {
			continue
		}
		if err == nil && now != skew {
			err = fmt.Errorf("read back %+v instead of %+v", now, skew)
		}
		if err != nil {
			return out, fmt.Errorf("set the clock of process %d: %w", p.pid, err)
		}
		out.PIDs = append(out.PIDs, p.pid)
		out.Offset = now.At(wall())
	}
	out.End = Mono()
	return out, nil
}

// Clocks reads what the wall clocks of these processes show, and is an error if they differ.
func (s *Supervisor) Clocks(except ...int) (Skewed, error) {
	out := Skewed{Start: Mono()}
	ps, err := others(except)()
	if err != nil {
		return out, err
	}
	var first Skew
	for _, p := range ps {
		if p.dead() {
			continue
		}
		now, err := readClock(p.pid)
		if vanished(err) {
			continue
		}
		if err == nil && out.PIDs != nil && now != first {
			err = fmt.Errorf("%+v, unlike process %d with %+v", now, out.PIDs[0], first)
		}
		if err != nil {
			return out, fmt.Errorf("read the clock of process %d: %w", p.pid, err)
		}
		first = now
		out.PIDs = append(out.PIDs, p.pid)
	}
	out.Offset, out.End = first.At(wall()), Mono()
	return out, nil
}
