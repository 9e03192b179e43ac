package protocol

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stdio makes of the process one that passes lines on, and returns its standard input and output. It runs on one
// processor from now on: to hand a line from goroutine to goroutine then wakes no second thread, which would cost more
// than all else that is done with a line.
func Stdio() (stdin, stdout *Pipe, err error) {
	if stdin, err = duplicate(os.Stdin); err != nil {
		return nil, nil, err
	}
	if stdout, err = duplicate(os.Stdout); err != nil {
		return nil, nil, err
	}
	runtime.GOMAXPROCS(1)
	return stdin, stdout, nil
}

func duplicate(f *os.File) (*Pipe, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("make %s non-blocking: %w", f.Name(), err)
	}
	return NewPipe(os.NewFile(uintptr(fd), f.Name()))
}

// Pipe is one end of a pipe or of a connection that the runtime polls. It is read and written by system calls of which
// the runtime does not know: before every call that might block it wakes its monitor thread, and it gives the processor
// to another thread if the call, or whoever it woke, takes longer than 20 µs. These never block.
type Pipe struct{ raw syscall.RawConn }

// NewPipe takes a file that is polled, as those of os.Pipe are, or a connection. What it returns has the deadlines of c,
// and ends when c is closed.
func NewPipe(c syscall.Conn) (*Pipe, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("use a pipe: %w", err)
	}
	return &Pipe{raw}, nil
}

// Read waits until there is something to read.
func (p *Pipe) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var errno syscall.Errno
	err = p.raw.Read(func(fd uintptr) bool {
		n, errno = call(syscall.SYS_READ, fd, b)
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, os.NewSyscallError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write waits until all of b is written.
func (p *Pipe) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		var errno syscall.Errno
		err = p.raw.Write(func(fd uintptr) bool {
			m, errno = call(syscall.SYS_WRITE, fd, b[n:])
			return errno != syscall.EAGAIN
		})
		if errno != 0 && err == nil {
			err = os.NewSyscallError("write", errno)
		}
		if err == nil {
			n += m
		}
	}
	return n, err
}

// call reads into or writes from b, which is not empty.
func call(trap, fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
