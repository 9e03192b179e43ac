//go:build docker

package docker

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	tcnet "github.com/testcontainers/testcontainers-go/network"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/clusters"
	"riven/harness/history"
	"riven/nemesis"
)

func engine(tb testing.TB) (*client.Client, Images) {
	tb.Helper()
	cli, err := Connect(tb.Context())
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = cli.Close() })
	images, err := nodeImages(tb.Context(), cli, tb.Logf)
	require.NoError(tb, err)
	return cli, images
}

// up is a started cluster, which is stopped and seen to be gone at the end of the test.
func up(tb testing.TB, servers, participants int) (*Cluster, *witness) {
	tb.Helper()
	w := newWitness()
	return started(tb, testConfig(servers, participants, w, tb.Logf), w), w
}

func started(tb testing.TB, cfg clusters.Config, w *witness) *Cluster {
	tb.Helper()
	cli, images := engine(tb)
	c, err := New(cfg, cli, images)
	require.NoError(tb, err)
	require.NoError(tb, c.Start(tb.Context()))
	tb.Cleanup(func() {
		require.NoError(tb, c.Stop(context.Background()))
		require.Empty(tb, w.broken)
		nothingLeft(tb, cli, c.cfg.RunID)
	})
	return c
}

// left lists what the engine still has of a run.
func left(ctx context.Context, cli *client.Client, run string) (names []string, err error) {
	nodes, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelRun+"="+run)})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes.Items {
		names = append(names, n.Labels[labelNode])
	}
	networks, err := cli.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("label", labelRun+"="+run)})
	if err != nil {
		return nil, err
	}
	for _, n := range networks.Items {
		names = append(names, "network "+n.Name)
	}
	return names, nil
}

func nothingLeft(tb testing.TB, cli *client.Client, run string) {
	tb.Helper()
	names, err := left(context.Background(), cli, run)
	require.NoError(tb, err)
	require.Empty(tb, names)
}

// ask polls until a server's answer to a four-letter word fits.
func askUntil(t *testing.T, c *Cluster, node, word, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := c.Ask(ctx, node, word)
		if err == nil && strings.Contains(text, want) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s %s: %q, %v; want %q", word, node, text, err, want)
		}
	}
}

func edgesAround(node string, others []string) (edges []nemesis.Edge) {
	for _, o := range others {
		if o != node {
			edges = append(edges, nemesis.Edge{From: o, To: node}, nemesis.Edge{From: node, To: o})
		}
	}
	return edges
}

func TestPartition(t *testing.T) {
	c, w := up(t, 3, 2)
	ctx := t.Context()
	require.True(t, c.Comparable())
	servers := c.cfg.Spec.ServerNames()
	leader := c.leader()
	edges := edgesAround(leader, servers)

	span, err := c.Cut(ctx, edges)
	require.NoError(t, err)
	t.Logf("cut of %d edges: %v", len(edges), time.Duration(span.To-span.From))
	probes, err := c.Probe(ctx, append(edgesAround("p1", []string{leader}), edges...))
	require.NoError(t, err)
	for i, p := range probes {
		require.Equal(t, clusters.Probe{Edge: p.Edge, Arrived: i < 2, Dropped: i >= 2}, p)
	}
	w.until(t, "another leader", func() bool {
		return w.seen(func(e history.Event) bool { return e.Type == history.Role && e.F == "leader" && e.Node != leader }) > 0
	})
	askUntil(t, c, leader, "srvr", "not currently serving requests")
	drops, err := c.Drops(ctx)
	require.NoError(t, err)
	var cut []nemesis.Edge
	var system uint64
	for _, d := range drops {
		cut = append(cut, d.Edge)
		system += d.System
	}
	require.ElementsMatch(t, edges, cut)
	require.NotZero(t, system)

	_, err = c.Cut(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, c.Formed(ctx))
	probes, err = c.Probe(ctx, edges)
	require.NoError(t, err)
	for _, p := range probes {
		require.Equal(t, clusters.Probe{Edge: p.Edge, Arrived: true}, p)
	}
	_, err = c.Cut(ctx, []nemesis.Edge{{From: "zk1", To: "zk9"}})
	require.EqualError(t, err, `edge from zk1 to zk9: the cluster has no node "zk9"`)
}

