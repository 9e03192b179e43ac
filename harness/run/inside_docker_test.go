//go:build docker

package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/participant"
	"riven/clusters/docker/protocol"
	"riven/harness/coord"
	"riven/harness/history"
	"riven/nemesis/inject"
	"riven/workloads"
)

// The test binary is also what runs inside the nodes.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !slices.Contains([]string{"agent", "launch", "participant"}, os.Args[1]) {
		os.Exit(m.Run())
	}
	if err := inside(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func inside(command string, args []string) error {
	if command == "launch" {
		return inject.Launch(args)
	}
	stdin, stdout, err := protocol.Stdio()
	if err != nil {
		return err
	}
	if command == "agent" {
		return agent.Run(context.Background(), stdin, stdout, os.Stderr)
	}
	return measured(stdin, stdout)
}

// measured is riven's participant with calls as its recipe, which learns the servers' addresses from the hello.
func measured(stdin io.Reader, stdout io.Writer) error {
	r := bufio.NewReader(stdin)
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	var in protocol.In
	if err := json.Unmarshal(line, &in); err != nil {
		return err
	}
	find := func(string, string) (workloads.Recipe, error) {
		return workloads.Recipe{Name: "calls", New: func(c workloads.Config) workloads.Driven {
			return &calls{config: c, server: in.Hello.Servers[0].Address}
		}}, nil
	}
	return participant.Run(context.Background(), io.MultiReader(bytes.NewReader(line), r), stdout, find)
}

// calls is a recipe for measurements: an op "read" or "write" is one call of a recorded session; an op "bare read" or
// "bare write" is N calls of a plain go-zookeeper connection to the same server, one after the other.
type calls struct {
	config  workloads.Config
	server  string
	session coord.Session
	bare    *zk.Conn
}

func (c *calls) Do(op history.Op) workloads.Completion {
	if err := c.do(op); err != nil {
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	return workloads.Completion{Type: history.OK}
}

func (c *calls) do(op history.Op) (err error) {
	switch op.F {
	case "open":
		return c.open(op.Key)
	case "read":
		_, _, err = c.session.Get(op.Key)
	case "write":
		_, err = c.session.Set(op.Key, []byte("y"), coord.AnyVersion)
	case "bare read":
		for i := int64(0); i < op.N && err == nil; i++ {
			_, _, err = c.bare.Get(op.Key)
		}
	case "bare write":
		for i := int64(0); i < op.N && err == nil; i++ {
			_, err = c.bare.Set(op.Key, []byte("y"), -1)
		}
	}
	return err
}

func (c *calls) open(node string) (err error) {
	timeout := c.config.Spec.Timing.Session.D()
	if c.session, err = c.config.Env.Open(coord.Options{Timeout: timeout}); err != nil {
		return err
	}
	var events <-chan zk.Event
	if c.bare, events, err = zk.Connect([]string{c.server}, timeout, zk.WithLogInfo(false)); err != nil {
		return err
	}
	limit := time.After(10 * time.Second)
	for c.bare.State() != zk.StateHasSession {
		select {
		case <-events:
		case <-limit:
			return fmt.Errorf("no bare session with %s within 10 s", c.server)
		}
	}
	_, err = c.session.Create(node, []byte("x"), coord.Persistent)
	return err
}
