package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
)

// Deadlines of a start. An engine under load takes a second for seven nodes, a JVM some seconds to join.
const (
	openTime  = 60 * time.Second // all containers created and started
	formTime  = 90 * time.Second // the ensemble formed
	readyTime = 60 * time.Second // all participants ready
	turnPoll  = 20 * time.Millisecond
)

// Start brings the cluster up. If it returns an error, everything it had created is removed again.
func (c *Cluster) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop(ctx))
		}
	}()
	begin := time.Now()
	if err := c.openAll(ctx); err != nil {
		return err
	}
	c.cfg.Progress("%d servers and %d participants: containers up after %v", len(c.servers), len(c.parts), since(begin))
	if err := c.awaitFormed(ctx); err != nil {
		return err
	}
	c.cfg.Progress("%s leads %d servers after %v", c.leader(), len(c.servers), since(begin))
	if err := c.startParticipants(ctx); err != nil {
		return err
	}
	c.cfg.Progress("%d participants ready after %v", len(c.parts), since(begin))
	return nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }

// openAll creates and starts all containers at once, and the servers' children as soon as the servers have addresses.
// What the engine has begun is seen to its end even when ctx is cancelled meanwhile, so that Stop knows what there is
// to remove.
func (c *Cluster) openAll(ctx context.Context) error {
	for _, img := range []Image{c.images.Server, c.images.Participant} {
		if err := img.find(ctx, c.cli); err != nil {
			return err
		}
	}
	c.started = time.Now()
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTime)
	defer cancel()
	var err error
	if c.network, err = createNetwork(own, c.cfg.RunID, c.started); err != nil {
		return err
	}
	parts := make(chan error)
	go func() { parts <- each(c.parts, func(_ int, n *node) error { return c.open(own, n) }) }()
	err = each(c.servers, func(_ int, n *node) error { return c.open(own, n) })
	if err == nil {
		err = c.launchServers(ctx)
	}
	if err := errors.Join(err, <-parts); err != nil {
		return err
	}
	for _, n := range c.all() {
		c.byAddr[n.addr] = n.name
	}
	return c.awaitUp(ctx)
}

func (c *Cluster) awaitUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("not within %v", callTime))
	defer cancel()
	err := c.board.await(ctx, func(nodes map[string]state) (bool, error) {
		for _, n := range c.all() {
			if err := nodes[n.name].gone; err != nil {
				return false, &nodeError{n.name, err}
			}
			if nodes[n.name].up == nil {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return failed("the agents did not come up", err, c.all())
	}
	for _, n := range c.all() {
		if up := c.board.get(n.name).up; up.Error != "" {
			c.cfg.Progress("%s: %s", n.name, up.Error)
		}
	}
	if !c.Comparable() {
		c.cfg.Progress("the nodes do not share a kernel: times of different nodes can not be compared")
	}
	return nil
}

func (c *Cluster) launchServers(ctx context.Context) error {
	addrs := make([]netip.Addr, len(c.servers))
	for i, n := range c.servers {
		addrs[i] = n.addr
	}
	config := zooConfig(c.cfg.Spec.Timing, addrs)
	if c.cfg.Spec.Staged {
		return c.launchInTurn(ctx, config)
	}
	return each(c.servers, func(i int, n *node) error {
		n.launch = serverLaunch(n.image, i+1, config)
		return c.launch(ctx, n)
	})
}

// launchInTurn starts each server when the one before it looks for a leader, and from the one on that makes the majority
// when one leads: it is to be led by that one.
func (c *Cluster) launchInTurn(ctx context.Context, config string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, formTime, fmt.Errorf("not within %v", formTime))
	defer cancel()
	for i, n := range c.servers {
		n.launch = serverLaunch(n.image, i+1, config)
		if err := c.launch(ctx, n); err != nil {
			return err
		}
		if err := c.awaitTurn(ctx, n, i >= len(c.servers)/2); err != nil {
			return failed("start the servers in turn: "+n.name, err, c.servers)
		}
	}
	return nil
}

// awaitTurn waits until the server looks for a leader (it answers, and that it serves nobody), or leads or follows.
func (c *Cluster) awaitTurn(ctx context.Context, n *node, majority bool) error {
	if majority {
		return c.board.await(ctx, func(nodes map[string]state) (bool, error) {
			s := nodes[n.name]
			return s.role == roleLeader || s.role == roleFollower, dead(nodes, []string{n.name})
		})
	}
	for {
		if a, err := n.ask(ctx, agent.Request{Cmd: agent.CmdFour, Word: "srvr"}); err == nil && a.Text != "" {
			return nil
		}
		if nodes, _ := c.board.look(); dead(nodes, []string{n.name}) != nil {
			return dead(nodes, []string{n.name})
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(turnPoll):
		}
	}
}

func (c *Cluster) awaitFormed(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, formTime, fmt.Errorf("not within %v", formTime))
	defer cancel()
	names := c.cfg.Spec.ServerNames()
	err := c.board.await(ctx, func(nodes map[string]state) (bool, error) {
		return formed(nodes, names), dead(nodes, names)
	})
	if err != nil {
		return failed("the ensemble did not form", err, c.servers)
	}
	return nil
}

func (c *Cluster) startParticipants(ctx context.Context) error {
	nodes, _ := c.board.look()
	pinned, err := resolvePins(c.cfg.Spec.Pins, c.cfg.Spec.ServerNames(), nodes)
	if err != nil {
		return err
	}
	servers := addressesOf(c.servers, clientPort)
	var peers []protocol.Server
	if len(c.cfg.Spec.Roles) > 0 {
		peers = addressesOf(c.parts, messagePort)
	}
	err = each(c.parts, func(i int, n *node) error {
		n.launch = participantLaunch(n.image, n.name, c.cfg.Spec, serversOf(i, n.name, servers, pinned), peers)
		return c.launch(ctx, n)
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTime, fmt.Errorf("not within %v", readyTime))
	defer cancel()
	names := c.cfg.Spec.ParticipantNames()
	err = c.board.await(ctx, func(nodes map[string]state) (bool, error) {
		for _, name := range names {
			if !nodes[name].ready {
				return false, dead(nodes, names)
			}
		}
		return true, nil
	})
	if err != nil {
		return failed("the participants did not get ready", err, c.parts)
	}
	return nil
}

func addressesOf(nodes []*node, port int) []protocol.Server {
	out := make([]protocol.Server, len(nodes))
	for i, n := range nodes {
		out[i] = protocol.Server{Name: n.name, Address: net.JoinHostPort(n.addr.String(), strconv.Itoa(port))}
	}
	return out
}

// launch starts the first incarnation of a node's child.
func (c *Cluster) launch(ctx context.Context, n *node) error {
	_, _, err := c.startChild(ctx, n)
	return err
}

func (c *Cluster) leader() string {
	for _, n := range c.servers {
		if c.board.get(n.name).role == roleLeader {
			return n.name
		}
	}
	return "nobody"
}
