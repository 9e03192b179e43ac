//go:build docker

package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/image"
)

const standalone = "tickTime=200\ninitLimit=10\nsyncLimit=5\ndataDir=/data\nclientPort=2181\nadmin.enableServer=false\n4lw.commands.whitelist=*\n"

// TestServerInContainer drives an agent with the rights of a node, and no others, over a real server.
func TestServerInContainer(t *testing.T) {
	c := newContainer(t)
	require.Empty(t, c.next(func(m Message) bool { return m.Up != nil }).Up.Error)

	start := Request{ID: 1, Cmd: CmdStart, Launch: &Launch{
		Argv: c.argv, UID: 2181, GID: 2181, Incarnation: 1, ClientPort: 2181,
		Dirs: []string{"/data"}, Files: []File{{Path: "/zoo.cfg", Text: standalone}, {Path: "/data/myid", Text: "1\n"}},
	}}
	first := c.ask(start)
	c.role("none")
	c.role("standalone")
	require.Equal(t, "imok", c.ask(Request{ID: 2, Cmd: CmdFour, Word: "ruok"}).Text)

	paused := c.ask(Request{ID: 3, Cmd: CmdPause})
	require.Equal(t, first.Pid, paused.Process.Pid)
	require.Greater(t, paused.Process.Threads, 10)
	require.Equal(t, Process{Pid: first.Pid, Resumed: true}, *c.ask(Request{ID: 4, Cmd: CmdResume}).Process)
	require.Equal(t, "imok", c.ask(Request{ID: 5, Cmd: CmdFour, Word: "ruok"}).Text)

	require.Equal(t, Process{Pid: first.Pid, Gone: true}, *c.ask(Request{ID: 6, Cmd: CmdKill}).Process)
	start.ID, start.Launch.Incarnation = 7, 2
	require.NotEqual(t, first.Pid, c.ask(start).Pid)
	c.role("standalone")

	require.NoError(t, c.stdin.Close())
	require.NoError(t, c.cmd.Wait())
}

var cycles = flag.Int("cycles", 20, "how often a server's clock is patched and restored")

// logTime has ZooKeeper's log say when, by the server's own wall clock.
var logTime = []string{
	"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssXXX",
}

// TestClockOfServer skews a real JVM again and again while it serves, and starts it anew under a skew.
func TestClockOfServer(t *testing.T) {
	c := newContainer(t)
	c.next(func(m Message) bool { return m.Up != nil })
	start := Request{ID: 1, Cmd: CmdStart, Launch: &Launch{
		Argv: slices.Insert(c.argv, 1, logTime...), UID: 2181, GID: 2181, Incarnation: 1, ClientPort: 2181,
		Dirs: []string{"/data"}, Files: []File{{Path: "/zoo.cfg", Text: standalone}, {Path: "/data/myid", Text: "1\n"}},
	}}
	c.ask(start)
	c.role("standalone")
	id := int64(1)
	set := func(clock *Clock) Clocks {
		id++
		return *c.ask(Request{ID: id, Cmd: CmdClock, Clock: clock}).Clock
	}
	serves := func(ahead time.Duration) {
		from := c.log.len()
		for range 10 {
			id++
			require.Equal(t, "imok", c.ask(Request{ID: id, Cmd: CmdFour, Word: "ruok"}).Text)
		}
		c.log.until(t, from, func(line string) bool {
			at, rest, _ := strings.Cut(line, " ")
			when, err := time.Parse(time.RFC3339, at)
			return err == nil && strings.Contains(rest, "Processing ruok") && (time.Until(when)-ahead).Abs() < time.Minute
		})
	}
	const hour = int64(time.Hour)
	for range *cycles {
		on := set(&Clock{Offset: hour, Rate: 1})
		require.Equal(t, Clocks{Pids: on.Pids, Now: hour}, on)
		require.Len(t, on.Pids, 1)
		serves(time.Hour)
		require.Equal(t, Clocks{Pids: on.Pids, Before: hour}, set(nil))
		serves(0)
	}
	id++
	refused := c.answer(Request{ID: id, Cmd: CmdMono, Rate: 0.5})
	require.Contains(t, refused.Error, "monotonic rate of a JVM: unsupported operation")
	require.True(t, refused.CanNot)
	first := set(&Clock{Offset: hour, Rate: 1})
	id++
	c.ask(Request{ID: id, Cmd: CmdKill})
	id++
	start.ID, start.Launch.Incarnation = id, 2
	pid := c.ask(start).Pid
	require.NotEqual(t, []int{pid}, first.Pids)
	require.Equal(t, Clocks{Pids: []int{pid}, Before: hour}, set(nil), "the new process had the clock too")
	c.role("standalone")
	require.NoError(t, c.stdin.Close())
	require.NoError(t, c.cmd.Wait())
}

