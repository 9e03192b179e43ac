package inject

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Mono is CLOCK_MONOTONIC in nanoseconds. unix.ClockGettime is a plain system call and not the vDSO's function, so that a clock
// fault, which patches a process's vDSO page, can not reach it. A call takes a fraction of a microsecond.
func Mono() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("CLOCK_MONOTONIC: " + err.Error()) // every Linux has it
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
