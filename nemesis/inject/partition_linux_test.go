//go:build docker

package inject

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCutBlocksOldAndNewConnectionsOfThePeerOnly(t *testing.T) {
	hs := hosts(t, 3)
	a, b, c := hs[0], hs[1], hs[2]
	for _, h := range hs {
		h.echo(t)
	}
	p := a.partition(t)
	ab, err := a.dial(t, b, time.Second)
	require.NoError(t, err)
	ba, err := b.dial(t, a, time.Second)
	require.NoError(t, err)
	ac, err := a.dial(t, c, time.Second)
	require.NoError(t, err)
	bc, err := b.dial(t, c, time.Second)
	require.NoError(t, err)
	require.NoError(t, echoed(ab, "one", time.Second))
	require.NoError(t, echoed(ba, "one", time.Second))

	require.NoError(t, p.Cut(State{In: []netip.Addr{b.addr}}))
	require.True(t, timedOut(echoed(ab, "two", patience)))
	require.True(t, timedOut(echoed(ba, "two", patience)))
	_, err = a.dial(t, b, patience)
	require.True(t, timedOut(err), err)
	_, err = b.dial(t, a, patience)
	require.True(t, timedOut(err), err)
	require.NoError(t, echoed(ac, "three", time.Second))
	require.NoError(t, echoed(bc, "three", time.Second))
	d, err := p.Drops()
	require.NoError(t, err)
	require.Len(t, d.In, 1)
	require.Equal(t, b.addr, d.In[0].Peer)
	require.Greater(t, d.In[0].System, uint64(3))
	require.Zero(t, d.In[0].Probes)
	require.Empty(t, d.Out)

	require.NoError(t, p.Cut(State{}))
	_, err = b.dial(t, a, 5*time.Second)
	require.NoError(t, err)
	// The old connection goes on when TCP tries again, and lost nothing.
	require.NoError(t, ab.SetDeadline(time.Now().Add(20*time.Second)))
	require.NoError(t, readWord(ab, "two"))
}

// edge is one direction between two hosts, with the counts that prove it cut or open.
type edge struct {
	from, to *Prober
	source   host
	target   netip.Addr
}

func (e edge) arrived() uint64 {
	for _, c := range e.to.Received() {
		if c.From == e.source.addr {
			return c.Packets
		}
	}
	return 0
}

// carries sends n probes and waits for all of them to arrive.
func (e edge) carries(t *testing.T, n int) {
	t.Helper()
	before := e.arrived()
	require.NoError(t, e.from.Send(context.Background(), e.target, n))
	eventually(t, "probes arrive", func() bool { return e.arrived() == before+uint64(n) })
}

// swallows sends n probes, waits until drops shows them, and none arrived.
func (e edge) swallows(t *testing.T, n int, drops func() uint64) {
	t.Helper()
	before, dropped := e.arrived(), drops()
	require.NoError(t, e.from.Send(context.Background(), e.target, n), "a cut must not show to the sender")
	eventually(t, "probes are dropped", func() bool { return drops() == dropped+uint64(n) })
	require.Equal(t, before, e.arrived())
}

// probesOf sums the probe drops of a list.
func probesOf(t *testing.T, p *Partition, side func(Drops) []Drop) func() uint64 {
	return func() (sum uint64) {
		d, err := p.Drops()
		require.NoError(t, err)
		for _, x := range side(d) {
			sum += x.Probes
		}
		return sum
	}
}

func inDrops(d Drops) []Drop  { return d.In }
func outDrops(d Drops) []Drop { return d.Out }

func TestOneWayCutsOnBothSides(t *testing.T) {
	hs := hosts(t, 2)
	a, b := hs[0], hs[1]
	p, pa, pb := a.partition(t), a.prober(t), b.prober(t)
	ab := edge{from: pa, to: pb, source: a, target: b.addr}
	ba := edge{from: pb, to: pa, source: b, target: a.addr}
	in, out := probesOf(t, p, inDrops), probesOf(t, p, outDrops)
	peer := []netip.Addr{b.addr}

	ab.carries(t, 2)
	ba.carries(t, 2)
	require.NoError(t, p.Cut(State{In: peer}))
	ba.swallows(t, 5, in)
	ab.carries(t, 2)
	require.NoError(t, p.Cut(State{Out: peer}))
	ab.swallows(t, 4, out)
	ba.carries(t, 2)
	require.NoError(t, p.Cut(State{In: peer, Out: peer}))
	ab.swallows(t, 3, out)
	ba.swallows(t, 3, in)
	require.NoError(t, p.Cut(State{}))
	ab.carries(t, 2)
	ba.carries(t, 2)

	d, err := p.Drops()
	require.NoError(t, err)
	require.Equal(t, Drops{In: []Drop{{Peer: b.addr, Probes: 8}}, Out: []Drop{{Peer: b.addr, Probes: 7}}}, d)
}