func TestDetectInContainer(t *testing.T) {
	c := newContainer(t)
	c.next(func(m Message) bool { return m.Up != nil })
	for _, m := range c.ask(Request{ID: 1, Cmd: CmdDetect}).Mechanisms {
		t.Logf("%-10s %v %s", m.Name, m.OK, m.Detail)
		require.NotEqual(t, m.OK, m.Detail != "", "what does not work says why")
	}
	require.Empty(t, c.ask(Request{ID: 2, Cmd: CmdCut, Peers: []string{"192.0.2.1"}}).Error, "after all was tried the filter is there again")
}

type container struct {
	t      *testing.T
	argv   []string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	log    logbook
}

// logbook is what the server and the agent say to people.
type logbook struct {
	mu   sync.Mutex
	text []byte
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *logbook) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.text)
}

// until waits for a line behind from.
func (l *logbook) until(t *testing.T, from int, wanted func(line string) bool) {
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.ContainsFunc(strings.Split(string(l.text[from:]), "\n"), wanted)
	}, patience, time.Millisecond)
}

// serverNode is an image of a ZooKeeper server with the test binary as its agent.
func serverNode(ctx context.Context, t *testing.T) image.Image {
	cli, err := client.New(client.FromEnv)
	require.NoError(t, err)
	defer cli.Close()
	self, err := os.Executable()
	require.NoError(t, err)
	node, err := image.New(cli, t.Logf).Server(ctx, "bookworm", self)
	require.NoError(t, err)
	return node
}

func newContainer(t *testing.T) *container {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	docker := func(args ...string) []byte {
		out, err := exec.CommandContext(ctx, "docker", args...).Output()
		require.NoError(t, err, "docker %v", args)
		return out
	}
	c := &container{t: t}
	node := serverNode(ctx, t)
	c.argv = node.Command
	args := []string{"create", "-i", "--rm", "--label", "riven=agent-test", "--cap-drop", "ALL"}
	for _, right := range []string{"KILL", "SETUID", "SETGID", "SETPCAP", "CHOWN", "NET_ADMIN", "SYS_PTRACE", "DAC_OVERRIDE"} {
		args = append(args, "--cap-add", right)
	}
	id := strings.TrimSpace(string(docker(append(args, node.Ref)...)))
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", id).Run() })

	c.cmd = exec.CommandContext(ctx, "docker", "start", "-a", "-i", id)
	c.cmd.Stderr = &c.log
	var err error
	c.stdin, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.stdout = bufio.NewReader(stdout)
	require.NoError(t, c.cmd.Start())
	return c
}

// next is the next message that is wanted.
func (c *container) next(wanted func(Message) bool) Message {
	for {
		line, err := c.stdout.ReadBytes('\n')
		require.NoError(c.t, err)
		var m Message
		require.NoError(c.t, json.Unmarshal(line, &m), "%s", line)
		if wanted(m) {
			return m
		}
	}
}

func (c *container) ask(r Request) Answer {
	a := c.answer(r)
	require.Empty(c.t, a.Error)
	return a
}

func (c *container) answer(r Request) Answer {
	b, err := json.Marshal(r)
	require.NoError(c.t, err)
	_, err = c.stdin.Write(append(b, '\n'))
	require.NoError(c.t, err)
	return *c.next(func(m Message) bool { return m.Re == r.ID }).Answer
}

func (c *container) role(want string) {
	c.next(func(m Message) bool { return m.Role != nil && m.Role.Role == want })
}
