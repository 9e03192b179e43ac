package agent

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
)

// BenchmarkRoundTrips counts ops from the harness through the agent to a participant and back: each is a request
// decoded, handed over, stamped twice and relayed. Two are under way, so that the agent always holds one.
func BenchmarkRoundTrips(b *testing.B) {
	b.Run("process", func(b *testing.B) {
		c := newConsole(b)
		drop := make(chan struct{})
		c.see() // up
		c.request(Request{ID: 1, Cmd: CmdStart, Launch: &Launch{
			Argv: []string{"/proc/self/exe", "echo"}, Incarnation: 1, Participant: &protocol.Hello{},
		}})
		c.see() // answer
		c.see() // ready
		b.ResetTimer()
		go func() {
			defer close(drop)
			for done := 0; done < b.N; {
				if bytes.Contains([]byte(<-c.messages), []byte(`"type":"ok"`)) {
					done++
					c.send(benchOp(done + 2))
				}
			}
		}()
		c.send(benchOp(1))
		c.send(benchOp(2))
		<-drop
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		_, err := c.end()
		require.NoError(b, err)
	})
	b.Run("relay", func(b *testing.B) {
		said := make(chan struct{}, 4)
		out := newStream(writer(func(p []byte) (int, error) {
			for range bytes.Count(p, []byte(`"type":"ok"`)) {
				said <- struct{}{}
			}
			return len(p), nil
		}))
		r := newRelay(out)
		p, err := newPipes()
		require.NoError(b, err)
		co, err := newOutput(p.out)
		require.NoError(b, err)
		c := &child{launch: &Launch{Incarnation: 1}, out: co}
		r.attach(c)
		go echo(p.childIn, p.childOut)
		go func() { _ = r.read(c, newLineReader(co, maxLine)) }()
		go func() {
			_, _ = io.WriteString(p.in, "hello\n")
			r.write(c, p.in)
		}()
		a := &agent{relay: r, out: out}
		b.ResetTimer()
		for i := range b.N + 1 {
			require.NoError(b, a.request([]byte(benchOp(i)), nil))
			if i > 0 {
				<-said
			}
		}
		<-said
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		r.detach(c, func(int64) Message { return Message{Exit: &Exit{}} })
		for _, f := range []*os.File{p.in, p.childIn, p.childOut} {
			f.Close()
		}
		require.NoError(b, out.close())
	})
}

func benchOp(id int) string {
	return fmt.Sprintf(`{"cmd":"op","in":{"type":"invoke","id":%d,"process":3,"f":"acquire","key":"/riven/lock"}}`, id)
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
