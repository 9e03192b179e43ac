package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/clusters/docker/protocol"
)

func shell(id int64, script string) Request {
	return Request{ID: id, Cmd: CmdStart, Launch: &Launch{Argv: []string{"/bin/sh", "-c", script}, Incarnation: 1, Participant: &protocol.Hello{}}}
}

// until is the first message with the text in it; it returns how many came before.
func (c *console) until(text string) (before int) {
	for ; ; before++ {
		m := c.see()
		if strings.Contains(m, text) {
			return before
		}
		require.True(c.t, strings.HasPrefix(m, "{"), "waiting for %s: %s", text, m)
	}
}

func TestOutputOfTheChildForPeopleIsUntouched(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := newConsole(t)
	c.request(Request{ID: 1, Cmd: CmdStart, Launch: &Launch{Argv: []string{"/bin/sh", "-c", "echo out; echo err >&2"}, Incarnation: 1}})
	c.until(`"exit"`)
	_, err := c.end()
	require.NoError(t, err)
	b, err := os.ReadFile(c.errs.Name())
	require.NoError(t, err)
	require.Equal(t, "out\nerr\n", string(b))
}

func TestAllOfADeadChildsOutputComesBeforeItsExit(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := newConsole(t)
	c.request(shell(1, `seq 1 20000 | sed 's/.*/{"type":"note","n":&}/'`))
	c.until(`"re":1`)
	require.Equal(t, 20000, c.until(`"exit"`))
	_, err := c.end()
	require.NoError(t, err)
}

// A child that does not read must hold up neither the faults nor the other requests.
func TestFullPipeToTheChildBlocksNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := newConsole(t)
	c.request(shell(1, "exec sleep 1000"))
	c.until(`"re":1`)
	text := strings.Repeat("x", 10000)
	for i := range 50 { // a pipe holds 64 KiB
		c.send(fmt.Sprintf(`{"cmd":"reply","in":{"type":"reply","id":%d,"text":"%s"}}`, i, text))
	}
	for id, cmd := range []string{CmdPause, CmdResume, CmdKill} {
		c.request(Request{ID: int64(id + 2), Cmd: cmd})
		c.until(fmt.Sprintf(`"re":%d`, id+2))
	}
	c.request(shell(9, "read hello; exit 0"))
	c.until(`"re":9`)
	require.Equal(t, 0, c.until(`"exit"`), "replies to the dead child are forgotten")
	_, err := c.end()
	require.NoError(t, err)
}

func TestStartThatFailsSaysWhy(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := newConsole(t)
	c.see() // up
	c.request(Request{ID: 1, Cmd: CmdStart, Launch: &Launch{Argv: []string{"/no/such/program"}, Participant: &protocol.Hello{}}})
	m := c.see()
	require.Contains(t, m, "/no/such/program")
	require.Contains(t, m, "no such file or directory")
	c.request(Request{ID: 2, Cmd: CmdStart})
	require.Contains(t, c.see(), "no command")
	_, err := c.end()
	require.NoError(t, err)
}

func TestRunEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	in, stdin := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Run(ctx, in, io.Discard, os.Stderr), context.Canceled)
	stdin.Close()
}

func TestRunEndsWhenTheHarnessReadsNoMore(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	out.Close()
	require.ErrorIs(t, Run(context.Background(), in, stdout, os.Stderr), io.ErrClosedPipe)
	stdin.Close()
}
