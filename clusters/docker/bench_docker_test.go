//go:build docker

package docker

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters"
	"riven/harness/history"
)

// BenchmarkStart measures a whole start, from nothing to a full quorum, and the stop after it.
func BenchmarkStart(b *testing.B) {
	cli, images := engine(b)
	for _, servers := range []int{3, 5, 7} {
		b.Run(fmt.Sprint(servers), func(b *testing.B) {
			for b.Loop() {
				c, err := New(testConfig(servers, 4, nobody{}, b.Logf), cli, images)
				require.NoError(b, err)
				require.NoError(b, c.Start(context.Background()))
				b.StopTimer()
				require.NoError(b, c.Stop(context.Background()))
				b.StartTimer()
			}
		})
	}
}

// flood delivers the next op as soon as one completes.
type flood struct {
	nobody
	c     *Cluster
	next  atomic.Int64
	left  atomic.Int64
	ended chan struct{}
}

func (f *flood) Record(e history.Event) {
	if e.Type != history.OK {
		return
	}
	switch n := f.left.Add(-1); {
	case n == 0:
		close(f.ended)
	case n > 0:
		f.deliver(e.Node, e.Process)
	}
}

func (f *flood) deliver(node string, process int) {
	inv := clusters.Invocation{ID: f.next.Add(1), Process: process, Op: history.Op{F: "read", Key: "/register"}}
	if err := f.c.Deliver(node, inv); err != nil {
		panic(err)
	}
}

// BenchmarkOps measures ops through participants that do nothing, as recorded, with so many ops delivered ahead.
func BenchmarkOps(b *testing.B) {
	cli, images := engine(b)
	for _, participants := range []int{1, 4} {
		for _, ahead := range []int{2, 32} {
			b.Run(fmt.Sprintf("participants=%d/ahead=%d", participants, ahead), func(b *testing.B) {
				f := &flood{ended: make(chan struct{})}
				c, err := New(testConfig(1, participants, f, func(string, ...any) {}), cli, images)
				require.NoError(b, err)
				f.c = c
				f.left.Store(int64(b.N))
				require.NoError(b, c.Start(context.Background()))
				b.ResetTimer()
				for i := range participants {
					for range ahead {
						f.deliver(fmt.Sprintf("p%d", i+1), i)
					}
				}
				<-f.ended
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				require.NoError(b, c.Stop(context.Background()))
			})
		}
	}
}

// BenchmarkControl measures the round trip of a request to an agent.
func BenchmarkControl(b *testing.B) {
	cli, images := engine(b)
	c, err := New(testConfig(1, 1, nobody{}, b.Logf), cli, images)
	require.NoError(b, err)
	require.NoError(b, c.Start(context.Background()))
	b.ResetTimer()
	for b.Loop() {
		_, err := c.Drops(context.Background())
		require.NoError(b, err)
	}
	b.StopTimer()
	require.NoError(b, c.Stop(context.Background()))
}
