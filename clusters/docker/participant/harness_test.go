package participant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// script is a recipe made of functions, one for each op.
type script map[string]func(history.Op) workloads.Completion

func (s script) Do(op history.Op) workloads.Completion { return s[op.F](op) }

func ok(op history.Op) workloads.Completion {
	return workloads.Completion{Type: history.OK, Op: op}
}

// rig is an agent in the test that runs a participant in the same process.
type rig struct {
	t     *testing.T
	stdin *io.PipeWriter
	done  chan error
	ids   int64

	mu   sync.Mutex
	more *sync.Cond
	said []protocol.Out
}

// start runs a recipe made by make against the servers.
func start(t *testing.T, servers []protocol.Server, make func(env.Env) script) *rig {
	return startRecipe(t, servers, func(_, name string) (workloads.Recipe, error) {
		return workloads.Recipe{Name: name, New: func(c workloads.Config) workloads.Driven { return make(c.Env) }}, nil
	})
}

func startRecipe(t *testing.T, servers []protocol.Server, find Find) *rig {
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	r := &rig{t: t, stdin: stdin, done: make(chan error, 1)}
	r.more = sync.NewCond(&r.mu)
	go func() {
		r.done <- Run(context.Background(), in, stdout, find)
		stdout.Close()
	}()
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		r.listen(out)
	}()
	t.Cleanup(func() {
		stdin.Close()
		<-listening
	})
	s := spec.Default()
	s.Recipe = "script"
	s.Timing.Session = spec.Duration(time.Second)
	r.send(protocol.In{Type: protocol.TypeHello, Hello: &protocol.Hello{
		Version: protocol.Version, Node: "p1", Incarnation: 2, Seed: 7, Servers: servers, Spec: s,
	}})
	return r
}

func (r *rig) listen(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var o protocol.Out
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(fmt.Sprintf("%v: %q", err, lines.Bytes()))
		}
		r.mu.Lock()
		r.said = append(r.said, o)
		r.more.Broadcast()
		r.mu.Unlock()
	}
}

func (r *rig) send(in protocol.In) {
	line, err := json.Marshal(in)
	require.NoError(r.t, err)
	_, err = io.Copy(r.stdin, bytes.NewReader(append(line, '\n')))
	require.NoError(r.t, err)
}

// await gives the first message for which want is true, said already or still to come.
func (r *rig) await(want func(protocol.Out) bool) protocol.Out {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if i := slices.IndexFunc(r.said, want); i >= 0 {
			return r.said[i]
		}
		r.more.Wait()
	}
}

func (r *rig) awaitNote(kind string) protocol.Out {
	return r.await(func(o protocol.Out) bool { return o.Type == string(history.Note) && o.F == kind })
}

// invoke hands an op out.
func (r *rig) invoke(op history.Op) (id int64) {
	r.ids++
	r.send(protocol.In{Type: protocol.TypeInvoke, ID: r.ids, Op: op})
	return r.ids
}

// do hands an op out and waits for its completion.
func (r *rig) do(op history.Op) protocol.Out {
	id := r.invoke(op)
	return r.await(func(o protocol.Out) bool {
		return o.ID == id && (o.Type == string(history.OK) || o.Type == string(history.Fail) || o.Type == string(history.Info))
	})
}

// of gives all that was said of a type so far.
func (r *rig) of(types ...string) []protocol.Out {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.said), func(o protocol.Out) bool { return !slices.Contains(types, o.Type) })
}

// end ends the input and gives Run's error.
func (r *rig) end() error {
	r.stdin.Close()
	return <-r.done
}

// noLeaks fails the test if it leaves a goroutine behind. It must come before whatever starts one.
func noLeaks(t *testing.T) {
	old := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, old) })
}
