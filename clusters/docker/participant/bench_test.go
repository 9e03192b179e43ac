//go:build docker

package participant

import (
	"bufio"
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
)

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// benchConns are a bare connection and one with the wire under it, to the same server.
func benchConns(b *testing.B) map[string]*zk.Conn {
	bare := observer(b)
	p := newPort(protocol.Hello{Servers: []protocol.Server{{Name: "zk1", Address: serverAddress}}}, nowhere{})
	c, err := openClient(p, 4*time.Second, false)
	require.NoError(b, err)
	b.Cleanup(func() {
		c.close()
		p.end(nil)
		require.NoError(b, p.wait(grace))
		p.out.close()
	})
	if _, err := bare.Create("/bench", []byte("x"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		require.ErrorIs(b, err, zk.ErrNodeExists)
	}
	return map[string]*zk.Conn{"bare": bare, "wire": c.conn}
}

// compare lets both connections make the same calls in turns, and reports the wire's throughput in percent of the bare
// one's: the median of many short turns, since the machine has other things to do.
func compare(b *testing.B, workers int, call func(*zk.Conn) error) {
	const turns, calls = 31, 640
	conns := benchConns(b)
	for b.Loop() {
		var percent []float64
		for range turns {
			bare := turn(b, conns["bare"], workers, calls, call)
			wire := turn(b, conns["wire"], workers, calls, call)
			percent = append(percent, 100*bare.Seconds()/wire.Seconds())
		}
		slices.Sort(percent)
		b.ReportMetric(percent[turns/2], "%ofbare")
	}
	b.ReportMetric(0, "ns/op")
}

func turn(b *testing.B, c *zk.Conn, workers, calls int, call func(*zk.Conn) error) time.Duration {
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			for range calls / workers {
				if err := call(c); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func read(c *zk.Conn) error {
	_, _, err := c.Get("/bench")
	return err
}

func write(c *zk.Conn) error {
	_, err := c.Set("/bench", []byte("y"), -1)
	return err
}

func BenchmarkReadOneByOne(b *testing.B)   { compare(b, 1, read) }
func BenchmarkReadPipelined(b *testing.B)  { compare(b, 32, read) }
func BenchmarkWriteOneByOne(b *testing.B)  { compare(b, 1, write) }
func BenchmarkWritePipelined(b *testing.B) { compare(b, 32, write) }

// BenchmarkNoop is what the protocol costs: one op after the other through a participant that does nothing.
func BenchmarkNoop(b *testing.B) {
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Run(context.Background(), in, stdout, nil) }()
	lines := bufio.NewReader(out)
	ask := func(line string) {
		_, err := io.WriteString(stdin, line)
		require.NoError(b, err)
		_, err = lines.ReadSlice('\n')
		require.NoError(b, err)
	}
	ask(`{"type":"hello","hello":{"version":1,"node":"p1","incarnation":1,"spec":{"recipe":"noop"}}}` + "\n")
	for b.Loop() {
		ask(`{"type":"invoke","id":1,"process":3,"f":"work","n":250}` + "\n")
	}
	stdin.Close()
	require.NoError(b, <-done)
}
