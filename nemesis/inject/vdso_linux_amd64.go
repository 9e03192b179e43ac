package inject

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vdsoCode are the addresses of the code of vdso_linux_amd64.s in this process.
var vdsoCode [3]*byte

// vdsoNames are the functions that it stands in for; a vDSO may lack all but the first.
var vdsoNames = [3]string{"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time"}

// The data of a patched page, at the first multiple of 64 after what the kernel loaded. The code follows it. The wall clock and the
// monotonic clock have a generation and two slots each.
const (
	dataGeneration = 0   // one byte, whose lowest bit is the slot that is in force: written last, and a byte is written at once
	dataMagic      = 8   // 16 bytes
	dataSlots      = 32  // two of 32 bytes: offset, anchor, rate
	dataMono       = 96  // the same for the monotonic clock
	dataSaved      = 192 // three of 8 bytes: the first bytes of the functions as the kernel made them
	dataSize       = 216

	jumpSize = 5 // JMP rel32
	savedLen = 8
)

var (
	vdsoMagic   = []byte("riven clock 2\x00\x00\x00")
	vdsoCodeEnd = []byte{0x0f, 0x0b, 'R', 'i', 'v', 'n'} // END in the code
	addressMark = binary.LittleEndian.AppendUint64(nil, 0x5269766e44617461)
)

// vdso is the private vDSO of a process, in which its clocks are.
type vdso struct {
	mem   *os.File
	page  mapping
	data  uint64    // address of our data
	entry [3]uint64 // addresses of the functions; 0 where there is none
	code  [3]uint64 // addresses of ours
	image []byte    // data and code as they are to be written
}

// openVDSO only reads.
func openVDSO(pid int) (*vdso, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	if len(maps) == 0 {
		return nil, unix.ESRCH // it is a zombie
	}
	v := &vdso{}
	if v.page, err = findVDSO(string(maps)); err != nil {
		return nil, err
	}
	if v.mem, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := v.locate(); err != nil {
		return nil, errors.Join(fmt.Errorf("vDSO: %w", err), v.mem.Close())
	}
	return v, nil
}

func (v *vdso) locate() error {
	b, err := v.read(v.page.from, int(v.page.to-v.page.from))
	if err != nil {
		return err
	}
	elf, err := parseVDSO(b)
	if err != nil {
		return err
	}
	const align = 64
	v.data = v.page.from + (elf.end+align-1)&^(align-1)
	v.image = make([]byte, dataSize)
	copy(v.image[dataMagic:], vdsoMagic)
	for i, name := range vdsoNames {
		if at, ok := elf.symbols[name]; ok {
			v.entry[i] = v.page.from + at
			if at+savedLen > uint64(len(b)) {
				return fmt.Errorf("%s: %w", name, errShort)
			}
		}
		v.code[i] = v.data + uint64(len(v.image))
		v.image = append(v.image, codeAt(vdsoCode[i], v.data)...)
	}
	switch {
	case v.entry[0] == 0:
		return fmt.Errorf("it has no %s", vdsoNames[0])
	case v.data+uint64(len(v.image)) > v.page.to:
		return fmt.Errorf("%w: only %d bytes are free in its last page, %d are needed", errors.ErrUnsupported, v.page.to-v.data, len(v.image))
	}
	return nil
}

// codeAt is our function that begins at p, for data at that address.
func codeAt(p *byte, data uint64) []byte {
	const limit = 512
	code := unsafe.Slice(p, limit)
	code = bytes.Clone(code[:bytes.Index(code, vdsoCodeEnd)])
	binary.LittleEndian.PutUint64(code[bytes.Index(code, addressMark):], data)
	return code
}

func (v *vdso) read(at uint64, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := v.mem.ReadAt(b, int64(at))
	return b, err
}

func (v *vdso) write(at uint64, b []byte) error {
	_, err := v.mem.WriteAt(b, int64(at))
	return err
}

