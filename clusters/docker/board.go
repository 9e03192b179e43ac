package docker

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"riven/clusters/docker/agent"
)

// state is what is known of a node from its agent's messages.
type state struct {
	up          *agent.Up
	incarnation int    // of the child that was started last, from 1
	running     bool   // that child has not ended
	exit        string // how the child before ended
	ready       bool   // a participant: it can take ops
	role        string // a server: leader, follower or none
	gone        error  // the agent can not be reached any more
}

// board holds the state of all nodes and lets others wait for it.
type board struct {
	mu      sync.Mutex
	nodes   map[string]state
	changed chan struct{} // closed and replaced at every change
}

func newBoard() *board {
	return &board{nodes: map[string]state{}, changed: make(chan struct{})}
}

func (b *board) update(node string, change func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.nodes[node]
	change(&s)
	b.nodes[node] = s
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) get(node string) state {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.nodes[node]
}

func (b *board) look() (map[string]state, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.nodes), b.changed
}

// await returns when done says true or gives an error, or with the context's error.
func (b *board) await(ctx context.Context, done func(map[string]state) (bool, error)) error {
	for {
		nodes, changed := b.look()
		ok, err := done(nodes)
		if ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// formed tells whether one of the running servers leads and all others follow it.
func formed(nodes map[string]state, servers []string) bool {
	leaders, followers, running := 0, 0, 0
	for _, name := range servers {
		s := nodes[name]
		if !s.running {
			continue
		}
		running++
		switch s.role {
		case roleLeader:
			leaders++
		case roleFollower:
			followers++
		}
	}
	return leaders == 1 && leaders+followers == running
}

// dead names the first of the nodes that can not become what is waited for any more.
func dead(nodes map[string]state, names []string) error {
	for _, name := range names {
		switch s := nodes[name]; {
		case s.gone != nil:
			return &nodeError{name, s.gone}
		case !s.running && s.exit != "":
			return &nodeError{name, fmt.Errorf("its process ended: %s", s.exit)}
		}
	}
	return nil
}
