package inject

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// ProbePort is the UDP port of probes in every node; a Partition counts what it drops on it apart.
const ProbePort = 7483

// Token is drawn once per run and is the content of its probes: a datagram with any other content is not counted.
type Token [16]byte

// Count says how many probes arrived from a peer.
type Count struct {
	From    netip.Addr
	Packets uint64
}

// Prober sends probes to other nodes and counts those that arrive here. A probe is one datagram one way and has no answer, so that it
// proves one direction of one edge: cut when the receiver's count stands still and the dropping side's probe counter rises, open when
// the receiver's count rises.
type Prober struct {
	token Token
	conn  *net.UDPConn
	ended chan struct{}

	mu       sync.Mutex
	received map[netip.Addr]uint64
}

// ListenProbes starts to count probes on every address of this network namespace.
func ListenProbes(token Token) (*Prober, error) {
	return listenProbes(token, netip.IPv4Unspecified())
}

func listenProbes(token Token, on netip.Addr) (*Prober, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(on, ProbePort)))
	if err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}
	p := &Prober{token: token, conn: conn, ended: make(chan struct{}), received: make(map[netip.Addr]uint64)}
	go p.receive()
	return p, nil
}

func (p *Prober) receive() {
	defer close(p.ended)
	buf := make([]byte, len(p.token)+1) // one more, so that a longer datagram is seen to be foreign
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || string(buf[:n]) != string(p.token[:]) {
			continue
		}
		p.mu.Lock()
		p.received[from.Addr().Unmap()]++
		p.mu.Unlock()
	}
}

// Send sends n probes at once; keep n far below what a socket buffers (some 200). An error means that this node could not send: a cut
// never shows here.
func (p *Prober) Send(ctx context.Context, to netip.Addr, n int) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("probe %v: %w", to, err)
		}
		if _, err := p.conn.WriteToUDPAddrPort(p.token[:], netip.AddrPortFrom(to.Unmap(), ProbePort)); err != nil {
			return fmt.Errorf("probe %v: %w", to, err)
		}
	}
	return nil
}

// Received returns the counts since the start, sorted by address.
func (p *Prober) Received() []Count {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Count, 0, len(p.received))
	for _, a := range slices.SortedFunc(maps.Keys(p.received), netip.Addr.Compare) {
		out = append(out, Count{From: a, Packets: p.received[a]})
	}
	return out
}

// Close stops counting.
func (p *Prober) Close() error {
	err := p.conn.Close()
	<-p.ended
	return err
}
