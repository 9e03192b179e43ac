package docker

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/nemesis"
)

// cuts remembers which senders each node drops, so that a change goes to the nodes that it concerns.
type cuts struct {
	mu     sync.Mutex
	inward map[string][]string // node → names of the senders it drops; a node whose last change failed is in it
}

func (c *cuts) init() { c.inward = map[string][]string{} }

// inward groups edges by receiver: a partition is made by the receivers, who alone can drop without the sender's
// notice. Senders are sorted.
func inward(edges []nemesis.Edge) map[string][]string {
	in := map[string][]string{}
	for _, e := range edges {
		if !slices.Contains(in[e.To], e.From) {
			in[e.To] = append(in[e.To], e.From)
		}
	}
	for _, senders := range in {
		slices.Sort(senders)
	}
	return in
}

// Cut makes exactly these directions drop. The nodes that are to drop something, or did so before, are told at once;
// the span is from the first's beginning to the last's end, and zero if there was nothing to do.
func (c *Cluster) Cut(ctx context.Context, edges []nemesis.Edge) (clusters.Span, error) {
	if err := c.known(edges); err != nil {
		return clusters.Span{}, err
	}
	c.cuts.mu.Lock()
	defer c.cuts.mu.Unlock()
	want := inward(edges)
	concerned := c.pick(func(name string) bool {
		_, was := c.cuts.inward[name]
		return was || want[name] != nil
	})
	answers := make([]agent.Answer, len(concerned))
	err := each(concerned, func(i int, n *node) (err error) {
		answers[i], err = n.ask(ctx, agent.Request{Cmd: agent.CmdCut, Peers: c.addresses(want[n.name]), TTL: c.faultTTL()})
		return err
	})
	if err != nil {
		// Which of them have obeyed is not known: all are told again next time.
		maps.Copy(c.cuts.inward, want)
		return clusters.Span{}, err
	}
	c.cuts.inward = want
	return hull(answers), nil
}

// Drops reads what every node has dropped, by sender.
func (c *Cluster) Drops(ctx context.Context) ([]clusters.Drop, error) { return c.dropsOf(ctx, c.all()) }

func (c *Cluster) dropsOf(ctx context.Context, nodes []*node) ([]clusters.Drop, error) {
	answers := make([]agent.Answer, len(nodes))
	err := each(nodes, func(i int, n *node) (err error) {
		answers[i], err = n.ask(ctx, agent.Request{Cmd: agent.CmdDrops})
		return err
	})
	if err != nil {
		return nil, err
	}
	var drops []clusters.Drop
	for i, n := range nodes {
		for _, d := range answers[i].Drops {
			from, err := c.nameOf(d.From)
			if err != nil {
				return nil, fmt.Errorf("drops of %s: %w", n.name, err)
			}
			drops = append(drops, clusters.Drop{Edge: nemesis.Edge{From: from, To: n.name}, System: d.System, Probes: d.Probes})
		}
	}
	return drops, nil
}

func (c *Cluster) known(edges []nemesis.Edge) error {
	for _, e := range edges {
		for _, name := range []string{e.From, e.To} {
			if _, err := c.node(name); err != nil {
				return fmt.Errorf("edge from %s to %s: %w", e.From, e.To, err)
			}
		}
	}
	return nil
}

func (c *Cluster) pick(want func(name string) bool) []*node {
	return slices.DeleteFunc(c.all(), func(n *node) bool { return !want(n.name) })
}

func (c *Cluster) addresses(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = c.byName[name].addr.String()
	}
	return out
}

func (c *Cluster) nameOf(addr string) (string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return "", err
	}
	name, ok := c.byAddr[a]
	if !ok {
		return "", fmt.Errorf("%s is no node's address", a)
	}
	return name, nil
}

func hull(answers []agent.Answer) clusters.Span {
	if len(answers) == 0 {
		return clusters.Span{}
	}
	first := slices.MinFunc(answers, func(a, b agent.Answer) int { return int(a.From - b.From) })
	last := slices.MaxFunc(answers, func(a, b agent.Answer) int { return int(a.To - b.To) })
	return clusters.Span{From: first.From, To: last.To}
}
