package docker

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/clusters"
	"riven/clusters/docker/protocol"
	"riven/harness/spec"
	"riven/nemesis"
)

func addrs(n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 2)})
	}
	return out
}

func TestZooConfig(t *testing.T) {
	datadriven.RunTest(t, "testdata/zoocfg", func(t *testing.T, d *datadriven.TestData) string {
		var timing string
		var n int
		d.ScanArgs(t, "timing", &timing)
		d.ScanArgs(t, "servers", &n)
		return zooConfig(spec.Timings[timing], addrs(n))
	})
}

func TestServerLaunch(t *testing.T) {
	start := serverLaunch(Image{Command: []string{"java", "Main"}, UID: 7, GID: 8}, 2, "tickTime=1\n")
	first, again := start(1), start(2)
	require.Equal(t, "/zoo.cfg", first.Files[0].Path)
	require.Equal(t, "2\n", first.Files[1].Text)
	require.Equal(t, []string{dataDir}, first.Dirs)
	require.Equal(t, clientPort, first.ClientPort)
	first.Files, first.Dirs, first.Incarnation = nil, nil, 2
	require.Equal(t, first, again)
}

func TestParticipantsTryDifferentServersFirst(t *testing.T) {
	servers := []protocol.Server{{Name: "zk1"}, {Name: "zk2"}, {Name: "zk3"}}
	pinned := map[string][]string{"p3": {"zk2"}}
	require.Equal(t, servers, serversOf(0, "p1", servers, pinned))
	require.Equal(t, []protocol.Server{{Name: "zk2"}, {Name: "zk3"}, {Name: "zk1"}}, serversOf(1, "p2", servers, pinned))
	require.Equal(t, []protocol.Server{{Name: "zk2"}}, serversOf(2, "p3", servers, pinned))
	require.Equal(t, servers, serversOf(3, "p4", servers, pinned))
}

func TestSeedsDiffer(t *testing.T) {
	seeds := map[uint64]bool{}
	for _, node := range []string{"p1", "p2"} {
		for inc := range 3 {
			seeds[seedOf(1, node, inc)] = true
			seeds[seedOf(2, node, inc)] = true
		}
	}
	require.Len(t, seeds, 12)
	require.Equal(t, seedOf(1, "p1", 1), seedOf(1, "p1", 1))
}

func pin(participant, server string) spec.Pin {
	return spec.Pin{Participant: participant, Server: server}
}

func TestResolvePins(t *testing.T) {
	servers := []string{"zk1", "zk2", "zk3"}
	nodes := map[string]state{"zk1": {role: roleFollower}, "zk2": {role: roleLeader}, "zk3": {role: roleFollower}}
	pins := []spec.Pin{pin("p1", "leader"), pin("p2", "follower"), pin("p3", "follower2"), pin("p4", "zk3"), pin("p4", "zk1")}
	got, err := resolvePins(pins, servers, nodes)
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"p1": {"zk2"}, "p2": {"zk1"}, "p3": {"zk3"}, "p4": {"zk3", "zk1"}}, got)
	_, err = resolvePins([]spec.Pin{pin("p1", "follower3")}, servers, nodes)
	require.EqualError(t, err, "pin p1 to follower3: the ensemble has no such server")
}

func TestNewRefusesWhatCanNotBeMet(t *testing.T) {
	images := Images{Server: Image{Ref: "s", Command: []string{"s"}}, Participant: Image{Ref: "p", Command: []string{"p"}}}
	for want, change := range map[string]func(*spec.Spec, *Images){
		"no image":                         func(_ *spec.Spec, i *Images) { i.Server = Image{} },
		"image p: no command to run in it": func(_ *spec.Spec, i *Images) { i.Participant.Command = nil },
	} {
		s, i := spec.Default(), images
		change(&s, &i)
		_, err := New(clusters.Config{Spec: s}, nil, i)
		require.EqualError(t, err, want)
	}
}

func TestFormed(t *testing.T) {
	f, l := state{running: true, role: roleFollower}, state{running: true, role: roleLeader}
	none, down := state{running: true, role: roleNone}, state{role: roleLeader}
	names := []string{"zk1", "zk2", "zk3"}
	for _, c := range []struct {
		want bool
		now  [3]state
	}{
		{true, [3]state{f, l, f}},
		{true, [3]state{f, l, down}},
		{false, [3]state{f, l, none}},
		{false, [3]state{l, l, f}},
		{false, [3]state{f, f, f}},
		{false, [3]state{down, down, down}},
	} {
		nodes := map[string]state{"zk1": c.now[0], "zk2": c.now[1], "zk3": c.now[2]}
		require.Equal(t, c.want, formed(nodes, names), "%+v", c.now)
	}
}

func TestBoardWaits(t *testing.T) {
	b := newBoard()
	ready := func(nodes map[string]state) (bool, error) { return nodes["p1"].ready, dead(nodes, []string{"p1"}) }
	done := make(chan error)
	go func() { done <- b.await(context.Background(), ready) }()
	b.update("p1", func(s *state) { s.running = true })
	b.update("p1", func(s *state) { s.ready = true })
	require.NoError(t, <-done)

	go func() {
		done <- b.await(context.Background(), func(nodes map[string]state) (bool, error) { return false, dead(nodes, []string{"p1"}) })
	}()
	b.update("p1", func(s *state) { s.running, s.exit = false, "exit status 1" })
	require.EqualError(t, <-done, "p1: its process ended: exit status 1")

	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(late)
	require.Equal(t, late, b.await(ctx, func(map[string]state) (bool, error) { return false, nil }))
}

func TestInward(t *testing.T) {
	edges := []nemesis.Edge{{From: "zk3", To: "zk1"}, {From: "zk2", To: "zk1"}, {From: "zk1", To: "zk2"}, {From: "zk2", To: "zk1"}}
	require.Equal(t, map[string][]string{"zk1": {"zk2", "zk3"}, "zk2": {"zk1"}}, inward(edges))
}

func TestProbeOutcomes(t *testing.T) {
	ab, ba := nemesis.Edge{From: "a", To: "b"}, nemesis.Edge{From: "b", To: "a"}
	before := map[nemesis.Edge]tally{ab: {arrived: 4, dropped: 2}}
	probes, all := outcomes([]nemesis.Edge{ab, ba}, before, map[nemesis.Edge]tally{ab: {arrived: 4, dropped: 5}})
	require.False(t, all)
	require.Equal(t, []clusters.Probe{{Edge: ab, Dropped: true}, {Edge: ba}}, probes)
	probes, all = outcomes([]nemesis.Edge{ab, ba}, before, map[nemesis.Edge]tally{ab: {arrived: 5, dropped: 2}, ba: {arrived: 1}})
	require.True(t, all)
	require.Equal(t, []clusters.Probe{{Edge: ab, Arrived: true}, {Edge: ba, Arrived: true}}, probes)
}

func TestTail(t *testing.T) {
	var l tail
	for _, s := range []string{"one\n", "two\nthr", "ee\n"} {
		n, err := l.Write([]byte(s))
		require.NoError(t, err)
		require.Equal(t, len(s), n)
	}
	require.Equal(t, "one\ntwo\nthree", l.Lines())
	_, _ = l.Write([]byte(strings.Repeat("x", tailSize-3) + "\nz\n"))
	require.Equal(t, "z", l.Lines())
	_, _ = l.Write(bytes.Repeat([]byte("0123456789\n"), 1000))
	require.Len(t, l.buf, tailSize)
	require.True(t, strings.HasPrefix(l.Lines(), "0123456789\n"))
}
