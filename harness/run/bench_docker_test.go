//go:build docker

package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		spec: s, force: map[string]*inForce{}, done: map[string]bool{}, progress: silent{},
		conductor: nemesis.NewConductor(nemesis.Plan{}, nemesis.NewView(s.ServerNames(), s.ParticipantNames(), homes)),
		observer: &observer{
			recorder: rec, events: newQueue(), resource: accepting{}, opsStart: time.Now(),
			lost: map[string][]nemesis.LostReply{}, fatal: make(chan struct{}),
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

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Update(Status)         {}

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