func TestProcessFaults(t *testing.T) {
	w := newWitness()
	cfg := testConfig(3, 2, w, t.Logf)
	cfg.Clocks = true
	c := started(t, cfg, w)
	ctx := t.Context()
	leader := c.leader()

	killed, span, err := c.Kill(ctx, leader)
	require.NoError(t, err)
	require.True(t, killed.Gone)
	require.NotZero(t, killed.Pid)
	require.Less(t, span.From, span.To)
	require.NoError(t, c.Formed(ctx))
	require.NotEqual(t, leader, c.leader())
	pid, _, err := c.Restart(ctx, leader)
	require.NoError(t, err)
	require.NotEqual(t, killed.Pid, pid)
	require.NoError(t, c.Formed(ctx))
	require.Equal(t, roleFollower, c.board.get(leader).role)

	paused, _, err := c.Pause(ctx, leader)
	require.NoError(t, err)
	require.Equal(t, pid, paused.Pid)
	require.Greater(t, paused.Threads, 1)
	resumed, _, err := c.Resume(ctx, leader)
	require.NoError(t, err)
	require.True(t, resumed.Resumed)
	askUntil(t, c, leader, "ruok", "imok")

	_, _, err = c.Kill(ctx, "p1")
	require.NoError(t, err)
	_, _, err = c.Restart(ctx, "p1")
	require.NoError(t, err)
	w.until(t, "p1 ready again", func() bool {
		return w.seen(func(e history.Event) bool {
			return e.Node == "p1" && e.Incarnation == 2 && e.Type == history.Note && e.F == history.NoteReady
		}) == 1
	})
	require.ErrorContains(t, c.LoseReply(ctx, "zk1", "f", "create", 1), "not a participant")
	_, _, err = c.SetMonoRate(ctx, "zk1", 2)
	require.ErrorIs(t, err, errors.ErrUnsupported, "a JVM")
}

func TestOps(t *testing.T) {
	c, w := up(t, 1, 2)
	ctx := t.Context()
	op := func(id int64, f string, n int64) clusters.Invocation {
		return clusters.Invocation{ID: id, Process: 3, Op: history.Op{F: f, N: n}}
	}
	of := func(node string, types ...history.Type) (events []history.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.events {
			if e.Node == node && slices.Contains(types, e.Type) {
				e.Time, e.End = 0, 0
				events = append(events, e)
			}
		}
		return events
	}
	completed := func(node string, n int) {
		w.until(t, "completions of "+node, func() bool {
			return w.seen(func(e history.Event) bool { return e.Node == node && e.Completes() }) == n
		})
	}
	require.NoError(t, c.Deliver("p1", op(1, "noop", 0)))
	require.NoError(t, c.Deliver("p1", op(2, "access", 21)))
	completed("p1", 2)
	base := history.Event{Node: "p1", Incarnation: 1, Process: 3}
	event := func(typ history.Type, id int64, o history.Op) history.Event {
		e := base
		e.Type, e.ID, e.Op = typ, id, o
		return e
	}
	access, answer := event(history.Access, 0, history.Op{Key: "register", N: 21}), event(history.Answer, 0, history.Op{N: 42})
	access.Process, answer.Process, access.Seq, answer.Seq = history.NoProcess, history.NoProcess, 1, 1
	require.Equal(t, []history.Event{
		event(history.Invoke, 1, history.Op{F: "noop"}),
		event(history.OK, 1, history.Op{F: "noop"}),
		event(history.Invoke, 2, history.Op{F: "access", N: 21}),
		access, answer,
		event(history.OK, 2, history.Op{F: "access", N: 42, Text: "true"}),
	}, of("p1", history.Invoke, history.OK, history.Access, history.Answer))

	require.NoError(t, c.LoseReply(ctx, "p1", "f1", "create", 1))
	w.until(t, "the order refused", func() bool {
		return w.seen(func(e history.Event) bool { return e.Type == history.Note && e.F == "unsupported" && e.Key == "f1" }) == 1
	})

	// A fault that is armed on an op takes effect before the op is done; it is taken back where it did not fire.
	require.NoError(t, c.Arm(ctx, []string{"p1", "p2"}, clusters.Armed{Fault: "f2", Event: nemesis.OnOp, Nth: 2, Kind: nemesis.Kill}))
	require.NoError(t, c.Deliver("p2", op(3, "noop", 0)))
	completed("p2", 1)
	require.NoError(t, c.Deliver("p2", op(4, "noop", 0)))
	w.until(t, "the armed kill", func() bool { return len(w.fired) == 1 })
	require.NoError(t, c.Disarm(ctx, []string{"p1", "p2"}, "f2"))
	fired := w.fired[0]
	require.Equal(t, []any{"f2", "p2", true}, []any{fired.Fault, fired.Node, fired.Receipt.Gone})

	// A participant that ends by itself leaves its op open.
	require.NoError(t, c.Deliver("p1", op(5, "die", 0)))
	w.until(t, "the end of p1", func() bool {
		return w.seen(func(e history.Event) bool { return e.Node == "p1" && e.Type == history.Exit }) == 1
	})
	exit := of("p1", history.Exit)[0]
	require.Equal(t, "exit status 1", exit.Text)
	require.NoError(t, c.Stop(ctx)) // after which all output has come
	require.Contains(t, c.byName["p1"].output.Lines(), "told to die by op 5")
}

