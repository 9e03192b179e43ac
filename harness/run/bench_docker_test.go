//go:build docker

package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters"
	"riven/clusters/docker"
	"riven/clusters/docker/image"
	"riven/clusters/docker/participant"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads"
)

// benchRun is a run on real containers with everything that lies in the way of an op: stream, dispatcher, agents,
// observer, conductor, recorder. Its cluster is up.
func benchRun(b *testing.B, s spec.Spec, observe func(clusters.Observer) clusters.Observer) *run {
	b.Helper()
	ctx := context.Background()
	cli, err := docker.Connect(ctx)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, cli.Close()) })
	rec, err := results.Create(b.TempDir(), s, time.Now())
	require.NoError(b, err)
	homes := map[string][]string{}
	r := &run{
		spec: s, force: map[string]*inForce{}, done: map[string]bool{},
		conductor: nemesis.NewConductor(nemesis.Plan{}, nemesis.NewView(s.ServerNames(), s.ParticipantNames(), homes)),
		observer: &observer{
			recorder: rec, events: newQueue(), resource: accepting{}, opsStart: time.Now(),
			lost: map[string][]nemesis.LostReply{}, late: map[string]nemesis.LateReceipt{}, fatal: make(chan struct{}),
		},
		left: func() time.Duration { return 0 },
	}
	r.dispatch = newDispatcher(s.ParticipantNames(), r.deliver, r.Broken)
	c, err := docker.New(clusters.Config{
		Spec: s, Observer: observe(r.observer), Log: func(string) io.Writer { return io.Discard },
		Progress: b.Logf, RunID: fmt.Sprintf("bench-%d-%s", os.Getpid(), filepath.Base(rec.Dir)),
	}, cli, benchImages(b, image.New(cli, b.Logf)))
	require.NoError(b, err)
	r.cluster = c
	require.NoError(b, c.Start(ctx))
	b.Cleanup(func() {
		require.NoError(b, c.Stop(ctx))
		require.NoError(b, rec.Close())
		require.Empty(b, r.problems)
	})
	return r
}

// benchImages are nodes with the test binary as the agent.
func benchImages(b *testing.B, builder *image.Builder) docker.Images {
	self, err := os.Executable()
	require.NoError(b, err)
	server, err := builder.Server(context.Background(), spec.Default().Suite, self)
	require.NoError(b, err)
	part, err := builder.Participant(context.Background(), self)
	require.NoError(b, err)
	of := func(i image.Image) docker.Image {
		return docker.Image{Ref: i.Ref, UID: int(i.User.UID), GID: int(i.User.GID), Command: i.Command}
	}
	return docker.Images{Server: of(server), Participant: of(part)}
}

type accepting struct{}

func (accepting) Decide(string, env.Request) env.Reply { return env.Reply{Accepted: true} }

type reads struct{}

func (reads) Next() history.Op   { return history.Op{F: "read", Key: "/register"} }
func (reads) Rest() []history.Op { return nil }

// BenchmarkRecordedOps measures ops through four real participants that do nothing, dispatched and recorded as in
// a run: how many a second, and how much of the harness's own processor time each takes.
func BenchmarkRecordedOps(b *testing.B) {
	const batch = 10_000
	s := spec.Default()
	s.Servers, s.Recipe = 1, participant.Noop
	r := benchRun(b, s, func(o clusters.Observer) clusters.Observer { return o })
	streams := map[string]workloads.Stream{}
	for _, p := range s.ParticipantNames() {
		streams[p] = reads{}
	}
	r.dispatch.start(streams)
	done := func(n int) {
		for r.dispatch.counts().OK < n {
			require.NoError(b, r.step(context.Background(), time.Second))
		}
	}
	done(batch) // warm
	first, used := r.dispatch.counts().OK, cpu(b)
	for n := first; b.Loop(); {
		n += batch
		done(n)
	}
	ops := float64(r.dispatch.counts().OK - first)
	b.ReportMetric(ops/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/ops, "cpu-ns/op")
	b.ReportMetric(0, "ns/op")
	r.dispatch.halt()
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stopwatch is an observer that takes the times of ops, by the agents' stamps, on their way to another.
type stopwatch struct {
	clusters.Observer
	mu          sync.Mutex
	first, last int64
	failed      []history.Event
}

func (w *stopwatch) Record(e history.Event) {
	w.mu.Lock()
	switch {
	case e.Type == history.Invoke && (w.first == 0 || e.Time < w.first):
		w.first = e.Time
	case e.Type == history.OK:
		w.last = max(w.last, e.Time)
	case e.Completes():
		w.failed = append(w.failed, e)
	}
	w.mu.Unlock()
	w.Observer.Record(e)
}

// lap has every participant do the ops and tells how long it took from the first invocation to the last completion.
func (w *stopwatch) lap(b *testing.B, r *run, ops func(participant string) []history.Op) time.Duration {
	w.mu.Lock()
	w.first, w.last = 0, 0
	w.mu.Unlock()
	for _, p := range r.spec.ParticipantNames() {
		r.dispatch.add(p, ops(p)...)
	}
	busy := func(p string) bool { return !r.dispatch.idle(p) }
	for slices.ContainsFunc(r.spec.ParticipantNames(), busy) {
		require.NoError(b, r.step(context.Background(), time.Second))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(b, w.failed)
	return time.Duration(w.last - w.first)
}

// BenchmarkBesideBare compares calls that a real participant makes, one an op, dispatched and recorded with every reply
// on the wire as in a run, with those of a plain go-zookeeper connection of the same process to the same server of a real
// ensemble. Both take short turns; it reports the median of the recorded calls' rates in percent of the bare ones'.
func BenchmarkBesideBare(b *testing.B) {
	for _, participants := range []int{1, 4} {
		b.Run(fmt.Sprintf("sessions=%d", participants), func(b *testing.B) {
			s := spec.Default()
			s.Recipe, s.Participants = "calls", participants
			w := &stopwatch{}
			r := benchRun(b, s, func(o clusters.Observer) clusters.Observer { w.Observer = o; return w })
			w.lap(b, r, func(p string) []history.Op { return []history.Op{{F: "open", Key: "/" + p}} })
			b.Run("read", func(b *testing.B) { w.compare(b, r, "read", 200) })
			b.Run("write", func(b *testing.B) { w.compare(b, r, "write", 100) })
		})
	}
}

func (w *stopwatch) compare(b *testing.B, r *run, f string, calls int) {
	turn := func(op history.Op, times int) time.Duration {
		return w.lap(b, r, func(p string) []history.Op {
			op.Key = "/" + p
			return slices.Repeat([]history.Op{op}, times)
		})
	}
	var percent []float64
	var bare, recorded time.Duration
	for b.Loop() {
		x := turn(history.Op{F: "bare " + f, N: int64(calls)}, 1)
		turn(history.Op{F: f}, calls/4) // that the dispatcher sees how quick they are
		y := turn(history.Op{F: f}, calls)
		bare, recorded = bare+x, recorded+y
		percent = append(percent, 100*x.Seconds()/y.Seconds())
	}
	slices.Sort(percent)
	all := float64(len(percent) * calls * r.spec.Participants)
	b.ReportMetric(percent[len(percent)/2], "%ofbare")
	b.ReportMetric(all/bare.Seconds(), "bare-calls/s")
	b.ReportMetric(all/recorded.Seconds(), "recorded-calls/s")
	b.ReportMetric(0, "ns/op")
}
