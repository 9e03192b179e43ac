package participant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// testRecipes are those of the scripts.
func testRecipes(_, name string) (workloads.Recipe, error) {
	r := workloads.Recipe{Name: name}
	switch name {
	case "asker":
		r.New = func(c workloads.Config) workloads.Driven {
			return script{"ask": func(op history.Op) workloads.Completion {
				reply, err := c.Env.Call(env.Request{Resource: "register", Hold: c.Env.ID() + "/1", Token: op.Token, Key: "k", N: op.N})
				return ok(history.Op{N: reply.N, Text: fmt.Sprintf("%d %v %q %v", reply.Seq, reply.Accepted, reply.Text, err)})
			}}
		}
	case "panics":
		r.New = func(workloads.Config) workloads.Driven { return script{} }
	case "liar":
		r.New = func(workloads.Config) workloads.Driven {
			return script{"go": func(history.Op) workloads.Completion { return workloads.Completion{Type: "done"} }}
		}
	case "zk.Lock":
		r.Native = true
	case "hollow":
	default:
		return workloads.Recipe{}, errors.New("no such recipe")
	}
	return r, nil
}

var (
	monos  = regexp.MustCompile(`"mono":\d+`)
	stacks = regexp.MustCompile(`(?s)\ngoroutine.*`)
)

// TestRun plays scripts of what an agent says: the lines of "in"; after one that ends with "=>" the script waits for a
// line of the participant. Then the input ends, unless it "stays" open.
func TestRun(t *testing.T) {
	datadriven.RunTest(t, "testdata/run", func(t *testing.T, d *datadriven.TestData) string {
		noLeaks(t)
		in, stdin := io.Pipe()
		out, stdout := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- Run(context.Background(), in, stdout, testRecipes)
			in.Close()
			stdout.Close()
		}()
		var said bytes.Buffer
		heard := make(chan int, 100) // lines said
		go func() {
			defer close(heard)
			buf := make([]byte, 64<<10)
			for lines := 0; ; {
				n, err := out.Read(buf)
				said.Write(buf[:n])
				for range bytes.Count(buf[:n], []byte("\n")) {
					lines++
					heard <- lines
				}
				if err != nil {
					return
				}
			}
		}()
		for line := range strings.SplitSeq(d.Input, "\n") {
			line, expects := strings.CutSuffix(line, " =>") // the participant answers with a line
			if _, err := io.WriteString(stdin, line+"\n"); err != nil {
				break
			}
			if expects {
				<-heard
			}
		}
		if d.HasArg("stays") { // the input goes on: the participant ends by itself
			defer stdin.Close()
		} else {
			stdin.Close()
		}
		err := <-done
		for range heard {
		}
		text := monos.ReplaceAllString(said.String(), `"mono":0`)
		if err != nil {
			text += "error: " + stacks.ReplaceAllString(err.Error(), "") + "\n"
		}
		return text
	})
}

func TestContextEndsRun(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(context.Background())
	in, stdin := io.Pipe()
	defer stdin.Close()
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Run(ctx, in, stdout, testRecipes) }()
	_, err := io.WriteString(stdin, `{"type":"hello","hello":{"version":1,"node":"p1","incarnation":1,"spec":{"recipe":"noop"}}}`+"\n")
	require.NoError(t, err)
	_, err = out.Read(make([]byte, 1000))
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-done)
}

func TestOutputGone(t *testing.T) {
	noLeaks(t)
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	out.Close()
	done := make(chan error, 1)
	go func() { done <- Run(context.Background(), in, stdout, testRecipes) }()
	_, err := io.WriteString(stdin, `{"type":"hello","hello":{"version":1,"node":"p1","incarnation":1,"spec":{"recipe":"noop"}}}`+"\n")
	require.NoError(t, err)
	require.EqualError(t, <-done, "write to the agent: io: read/write on closed pipe")
	stdin.Close()
}

// blocked is a writer that takes its first write only when told to.
type blocked struct {
	begin  chan struct{}
	writes [][]byte
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.begin
	b.writes = append(b.writes, bytes.Clone(p))
	return len(p), nil
}

// What is said while a write is under way goes out in one write.
func TestLinesGather(t *testing.T) {
	noLeaks(t)
	b := &blocked{begin: make(chan struct{})}
	l := newLines(b, func(err error) { t.Error(err) })
	for i := range int64(100) {
		l.say(protocol.Out{Type: "ok", ID: i + 1})
	}
	close(b.begin)
	l.close()
	require.LessOrEqual(t, len(b.writes), 2)
	require.Equal(t, 100, bytes.Count(bytes.Join(b.writes, nil), []byte("\n")))
}
