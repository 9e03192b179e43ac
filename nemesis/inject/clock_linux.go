package inject

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Mono is CLOCK_MONOTONIC in nanoseconds. It makes a plain system call and does not use the vDSO's function, so that a clock
// fault, which patches a process's vDSO page, can not reach it. The call is raw, as it never blocks: it takes a fraction of
// a microsecond then, and does not wake the runtime's monitor thread.
func Mono() int64 {
	var ts unix.Timespec
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic("CLOCK_MONOTONIC: " + errno.Error()) // every Linux has it
	}
	return ts.Nano()
}

// BootID names this boot of the kernel: stamps of Mono are comparable only where it is the same.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
