package docker

import (
	"bytes"
	"strings"
	"sync"
)

// tailSize is how many bytes of a node's output an error carries at most.
const tailSize = 2048

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte
	cut bool // something was dropped, so the first line may be half a line
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// Lines are the last whole lines, without the final newline.
func (t *tail) Lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf
	if t.cut {
		_, b, _ = bytes.Cut(b, []byte{'\n'})
	}
	return strings.TrimRight(string(b), "\n")
}
