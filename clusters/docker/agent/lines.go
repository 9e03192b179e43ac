package agent

import (
	"bytes"
	"errors"
	"io"
)

// maxLine is the longest line that a participant may say.
const maxLine = 1 << 20

var errTooLong = errors.New("line too long")

// lineReader splits what it reads into lines. An unfinished last line is dropped.
type lineReader struct {
	r   io.Reader
	max int
	buf []byte
	at  int // of what was not yet returned
	end int // of what was read
	old int // up to here there is no newline
}

func newLineReader(r io.Reader, max int) *lineReader {
	return &lineReader{r: r, max: max, buf: make([]byte, 32<<10)}
}

// next is the next line without its newline, good until the next call. With errTooLong comes what there is of the line;
// the rest comes as further lines.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.old:l.end], '\n'); i >= 0 {
			line := l.buf[l.at : l.old+i]
			l.at = l.old + i + 1
			l.old = l.at
			return line, nil
		}
		l.old = l.end
		if l.end-l.at >= l.max {
			line := l.buf[l.at:l.end]
			l.at = l.end
			return line, errTooLong
		}
		l.makeRoom()
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

func (l *lineReader) makeRoom() {
	if l.at > 0 {
		copy(l.buf, l.buf[l.at:l.end])
		l.end -= l.at
		l.at, l.old = 0, l.end
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
}