// prepared tells whether our data and code are in the page, whether or not the functions lead there.
func (v *vdso) prepared() (bool, error) {
	b, err := v.read(v.data, len(v.image))
	if err != nil || !bytes.Equal(b[dataMagic:dataMagic+len(vdsoMagic)], vdsoMagic) {
		return false, err
	}
	if !bytes.Equal(b[dataSize:], v.image[dataSize:]) {
		return false, errors.New("the code in the page is not ours")
	}
	return true, nil
}

// patched tells whether every function leads to our code; some but not all is an error.
func (v *vdso) patched() (bool, error) {
	led, all := 0, 0
	for i, at := range v.entry {
		if at == 0 {
			continue
		}
		all++
		b, err := v.read(at, jumpSize)
		if err != nil {
			return false, err
		}
		if bytes.Equal(b, v.jump(i)) {
			led++
		}
	}
	if led != 0 && led != all {
		return false, fmt.Errorf("%d of %d functions are patched", led, all)
	}
	return led != 0, nil
}

func (v *vdso) jump(i int) []byte {
	return binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(v.code[i]-v.entry[i]-jumpSize))
}

// patch is called while no thread runs or stands in the first bytes of a function. The code may be there already from before: then a
// thread may stand in it, and it is left as it is.
func (v *vdso) patch() error {
	have, err := v.prepared()
	if err != nil {
		return err
	}
	if !have {
		for i, at := range v.entry {
			if at == 0 {
				continue
			}
			b, err := v.read(at, savedLen)
			if err != nil {
				return err
			}
			copy(v.image[dataSaved+savedLen*i:], b)
		}
		if err := v.write(v.data, v.image); err != nil {
			return err
		}
	}
	for i, at := range v.entry {
		if at == 0 {
			continue
		}
		if err := v.write(at, v.jump(i)); err != nil {
			return err
		}
	}
	return nil
}

// unpatch puts the first bytes of the functions back; it is called as patch is. Our code stays for whoever is in it.
func (v *vdso) unpatch() error {
	for i, at := range v.entry {
		if at == 0 {
			continue
		}
		b, err := v.read(v.data+dataSaved+uint64(savedLen*i), savedLen)
		if err != nil {
			return err
		}
		if err := v.write(at, b); err != nil {
			return err
		}
	}
	return nil
}

// dial is one of the clocks in the page, by where its data are.
type dial uint64

const (
	wallDial dial = 0
	monoDial dial = dataMono
)

// set needs nothing to stand still: the slot that is not in force is written, then put in force.
func (v *vdso) set(d dial, s Skew) error {
	g, err := v.read(v.data+uint64(d)+dataGeneration, 1)
	if err != nil {
		return err
	}
	next := g[0] + 1
	var b []byte
	for _, n := range []int64{s.Offset, s.Anchor, s.Rate} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	if err := v.write(v.slot(d, next), b); err != nil {
		return err
	}
	return v.write(v.data+uint64(d)+dataGeneration, []byte{next})
}

func (v *vdso) slot(d dial, generation byte) uint64 {
	return v.data + uint64(d) + dataSlots + 32*uint64(generation&1)
}

// get reads what the clock shows.
func (v *vdso) get(d dial) (Skew, error) {
	led, err := v.patched()
	if err != nil || !led {
		return Skew{}, err
	}
	if ours, err := v.prepared(); err != nil || !ours {
		return Skew{}, errors.Join(err, errors.New("functions lead to code that is not there"))
	}
	g, err := v.read(v.data+uint64(d)+dataGeneration, 1)
	if err != nil {
		return Skew{}, err
	}
	b, err := v.read(v.slot(d, g[0]), 24)
	if err != nil {
		return Skew{}, err
	}
	le := binary.LittleEndian
	return Skew{Offset: int64(le.Uint64(b)), Anchor: int64(le.Uint64(b[8:])), Rate: int64(le.Uint64(b[16:]))}, nil
}

func readClock(pid int, d dial) (Skew, error) {
	v, err := openVDSO(pid)
	if err != nil {
		return Skew{}, err
	}
	defer v.mem.Close()
	return v.get(d)
}

