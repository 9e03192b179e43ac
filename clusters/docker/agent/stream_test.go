package agent

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestStreamWritesWhatWasSaidInOrder(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var b strings.Builder
	s := newStream(&b)
	s.line(2, true, []byte(`{"type":"invoke"}`))
	s.line(2, false, []byte(`{"type":"ok"}`))
	s.say(Message{Returned: 7})
	s.stamped(func(now int64) Message {
		return Message{Exit: &Exit{Time: now, Incarnation: 2, Status: "exit status 1"}}
	})
	require.NoError(t, s.close())
	require.Equal(t, strings.Join([]string{
		`{"line":{"t":T,"i":2,"to":true,"raw":{"type":"invoke"}}}`,
		`{"line":{"t":T,"i":2,"raw":{"type":"ok"}}}`,
		`{"returned":7}`,
		`{"exit":{"time":T,"incarnation":2,"status":"exit status 1"}}`, "",
	}, "\n"), steady(b.String()))
}

func TestStreamBatchesWhileTheHarnessDoesNotRead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, w := io.Pipe()
	s := newStream(w)
	const n = 1000
	for range n {
		s.say(Message{Returned: 1})
	}
	read := make(chan int, 1)
	go func() {
		b, _ := io.ReadAll(r)
		read <- strings.Count(string(b), "\n")
	}()
	require.NoError(t, s.close())
	w.Close()
	require.Equal(t, n, <-read)
}

func TestStreamMakesWaitWhoSaysTooMuch(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, w := io.Pipe()
	s := newStream(w)
	big := []byte(`"` + strings.Repeat("x", streamRoom) + `"`)
	s.line(1, false, big)
	s.line(1, false, big)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		s.wait()
	}()
	go func() { _, _ = io.Copy(io.Discard, r) }()
	<-waited
	require.NoError(t, s.close())
	w.Close()
}

func TestStreamEndsWhenTheHarnessIsGone(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, w := io.Pipe()
	gone := errors.New("gone")
	r.CloseWithError(gone)
	s := newStream(w)
	s.say(Message{Returned: 1})
	<-s.done
	s.wait()
	require.ErrorIs(t, s.close(), gone)
}
