package agent

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func readLines(t *testing.T, r io.Reader, max int) []string {
	var got []string
	for in := newLineReader(r, max); ; {
		line, err := in.next()
		switch {
		case err == io.EOF:
			return got
		case errors.Is(err, errTooLong):
			got = append(got, "TOO LONG")
		default:
			require.NoError(t, err)
			got = append(got, string(line))
		}
	}
}

func TestLines(t *testing.T) {
	big := strings.Repeat("x", 100<<10)
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"unfinished", nil},
		{"a\n\nb\nunfinished", []string{"a", "", "b"}},
		{big + "\na\n", []string{big, "a"}},
	} {
		require.Equal(t, c.want, readLines(t, strings.NewReader(c.in), 1<<20))
		require.Equal(t, c.want, readLines(t, iotest.OneByteReader(strings.NewReader(c.in)), 1<<20))
	}
}

func TestLineTooLong(t *testing.T) {
	got := readLines(t, iotest.OneByteReader(strings.NewReader("123456789\nab\n")), 8)
	require.Equal(t, []string{"TOO LONG", "9", "ab"}, got)
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\nbc\nd"), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint8) {
		var want []string
		if i := bytes.LastIndexByte(in, '\n'); i >= 0 {
			want = strings.Split(string(in[:i]), "\n")
		}
		require.Equal(t, want, readLines(t, &chunks{in, int(chunk) + 1}, 1<<20))
	})
}

// chunks are read a few bytes at a time.
type chunks struct {
	left []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left[:min(c.n, len(c.left))])
	c.left = c.left[n:]
	return n, nil
}

func TestOutputEndsWhereThePipeIsEmpty(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close() // stays open, as if an orphan had it
	out, err := newOutput(r)
	require.NoError(t, err)
	_, err = io.WriteString(w, "a\nb\n")
	require.NoError(t, err)
	got, drained := make(chan string, 10), make(chan struct{})
	go func() {
		defer close(got)
		for in := newLineReader(out, maxLine); ; {
			line, err := in.next()
			if err != nil {
				got <- err.Error()
				out.close()
				return
			}
			got <- string(line)
		}
	}()
	out.drain()
	require.Len(t, got, 2)
	_, err = io.WriteString(w, "c\n")
	require.NoError(t, err)
	go func() {
		defer close(drained)
		out.drain()
	}()
	out.finish()
	var all []string
	for line := range got {
		all = append(all, line)
	}
	require.Equal(t, []string{"a", "b", "c", "EOF"}, all)
	<-drained
	out.drain() // of what is closed
}