// setClock gives a process a wall clock and reads it back.
func (s *Supervisor) setClock(pid int, skew Skew) (Skew, error) {
	v, err := openVDSO(pid)
	if err != nil {
		return Skew{}, err
	}
	defer v.mem.Close()
	led, err := v.patched()
	if err != nil {
		return Skew{}, err
	}
	switch {
	case skew == Skew{} && led:
		// The truth first: it holds also if the process can not be brought to a stop.
		if err := v.set(wallDial, skew); err != nil {
			return Skew{}, err
		}
		mono, err := v.get(monoDial)
		if err != nil {
			return Skew{}, err
		}
		if mono != (Skew{}) {
			break // the monotonic clock needs our code for as long as the process lives
		}
		if err := s.standstill(pid, v.clear, v.unpatch); err != nil && !errors.Is(err, ErrPaused) {
			return Skew{}, err
		}
	case skew != Skew{} && !led:
		if err := s.standstill(pid, v.clear, v.patch); err != nil {
			return Skew{}, err
		}
		fallthrough
	case skew != Skew{}:
		if err := v.set(wallDial, skew); err != nil {
			return Skew{}, err
		}
	}
	return v.get(wallDial)
}

// setMonoRate has the monotonic clock of a process go on from what it shows, at the rate.
//
// No reading goes back. All threads are held from before the moment in which the new rate takes over until it is in force, so nobody
// reads later by the old rate than that; and a thread that was held between reading the kernel's clock and bending it does both again
// (SKEW). In the kernel's own functions there must be none by then, as it would read true time after that moment: so they lead to our
// code first. What is left is a thread in a signal handler that interrupted such a function: for its sake a slow clock begins some
// milliseconds ahead of the true one. A paused process reads nothing and needs no hold to be restored.
func (s *Supervisor) setMonoRate(pid int, rate int64) (Skew, error) {
	v, err := openVDSO(pid)
	if err != nil {
		return Skew{}, err
	}
	defer v.mem.Close()
	led, err := v.patched()
	if err != nil || !led && rate == 0 {
		return Skew{}, err
	}
	if rate != 0 {
		if err := refuseJVM(pid); err != nil {
			return Skew{}, err
		}
	}
	if !led {
		if err := s.standstill(pid, v.clear, v.patch); err != nil {
			return Skew{}, err
		}
	}
	var want Skew
	turn := func() error {
		last, err := v.get(monoDial)
		if err != nil {
			return err
		}
		now := Mono()
		if !led && rate < 0 {
			now += int64(headStart)
		}
		if want = (Skew{Offset: int64(last.At(now)), Anchor: now, Rate: rate}); rate == 0 {
			want.Anchor = 0
		}
		return v.set(monoDial, want)
	}
	err = s.standstill(pid, v.ours, turn)
	if errors.Is(err, ErrPaused) && rate == 0 {
		err = turn()
	}
	if err != nil {
		return Skew{}, err
	}
	got, err := v.get(monoDial)
	if err == nil && got != want {
		err = fmt.Errorf("read back %+v instead of %+v", got, want)
	}
	return got, err
}

// refuseJVM: HotSpot hands the kernel absolute times of CLOCK_MONOTONIC to wait for, so that a JVM with another one waits for ever
// longer, or not at all (2 s ahead, a park of 250 ms took 2.25 s).
func refuseJVM(pid int) error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err == nil && bytes.Contains(maps, []byte("/libjvm.so")) {
		err = fmt.Errorf("monotonic rate of a JVM: %w: it waits for absolute times of the kernel's own clock", errors.ErrUnsupported)
	}
	return err
}

// clear tells whether a thread that goes on at pc does so outside of the bytes that a patch changes. At a function's very first byte
// nothing of it has been executed.
func (v *vdso) clear(pc uint64) bool {
	for _, at := range v.entry {
		if at != 0 && pc > at && pc < at+savedLen {
			return false
		}
	}
	return true
}

// ours tells whether a thread that goes on at pc is in none of the kernel's functions.
func (v *vdso) ours(pc uint64) bool { return pc < v.page.from || pc >= v.data }

// headStart is when a clock that is slow from now on has lost what it was ahead.
const headStart = 20 * time.Millisecond

const (
	standstillTries = 2000
	standstillPause = 50 * time.Microsecond
)