func TestStopEndsEverything(t *testing.T) {
	before := goleak.IgnoreCurrent()
	cli, err := Connect(t.Context())
	require.NoError(t, err)
	images, err := nodeImages(t.Context(), cli, t.Logf)
	require.NoError(t, err)
	c, err := New(testConfig(1, 1, nobody{}, t.Logf), cli, images)
	require.NoError(t, err)
	require.NoError(t, c.Stop(t.Context())) // nothing to stop
	c, err = New(testConfig(1, 1, nobody{}, t.Logf), cli, images)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	begin := time.Now()
	require.NoError(t, c.Stop(t.Context()))
	t.Logf("stopped in %v", time.Since(begin))
	require.NoError(t, c.Stop(t.Context()))
	nothingLeft(t, cli, c.cfg.RunID)
	require.Error(t, c.Deliver("p1", clusters.Invocation{ID: 1}))
	require.NoError(t, cli.Close())
	goleak.VerifyNone(t, before)
}

func TestHarnessKilled(t *testing.T) {
	cli, _ := engine(t)
	run := "test-killed-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	self, err := os.Executable()
	require.NoError(t, err)
	harness := exec.Command(self, "harness", run)
	harness.Stderr = os.Stderr
	out, err := harness.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, harness.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "up\n", line)
	names, err := left(t.Context(), cli, run)
	require.NoError(t, err)
	require.Len(t, names, 5)

	require.NoError(t, harness.Process.Kill())
	begin := time.Now()
	require.Error(t, harness.Wait())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		names, err := left(ctx, cli, run)
		require.NoError(t, err, "10 s after the harness was killed there is still %v", names)
		if len(names) == 1 { // the network, for Sweep to take
			break
		}
	}
	t.Logf("all containers gone %v after the harness", time.Since(begin))
	removeNetworks(t, cli, run)
}

func removeNetworks(t *testing.T, cli *client.Client, run string) {
	t.Helper()
	networks, err := cli.NetworkList(t.Context(), client.NetworkListOptions{Filters: client.Filters{}.Add("label", labelRun+"="+run)})
	require.NoError(t, err)
	for _, n := range networks.Items {
		_, err := cli.NetworkRemove(t.Context(), n.ID, client.NetworkRemoveOptions{})
		require.NoError(t, err)
	}
}

