package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
	"riven/nemesis"
)

// patience is how long a test waits for what must come; no result depends on it.
const patience = 20 * time.Second

// console is the harness's side of one agent.
type console struct {
	t        testing.TB
	requests *os.File
	messages chan string
	ended    chan error
	last     int64 // stamp of the last stamped line
	errs     *os.File
	server   *fakeServer
}

func newConsole(t testing.TB) *console {
	stdin, requests, err := os.Pipe()
	require.NoError(t, err)
	out, stdout, err := os.Pipe()
	require.NoError(t, err)
	errs, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	c := &console{t: t, requests: requests, messages: make(chan string, 1000), ended: make(chan error, 1), errs: errs}
	go func() {
		err := Run(context.Background(), stdin, stdout, errs)
		stdin.Close()
		stdout.Close()
		c.ended <- err
	}()
	go func() {
		defer close(c.messages)
		defer out.Close()
		for sc := bufio.NewReader(out); ; {
			line, err := sc.ReadString('\n')
			if err != nil {
				return
			}
			if !strings.HasPrefix(line, `{"stall"`) { // the machine's doing, not the script's
				c.messages <- strings.TrimSuffix(line, "\n")
			}
		}
	}()
	return c
}

func (c *console) send(line string) {
	_, err := io.WriteString(c.requests, line+"\n")
	require.NoError(c.t, err)
}

func (c *console) request(r Request) {
	b, err := json.Marshal(r)
	require.NoError(c.t, err)
	c.send(string(b))
}

// see is the next message as it came.
func (c *console) see() string {
	select {
	case m, ok := <-c.messages:
		if !ok {
			return "no more messages"
		}
		c.checkStamp(m)
		return m
	case <-time.After(patience):
		return "nothing came"
	}
}

// checkStamp holds the stream to its promise.
func (c *console) checkStamp(line string) {
	var m Message
	require.NoError(c.t, json.Unmarshal([]byte(line), &m), line)
	var t int64
	switch {
	case m.Up != nil:
		t = m.Up.Time
	case m.Line != nil:
		t = m.Line.Time
	case m.Exit != nil:
		t = m.Exit.Time
	case m.Role != nil:
		t = m.Role.Time
	default:
		return
	}
	require.GreaterOrEqual(c.t, t, c.last, "stamps went backwards at %s", line)
	c.last = t
}

// end closes the agent's standard input and returns what it still said, and its error.
func (c *console) end() ([]string, error) {
	require.NoError(c.t, c.requests.Close())
	var rest []string
	for {
		select {
		case m, ok := <-c.messages:
			if !ok {
				return rest, <-c.ended
			}
			c.checkStamp(m)
			rest = append(rest, m)
		case <-time.After(patience):
			return append(rest, "Run did not end"), nil
		}
	}
}

var unsteady = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`"(t|time|from|to)":[1-9][0-9]*`), `"$1":T`},
	{regexp.MustCompile(`"pid":[1-9][0-9]*`), `"pid":P`},
	{regexp.MustCompile(`"threads":[1-9][0-9]*`), `"threads":N`},
	{regexp.MustCompile(`process [1-9][0-9]* still`), `process P still`},
	{regexp.MustCompile(`"boot":"[0-9a-f-]{36}"`), `"boot":B`},
}

func steady(line string) string {
	for _, u := range unsteady {
		line = u.what.ReplaceAllString(line, u.with)
	}
	return line
}

// TestScripts drives an agent as the harness does. Commands:
//
//	start [inc=N]    a participant that is the shell script in the input; prints the answer
//	server port=N    a child that only runs, with a fake server's port to poll
//	answers port=N   what the fake server at the port says to every four-letter word
//	refuse           nobody listens at the fake server's port any more
//	send             the requests in the input
//	op ID [process=N] [f=acquire] [hold=H]  an op for the participant
//	do CMD [ttl=MS] [peers=A] [n=N] a request; does not wait for the answer, which has re 1
//	arrived N        waits until N probes have arrived and prints from where
//	arm [fault=f1] [op] [nth=N] [kind=kill] [after=MS]  a fault, to be fired by an acquire or, with op, by any op
//	see [N] [sorted] prints the next N messages; sorted where they may come in any order
//	end              closes the agent's standard input, prints what follows and how Run returned
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		c := newConsole(t)
		defer c.refuse()
		t.Cleanup(func() { c.requests.Close() })
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			c.t = t
			return c.do(d)
		})
		_, open := <-c.messages
		require.False(t, open, "the script does not end the agent")
	})
}

