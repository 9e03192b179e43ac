package network

import (
	"time"

	"riven/clusters/sim/kernel"
)

// Times of TCP on Linux.
const (
	firstRetry = 200 * time.Millisecond // TCP_RTO_MIN: an acknowledgement is missed after that
	lastRetry  = 2 * time.Minute        // TCP_RTO_MAX
	dialRetry  = time.Second            // TCP_TIMEOUT_INIT: a SYN is sent again after that, then twice that, …
)

// Edges are the directions between nodes, which can be cut: a packet is dropped by the receiver.
type Edges struct {
	k     *kernel.Kernel
	nodes int
	edges []edge
}

type edge struct {
	cut    bool
	drops  uint64
	probes uint64 // dropped
	sent   uint64 // for the draw of latencies
}

// NewEdges joins all nodes.
func NewEdges(k *kernel.Kernel, nodes int) *Edges {
	return &Edges{k: k, nodes: nodes, edges: make([]edge, nodes*nodes)}
}

func (e *Edges) edge(from, to int) *edge { return &e.edges[from*e.nodes+to] }

// Cut makes the direction drop from now on, or pass.
func (e *Edges) Cut(from, to int, cut bool) { e.edge(from, to).cut = cut }

// Drops is what the direction has dropped: packets of the system, and probes.
func (e *Edges) Drops(from, to int) (system, probes uint64) {
	x := e.edge(from, to)
	return x.drops, x.probes
}

// Probe sends a datagram along the direction and tells whether it arrives.
func (e *Edges) Probe(from, to int) bool {
	x := e.edge(from, to)
	if x.cut {
		x.probes++
	}
	return !x.cut
}

// blocked tells whether a packet is dropped, and counts that.
func (e *Edges) blocked(from, to int) bool {
	x := e.edge(from, to)
	if x.cut {
		x.drops++
	}
	return x.cut
}

// latency is how long a packet takes: mostly a fraction of a millisecond, sometimes some more.
func (e *Edges) latency(from, to int) time.Duration {
	x := e.edge(from, to)
	x.sent++
	stream := 1<<32 | uint64(from*e.nodes+to)
	v := e.k.Draw(stream, x.sent)
	d := 100*time.Microsecond + time.Duration(v>>32)%(300*time.Microsecond)
	if v&127 == 0 {
		d += time.Duration(v>>7) % (8 * time.Millisecond)
	}
	return d
}