func TestOutgoingTCPIsDroppedSilentlyAndCounted(t *testing.T) {
	hs := hosts(t, 2)
	a, b := hs[0], hs[1]
	b.echo(t)
	p := a.partition(t)
	ab, err := a.dial(t, b, time.Second)
	require.NoError(t, err)
	require.NoError(t, p.Cut(State{Out: []netip.Addr{b.addr}}))
	require.True(t, timedOut(echoed(ab, "x", patience)), "not EPERM")
	_, err = a.dial(t, b, patience)
	require.True(t, timedOut(err), err)
	d, err := p.Drops()
	require.NoError(t, err)
	require.Greater(t, d.Out[0].System, uint64(1))
	require.Zero(t, d.Out[0].Probes)
}

func TestCountsOutliveEveryChangeOfTheState(t *testing.T) {
	hs := hosts(t, 3)
	a, b, c := hs[0], hs[1], hs[2]
	p, pa, pb, pc := a.partition(t), a.prober(t), b.prober(t), c.prober(t)
	ba := edge{from: pb, to: pa, source: b, target: a.addr}
	ca := edge{from: pc, to: pa, source: c, target: a.addr}
	in := probesOf(t, p, inDrops)
	both := []netip.Addr{c.addr, b.addr, netip.MustParseAddr("::ffff:10.211.0.2")}

	require.NoError(t, p.Cut(State{In: both[1:2]}))
	ba.swallows(t, 1, in)
	ca.carries(t, 1)
	require.NoError(t, p.Cut(State{In: both}))
	require.NoError(t, p.Cut(State{In: both})) // changes nothing
	ba.swallows(t, 2, in)
	ca.swallows(t, 4, in)
	require.NoError(t, p.Cut(State{In: both[:1]}))
	ba.carries(t, 1)
	ca.swallows(t, 8, in)
	require.NoError(t, p.Cut(State{}))
	ca.carries(t, 1)
	require.NoError(t, p.Cut(State{In: both[1:2]}))
	ba.swallows(t, 16, in)
	d, err := p.Drops()
	require.NoError(t, err)
	require.Equal(t, []Drop{{Peer: b.addr, Probes: 19}, {Peer: c.addr, Probes: 12}}, d.In)
}

// A peer that stays cut is cut at every instant while others come and go.
func TestChangesAreAtomic(t *testing.T) {
	hs := hosts(t, 2)
	a, b := hs[0], hs[1]
	p, pa, pb := a.partition(t), a.prober(t), b.prober(t)
	many := []netip.Addr{b.addr}
	for i := range 12 {
		many = append(many, netip.AddrFrom4([4]byte{10, 211, 1, byte(i)}))
	}
	require.NoError(t, p.Cut(State{In: many[:1]}))
	const sent = 5000
	failed := make(chan error, 1)
	go func() { failed <- pb.Send(context.Background(), a.addr, sent) }()
	for done := false; !done; {
		require.NoError(t, p.Cut(State{In: many, Out: many[1:]}))
		require.NoError(t, p.Cut(State{In: many[:1]}))
		select {
		case err := <-failed:
			require.NoError(t, err)
			done = true
		default:
		}
	}
	dropped := probesOf(t, p, inDrops)
	eventually(t, "every probe is dropped", func() bool { return dropped() == sent })
	require.Empty(t, pa.Received())
}

func TestCutThatIsRefusedChangesNothing(t *testing.T) {
	hs := hosts(t, 2)
	a, b := hs[0], hs[1]
	p, pa, pb := a.partition(t), a.prober(t), b.prober(t)
	ba := edge{from: pb, to: pa, source: b, target: a.addr}
	require.NoError(t, p.Cut(State{In: []netip.Addr{b.addr}}))
	for _, bad := range []netip.Addr{netip.MustParseAddr("fd00::1"), {}} {
		require.ErrorContains(t, p.Cut(State{In: []netip.Addr{bad}}), "only IPv4")
		require.ErrorContains(t, p.Cut(State{Out: []netip.Addr{bad}}), "only IPv4")
	}
	ba.swallows(t, 1, probesOf(t, p, inDrops))
	require.NoError(t, p.Close())
	require.ErrorIs(t, p.Cut(State{}), errClosed)
	_, err := p.Drops()
	require.ErrorIs(t, err, errClosed)
	ba.carries(t, 1)
}

func TestWithoutAnInterfaceOnlyOutgoingCutsFail(t *testing.T) {
	h := host{ns: "rivenInjectAlone"}
	addNamespace(t, h.ns)
	p := h.partition(t)
	peer := []netip.Addr{netip.MustParseAddr("10.211.0.2")}
	require.NoError(t, p.Cut(State{In: peer}))
	require.ErrorContains(t, p.Cut(State{Out: peer}), "no interface")
}

