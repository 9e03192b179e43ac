package agent

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"riven/clusters/docker/protocol"
)

// output is the reading end of a child's standard output. Besides reading it can tell when everything that was in the
// pipe at some moment has been read and handled, which a stopped or dead child's last words need. It does not wait for
// the end of the file then: an orphan may keep the pipe open.
type output struct {
	f    *os.File
	pipe *protocol.Pipe
	raw  syscall.RawConn

	draining []chan struct{} // reader's own: closed when the pipe is seen empty
	last     bool            // reader's own: the end is where the pipe is seen empty

	mu     sync.Mutex
	asked  []chan struct{}
	final  bool
	closed bool
}

func newOutput(f *os.File) (*output, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	pipe, err := protocol.NewPipe(f)
	return &output{f: f, pipe: pipe, raw: raw}, err
}

// Read is called by one goroutine, when it has handled all that it read before.
func (o *output) Read(p []byte) (int, error) {
	for {
		n, err := o.read(p)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := o.f.SetReadDeadline(time.Time{}); err != nil {
				return 0, err
			}
			o.take()
		case errors.Is(err, syscall.EAGAIN):
			if o.last {
				return 0, io.EOF
			}
			o.drained()
		default:
			return n, err
		}
	}
}

// read waits for data, unless somebody waits for the pipe to be empty.
func (o *output) read(p []byte) (n int, err error) {
	if len(o.draining) == 0 && !o.last {
		return o.pipe.Read(p)
	}
	var inner error
	err = o.raw.Read(func(fd uintptr) bool {
		for n, inner = syscall.Read(int(fd), p); inner == syscall.EINTR; n, inner = syscall.Read(int(fd), p) {
		}
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case inner != nil:
		return 0, inner
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (o *output) take() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.draining = append(o.draining, o.asked...)
	o.asked = nil
	o.last = o.final
}

func (o *output) drained() {
	for _, c := range o.draining {
		close(c)
	}
	o.draining = nil
}

// drain returns when all that is now in the pipe has been read and handled.
func (o *output) drain() {
	c := make(chan struct{})
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.asked = append(o.asked, c)
	o.wakeLocked()
	o.mu.Unlock()
	<-c
}

// finish makes the end of what is now in the pipe the end of the file.
func (o *output) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.final = true
	o.wakeLocked()
}

func (o *output) wakeLocked() {
	if !o.closed {
		_ = o.f.SetReadDeadline(time.Unix(1, 0)) // can not fail on an open pipe
	}
}

// close is called by the reader when it reads no more.
func (o *output) close() error {
	o.take()
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.take() // what was asked between the two
	o.drained()
	return o.f.Close()
}
