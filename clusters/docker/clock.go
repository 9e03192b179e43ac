package docker

import (
	"context"
	"time"

	"riven/clusters"
	"riven/clusters/docker/agent"
)

// SetClock has the agent skew the wall clock of everything else on the node, or put it right again.
func (c *Cluster) SetClock(ctx context.Context, name string, offset time.Duration, rate float64) (clusters.ClockReading, clusters.Span, error) {
	n, err := c.node(name)
	if err != nil {
		return clusters.ClockReading{}, clusters.Span{}, err
	}
	r := agent.Request{Cmd: agent.CmdClock}
	if offset != 0 || rate != 1 {
		r.Clock, r.TTL = &agent.Clock{Offset: int64(offset), Rate: rate}, c.faultTTL()
	}
	return n.skew(ctx, r)
}

// SetMonoRate has the agent change the rate of the monotonic clock of everything else on the node.
func (c *Cluster) SetMonoRate(ctx context.Context, name string, rate float64) (clusters.ClockReading, clusters.Span, error) {
	n, err := c.node(name)
	if err != nil {
		return clusters.ClockReading{}, clusters.Span{}, err
	}
	r := agent.Request{Cmd: agent.CmdMono, Rate: rate}
	if rate != 1 {
		r.TTL = c.faultTTL()
	}
	return n.skew(ctx, r)
}

func (n *node) skew(ctx context.Context, r agent.Request) (clusters.ClockReading, clusters.Span, error) {
	a, err := n.ask(ctx, r)
	if err != nil || a.Clock == nil {
		return clusters.ClockReading{}, span(a), err
	}
	read := clusters.ClockReading{Pids: a.Clock.Pids, Before: time.Duration(a.Clock.Before), Now: time.Duration(a.Clock.Now)}
	return read, span(a), nil
}