func TestStartThatIsCancelledLeavesNothing(t *testing.T) {
	cli, images := engine(t)
	for _, phase := range []string{"containers up", "leads"} {
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		progress := func(format string, _ ...any) {
			if strings.Contains(format, phase) {
				cancel(why)
			}
		}
		c, err := New(testConfig(3, 1, nobody{}, progress), cli, images)
		require.NoError(t, err)
		require.ErrorIs(t, c.Start(ctx), why)
		nothingLeft(t, cli, c.cfg.RunID)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := New(testConfig(3, 1, nobody{}, t.Logf), cli, images)
	require.NoError(t, err)
	require.ErrorIs(t, c.Start(ctx), context.Canceled)
	nothingLeft(t, cli, c.cfg.RunID)
}

func TestStartThatFailsSaysWhy(t *testing.T) {
	cli, images := engine(t)
	images.Participant.Command = []string{"/riven", "harness", "no engine in here"}
	c, err := New(testConfig(1, 1, nobody{}, t.Logf), cli, images)
	require.NoError(t, err)
	err = c.Start(t.Context())
	require.ErrorContains(t, err, "the participants did not get ready: p1: its process ended: exit status 1")
	require.ErrorContains(t, err, "last output of p1:\nno Docker engine answers at unix:///var/run/docker.sock: start one or set DOCKER_HOST (")
	nothingLeft(t, cli, c.cfg.RunID)

	images.Participant.Ref = "riven-node:none"
	c, err = New(testConfig(1, 1, nobody{}, t.Logf), cli, images)
	require.NoError(t, err)
	require.ErrorContains(t, c.Start(t.Context()), "find image riven-node:none")
	nothingLeft(t, cli, c.cfg.RunID)
}

func TestConnectTakesNoOtherEngineThanIsNamed(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	harness := exec.Command(self, "harness", "unused")
	harness.Env = append(os.Environ(), "DOCKER_HOST=unix:///nowhere.sock")
	out, err := harness.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "no Docker engine answers at unix:///nowhere.sock")
}

func TestSweepTakesWhatIsOldAndOutOfUse(t *testing.T) {
	cli, images := engine(t)
	ctx := t.Context()
	run := "test-sweep-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	var networks []string
	for _, age := range []time.Duration{0, 3 * time.Minute} {
		nw, err := tcnet.New(ctx, tcnet.WithInternal(), tcnet.WithLabels(labels(kindNetwork, run, time.Now().Add(-age))))
		require.NoError(t, err)
		networks = append(networks, nw.Name)
		for _, name := range []string{"created", "running"} {
			ctr, err := createContainer(ctx, images.Participant.Ref, nw.Name, name+age.String(), labels(kindNode, run, time.Now().Add(-age)), capabilities)
			require.NoError(t, err)
			if name == "running" && age > 0 {
				at, err := attach(ctx, cli, ctr.GetContainerID())
				require.NoError(t, err)
				defer at.Close()
				require.NoError(t, ctr.Start(ctx))
			}
		}
	}
	removed, err := Sweep(ctx, cli, SweepOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"created3m0s of run " + run}, removed.Nodes)
	require.NotContains(t, removed.Networks, networks[0])
	require.NotContains(t, removed.Networks, networks[1]) // a running node is in it

	list, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelRun+"="+run)})
	require.NoError(t, err)
	require.Len(t, list.Items, 3)
	for _, ctr := range list.Items {
		require.Contains(t, []container.ContainerState{container.StateCreated, container.StateRunning}, ctr.State)
		require.NoError(t, removeContainer(ctx, cli, ctr.ID))
	}
	removed, err = Sweep(ctx, cli, SweepOptions{})
	require.NoError(t, err)
	require.Contains(t, removed.Networks, networks[1])
	removeNetworks(t, cli, run)
	nothingLeft(t, cli, run)
}

func TestDetect(t *testing.T) {
	cli, images := engine(t)
	run := "test-detect-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	found, err := Detect(t.Context(), cli, run, images.Participant)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, m := range found {
		t.Logf("%-10s %t %s", m.Name, m.OK, m.Detail)
	}
	nothingLeft(t, cli, run)
}

// The harness may be killed when the engine has its order to start a node already.
func TestNodeStartedAfterItsHarnessWentEnds(t *testing.T) {
	cli, images := engine(t)
	ctx := t.Context()
	run := "test-late-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	nw, err := createNetwork(ctx, run, time.Now())
	require.NoError(t, err)
	ctr, err := createContainer(ctx, images.Participant.Ref, nw.Name, "p1", labels(kindNode, run, time.Now()), capabilities)
	require.NoError(t, err)
	at, err := attach(ctx, cli, ctr.GetContainerID())
	require.NoError(t, err)
	at.Close()
	require.NoError(t, ctr.Start(ctx))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		names, err := left(ctx, cli, run)
		require.NoError(t, err, "10 s later there is still %v", names)
		if len(names) == 1 {
			break
		}
	}
	removeNetworks(t, cli, run)
}