func TestRulesGoWithTheProcessThatIsKilled(t *testing.T) {
	hs := hosts(t, 2)
	a, b := hs[0], hs[1]
	pa, pb := a.prober(t), b.prober(t)
	ba := edge{from: pb, to: pa, source: b, target: a.addr}
	ba.carries(t, 1)
	cmd := a.helperInside(t, "owner", b.addr.String())
	var second *Partition
	open := func() error { // the table has an owner
		var err error
		a.inside(t, func() error { second, err = OpenPartition(); return nil })
		return err
	}
	require.ErrorContains(t, open(), "create nft table riven")
	before := ba.arrived()
	require.NoError(t, pb.Send(context.Background(), a.addr, 3))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	eventually(t, "the kernel removes the table", func() bool { return open() == nil })
	require.NoError(t, second.Close())
	require.Equal(t, before, ba.arrived())
	ba.carries(t, 1)
}

func TestDetectAsRoot(t *testing.T) {
	hs := hosts(t, 1)
	s := NewSupervisor("/proc/self/exe", "launch")
	var got []Mechanism
	hs[0].inside(t, func() error { got = Detect(within(t), s); return nil })
	require.NoError(t, s.Close())
	var want []Mechanism
	for _, n := range []string{MechPartition, MechEgress, MechCounters, MechProbe, MechLaunch, MechPause, MechKill, MechClock, MechMono} {
		want = append(want, Mechanism{Name: n, OK: true})
	}
	require.Equal(t, want, got)
}

func TestLaunchDropsEverything(t *testing.T) {
	s := supervise(t)
	for _, id := range []string{"65534", "0"} {
		cmd := helper()
		cmd.Argv = []string{"grep", "-E", "^(Uid|Gid|Groups|Cap...|NoNewPrivs):", "/proc/self/status"}
		if id != "0" {
			cmd.UID, cmd.GID = 65534, 65534
		}
		_, out := startLines(t, s, cmd)
		var got []string
		for out.Scan() {
			got = append(got, out.Text())
		}
		all := "\t" + id + "\t" + id + "\t" + id + "\t" + id
		none := ":\t0000000000000000"
		require.Equal(t, []string{"Uid:" + all, "Gid:" + all, "Groups:\t ", "CapInh" + none, "CapPrm" + none, "CapEff" + none, "CapBnd" + none, "CapAmb" + none, "NoNewPrivs:\t1"}, got)
	}
}

func TestUnprivilegedChildDiesWithItsParentThread(t *testing.T) {
	s := NewSupervisor("/proc/self/exe", "launch")
	cmd := helper("wait")
	cmd.UID, cmd.GID = 65534, 65534
	child, _ := startReady(t, s, cmd)
	close(s.forks) // ends the forking thread alone: nobody kills the child but the kernel
	<-child.Done()
	require.Equal(t, "killed by killed", child.Status().String())
	s.forks = make(chan func())
	require.NoError(t, s.Close())
}

func TestMissingCapabilityIsTold(t *testing.T) {
	s := supervise(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	cmd := helper("owner", "10.211.0.2")
	cmd.UID, cmd.GID, cmd.Stderr = 65534, 65534, w
	child, err := s.Start(cmd)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	<-child.Done()
	said := make([]byte, 200)
	n, err := r.Read(said)
	require.NoError(t, err)
	require.Equal(t, "create nft table riven: operation not permitted\n", string(said[:n]))
	require.Equal(t, Mechanism{Name: "x", Detail: "a capability is missing: permission denied"}, mechanism("x", fs.ErrPermission))
	require.Equal(t, Mechanism{Name: "x", Detail: "no"}, mechanism("x", errors.New("no")))
}

func benchmarkPeers(b *testing.B) (*Partition, []netip.Addr) {
	p := hosts(b, 1)[0].partition(b)
	var peers []netip.Addr
	for i := range 6 {
		peers = append(peers, netip.AddrFrom4([4]byte{10, 211, 0, byte(10 + i)}))
	}
	require.NoError(b, p.Cut(State{In: peers, Out: peers}))
	return p, slices.Clip(peers)
}

// BenchmarkCut cuts six peers off both ways and heals.
func BenchmarkCut(b *testing.B) {
	p, peers := benchmarkPeers(b)
	for b.Loop() {
		if err := errors.Join(p.Cut(State{}), p.Cut(State{In: peers, Out: peers})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDrops(b *testing.B) {
	p, _ := benchmarkPeers(b)
	for b.Loop() {
		if _, err := p.Drops(); err != nil {
			b.Fatal(err)
		}
	}
}