func (c *console) do(d *datadriven.TestData) string {
	switch d.Cmd {
	case "start":
		inc := 1
		d.MaybeScanArgs(c.t, "inc", &inc)
		c.request(Request{ID: int64(100 + inc), Cmd: CmdStart, Launch: &Launch{
			Argv: []string{"/bin/sh", "-c", d.Input}, Incarnation: inc, Participant: &protocol.Hello{Version: protocol.Version},
		}})
		return steady(c.see())
	case "server":
		var port int
		d.ScanArgs(c.t, "port", &port)
		c.request(Request{ID: 200, Cmd: CmdStart, Launch: &Launch{Argv: []string{"sleep", "1000"}, Incarnation: 1, ClientPort: port}})
		return steady(c.see())
	case "answers":
		var port int
		d.ScanArgs(c.t, "port", &port)
		c.answers(port, d.Input)
	case "refuse":
		c.refuse()
	case "send":
		c.send(d.Input)
	case "op":
		in := protocol.In{Type: protocol.TypeInvoke, Op: history.Op{F: "read"}}
		id, err := strconv.ParseInt(d.CmdArgs[0].Key, 10, 64)
		require.NoError(c.t, err)
		in.ID = id
		d.MaybeScanArgs(c.t, "process", &in.Process)
		d.MaybeScanArgs(c.t, "f", &in.F)
		d.MaybeScanArgs(c.t, "hold", &in.Hold)
		c.request(Request{Cmd: CmdOp, In: &in})
	case "do":
		r := Request{ID: 1, Cmd: d.CmdArgs[0].Key}
		var peers string
		d.MaybeScanArgs(c.t, "ttl", &r.TTL)
		d.MaybeScanArgs(c.t, "n", &r.Count)
		d.MaybeScanArgs(c.t, "word", &r.Word)
		d.MaybeScanArgs(c.t, "text", &r.Text)
		if d.MaybeScanArgs(c.t, "peers", &peers); peers != "" {
			r.Peers = []string{peers}
		}
		c.request(r)
	case "arrived":
		return c.arrived(d.CmdArgs[0].Key)
	case "arm":
		a := Armed{Fault: "f1", Event: string(nemesis.OnAcquired), Nth: 1, Kind: string(nemesis.Kill)}
		d.MaybeScanArgs(c.t, "fault", &a.Fault)
		if d.HasArg("op") {
			a.Event = string(nemesis.OnOp)
		}
		d.MaybeScanArgs(c.t, "nth", &a.Nth)
		d.MaybeScanArgs(c.t, "kind", &a.Kind)
		var ms int64
		d.MaybeScanArgs(c.t, "after", &ms)
		a.After = ms * int64(time.Millisecond)
		c.request(Request{ID: 1, Cmd: CmdArm, Armed: &a})
		return steady(c.see())
	case "see":
		n := 1
		if len(d.CmdArgs) > 0 {
			var err error
			n, err = strconv.Atoi(d.CmdArgs[0].Key)
			require.NoError(c.t, err)
		}
		var got []string
		for range n {
			got = append(got, steady(c.see()))
		}
		if d.HasArg("sorted") {
			slices.Sort(got)
		}
		return strings.Join(got, "\n")
	case "end":
		rest, err := c.end()
		return steady(strings.Join(append(rest, fmt.Sprint("ended: ", err)), "\n"))
	default:
		c.t.Fatalf("unknown command %q", d.Cmd)
	}
	return ""
}

func (c *console) arrived(want string) string {
	for end := time.Now().Add(patience); ; {
		c.request(Request{ID: 1, Cmd: CmdCounts})
		if m := c.see(); strings.Contains(m, `"packets":`+want) || time.Now().After(end) {
			return steady(m)
		}
	}
}

// fakeServer answers every word alike.
type fakeServer struct {
	net.Listener
	answer atomic.Value
	done   chan struct{}
}

func (c *console) answers(port int, text string) {
	if c.server == nil {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		require.NoError(c.t, err)
		c.server = &fakeServer{Listener: l, done: make(chan struct{})}
		go c.server.serve()
	}
	c.server.answer.Store(text)
}

func (s *fakeServer) serve() {
	defer close(s.done)
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		word := make([]byte, 4)
		if _, err := io.ReadFull(conn, word); err == nil {
			text, _ := s.answer.Load().(string)
			_, _ = io.WriteString(conn, text+"\n")
		}
		conn.Close()
	}
}

func (c *console) refuse() {
	if c.server != nil {
		c.server.Close()
		<-c.server.done
		c.server = nil
	}
}
