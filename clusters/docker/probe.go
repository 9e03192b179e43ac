package docker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/nemesis"
)

const (
	probeCount = 3                     // datagrams an edge, should one be lost for another reason
	probeTime  = time.Second           // until one must have been counted at the receiver
	probeEvery = 10 * time.Millisecond // between looks at the counters
)

// tally counts the probes of one edge at its receiver.
type tally struct{ arrived, dropped uint64 }

// Probe sends a few datagrams along each edge and waits until each edge's receiver has counted one, as received or as
// dropped by its rules, at most probeTime.
func (c *Cluster) Probe(ctx context.Context, edges []nemesis.Edge) ([]clusters.Probe, error) {
	if err := c.known(edges); err != nil {
		return nil, err
	}
	c.probing.Lock()
	defer c.probing.Unlock()
	receivers := c.pick(func(name string) bool {
		return slices.ContainsFunc(edges, func(e nemesis.Edge) bool { return e.To == name })
	})
	before, err := c.tallies(ctx, receivers)
	if err != nil {
		return nil, err
	}
	if err := c.sendProbes(ctx, edges); err != nil {
		return nil, err
	}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	deadline := time.After(probeTime)
	for {
		after, err := c.tallies(ctx, receivers)
		if err != nil {
			return nil, err
		}
		probes, all := outcomes(edges, before, after)
		if all {
			return probes, nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			return probes, nil
		case <-ctx.Done():
			return nil, fmt.Errorf("probe: %w", context.Cause(ctx))
		}
	}
}

// outcomes compares the receivers' counters before and after. all is false while an edge has no outcome.
func outcomes(edges []nemesis.Edge, before, after map[nemesis.Edge]tally) (probes []clusters.Probe, all bool) {
	all = true
	for _, e := range edges {
		p := clusters.Probe{
			Edge:    e,
			Arrived: after[e].arrived > before[e].arrived,
			Dropped: after[e].dropped > before[e].dropped,
		}
		all = all && (p.Arrived || p.Dropped)
		probes = append(probes, p)
	}
	return probes, all
}

func (c *Cluster) sendProbes(ctx context.Context, edges []nemesis.Edge) error {
	to := map[string][]string{}
	for _, e := range edges {
		to[e.From] = append(to[e.From], e.To)
	}
	senders := c.pick(func(name string) bool { return to[name] != nil })
	return each(senders, func(_ int, n *node) error {
		_, err := n.ask(ctx, agent.Request{Cmd: agent.CmdProbe, Peers: c.addresses(to[n.name]), Count: probeCount})
		return err
	})
}

func (c *Cluster) tallies(ctx context.Context, receivers []*node) (map[nemesis.Edge]tally, error) {
	drops, err := c.dropsOf(ctx, receivers)
	if err != nil {
		return nil, err
	}
	received := make([]agent.Answer, len(receivers))
	err = each(receivers, func(i int, n *node) (err error) {
		received[i], err = n.ask(ctx, agent.Request{Cmd: agent.CmdCounts})
		return err
	})
	if err != nil {
		return nil, err
	}
	counts := map[nemesis.Edge]tally{}
	for _, d := range drops {
		counts[d.Edge] = tally{dropped: d.Probes}
	}
	for i, n := range receivers {
		for _, r := range received[i].Received {
			from, err := c.nameOf(r.From)
			if err != nil {
				return nil, fmt.Errorf("probes received by %s: %w", n.name, err)
			}
			e := nemesis.Edge{From: from, To: n.name}
			counts[e] = tally{arrived: r.Packets, dropped: counts[e].dropped}
		}
	}
	return counts, nil
}
