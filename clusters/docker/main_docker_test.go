//go:build docker

package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/clusters/docker/image"
	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/nemesis/inject"
)

// The test binary is also what runs inside the nodes, and a harness that is to be killed.
func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) < 2:
		os.Exit(m.Run())
	case os.Args[1] == "agent":
		var stdin, stdout *protocol.Pipe
		if stdin, stdout, err = protocol.Stdio(); err == nil {
			err = agent.Run(context.Background(), stdin, stdout, os.Stderr)
		}
	case os.Args[1] == "launch":
		err = inject.Launch(os.Args[2:])
	case os.Args[1] == "participant":
		err = echo(os.Stdin, os.Stdout)
	case os.Args[1] == "harness":
		err = doomed(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// echo is a participant that completes every op at once. An op "access" asks the resource and completes with its
// decision; an op "die" ends it.
func echo(in io.Reader, out io.Writer) error {
	r := bufio.NewReader(in)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	var asking int64
	for {
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil // the agent has ended
		}
		var m protocol.In
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		answer := protocol.Out{Type: "ok", ID: m.ID}
		switch {
		case m.Type == protocol.TypeHello:
			fmt.Fprintf(os.Stderr, "%s.%d says hello\n", m.Hello.Node, m.Hello.Incarnation)
			answer = protocol.Out{Type: protocol.TypeReady}
		case m.Type == protocol.TypeOrder:
			answer = protocol.Out{Type: protocol.TypeUnsupported, Op: history.Op{Key: m.Key}}
		case m.Type == protocol.TypeReply:
			answer = protocol.Out{Type: "ok", ID: asking, Op: history.Op{N: m.N, Text: strconv.FormatBool(m.Accepted)}}
		case m.F == "access":
			asking = m.ID
			answer = protocol.Out{Type: protocol.TypeAccess, ID: 1, Op: history.Op{Key: "register", N: m.N}}
		case m.F == "die":
			return fmt.Errorf("told to die by op %d", m.ID)
		}
		if err := enc.Encode(answer); err != nil {
			return err
		}
	}
}

// witness is an observer that remembers.
type witness struct {
	mu      sync.Mutex
	events  []history.Event
	fired   []clusters.Fired
	broken  []string
	changed chan struct{}
}

func newWitness() *witness { return &witness{changed: make(chan struct{})} }

func (w *witness) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *witness) Record(e history.Event)         { w.note(func() { w.events = append(w.events, e) }) }
func (w *witness) Returned(string, int64)         {}
func (w *witness) Fired(f clusters.Fired)         { w.note(func() { w.fired = append(w.fired, f) }) }
func (w *witness) Lost(string, nemesis.LostReply) {}
func (w *witness) Broken(node string, err error) {
	w.note(func() { w.broken = append(w.broken, node+": "+err.Error()) })
}
func (w *witness) Decide(_ string, r env.Request) env.Reply {
	return env.Reply{Seq: 1, Accepted: true, N: 2 * r.N}
}

// until waits for a condition on what was seen.
func (w *witness) until(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.After(30 * time.Second)
	for {
		w.mu.Lock()
		ok, changed := cond(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			tb.Fatalf("not seen within 30 s: %s", what)
		}
	}
}

// seen counts events that fit.
func (w *witness) seen(fits func(history.Event) bool) (n int) {
	for _, e := range w.events {
		if fits(e) {
			n++
		}
	}
	return n
}

// nodeImages are images with the test binary as the agent.
func nodeImages(ctx context.Context, cli *client.Client, log func(string, ...any)) (Images, error) {
	self, err := os.Executable()
	if err != nil {
		return Images{}, err
	}
	b := image.New(cli, log)
	server, err := b.Server(ctx, "bookworm", self)
	if err != nil {
		return Images{}, err
	}
	participant, err := b.Participant(ctx, self)
	if err != nil {
		return Images{}, err
	}
	of := func(i image.Image) Image {
		return Image{Ref: i.Ref, UID: int(i.User.UID), GID: int(i.User.GID), Command: i.Command}
	}
	return Images{Server: of(server), Participant: of(participant)}, nil
}

// testConfig is a run of its own name.
func testConfig(servers, participants int, o clusters.Observer, progress func(string, ...any)) clusters.Config {
	s := spec.Default()
	s.Servers, s.Participants = servers, participants
	return clusters.Config{
		Spec: s, Observer: o, RunID: fmt.Sprintf("test-%d-%d", os.Getpid(), time.Now().UnixNano()),
		Log: func(string) io.Writer { return io.Discard }, Progress: progress,
	}
}

// doomed is a harness that starts a cluster, says so, and waits to be killed.
func doomed(run string) error {
	ctx := context.Background()
	cli, err := Connect(ctx)
	if err != nil {
		return err
	}
	images, err := nodeImages(ctx, cli, func(string, ...any) {})
	if err != nil {
		return err
	}
	cfg := testConfig(3, 1, nobody{}, func(string, ...any) {})
	cfg.RunID = run
	c, err := New(cfg, cli, images)
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	fmt.Println("up")
	select {}
}
