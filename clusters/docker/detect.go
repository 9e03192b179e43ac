package docker

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moby/moby/client"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/nemesis/inject"
)

// Detect starts a node of the image for a moment, has its agent try every mechanism that faults are made of, and tells
// which of them work on this engine. run names it on the engine.
func Detect(ctx context.Context, cli *client.Client, run string, img Image) (found []inject.Mechanism, err error) {
	c, err := New(clusters.Config{
		Spec: spec.Spec{Participants: 1}, Observer: nobody{}, RunID: run, Clocks: true,
		Log:      func(string) io.Writer { return io.Discard },
		Progress: func(string, ...any) {},
	}, cli, Images{Server: img, Participant: img})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Stop(ctx)) }()
	if err := c.openAll(ctx); err != nil {
		return nil, err
	}
	a, err := c.parts[0].ask(ctx, agent.Request{Cmd: agent.CmdDetect})
	if err != nil {
		return nil, fmt.Errorf("try the faults' mechanisms: %w", err)
	}
	return a.Mechanisms, nil
}

// nobody observes a node that no run looks at.
type nobody struct{}

func (nobody) Record(history.Event)                 {}
func (nobody) Returned(string, int64)               {}
func (nobody) Decide(string, env.Request) env.Reply { return env.Reply{} }
func (nobody) Fired(clusters.Fired)                 {}
func (nobody) Lost(string, nemesis.LostReply)       {}
func (nobody) Broken(string, error)                 {}
