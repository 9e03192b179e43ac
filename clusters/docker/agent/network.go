package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"riven/nemesis/inject"
)

// network is the node's packet filter and its probes. A part that could not be set up is nil, and why is kept.
type network struct {
	mu     sync.RWMutex
	filter *inject.Partition
	probes *inject.Prober
	err    error
}

// token marks the probes of this run.
func token() inject.Token {
	sum := sha256.Sum256([]byte(os.Getenv(EnvRun)))
	return inject.Token(sum[:len(inject.Token{})])
}

func (n *network) open() {
	n.mu.Lock()
	defer n.mu.Unlock()
	var noFilter, noProbes error
	if n.filter, noFilter = inject.OpenPartition(); noFilter != nil {
		n.filter, noFilter = nil, fmt.Errorf("packet filter: %w", noFilter)
	}
	if n.probes, noProbes = inject.ListenProbes(token()); noProbes != nil {
		n.probes, noProbes = nil, fmt.Errorf("probes: %w", noProbes)
	}
	n.err = errors.Join(noFilter, noProbes)
}

func (n *network) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var noFilter, noProbes error
	if n.filter != nil {
		noFilter = n.filter.Close()
	}
	if n.probes != nil {
		noProbes = n.probes.Close()
	}
	n.filter, n.probes, n.err = nil, nil, errors.New("closed")
	return errors.Join(noFilter, noProbes)
}

// missing tells what could not be set up.
func (n *network) missing() error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.err
}

// cut drops all packets from these peers and no others.
func (n *network) cut(peers []string) error {
	in, err := addresses(peers)
	if err != nil {
		return err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.filter == nil {
		return n.err
	}
	return n.filter.Cut(inject.State{In: in})
}

func (n *network) drops() ([]Drop, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.filter == nil {
		return nil, n.err
	}
	all, err := n.filter.Drops()
	if err != nil {
		return nil, err
	}
	var out []Drop
	for _, d := range all.In {
		out = append(out, Drop{From: d.Peer.String(), System: d.System, Probes: d.Probes})
	}
	return out, nil
}

func (n *network) send(ctx context.Context, peers []string, count int) error {
	to, err := addresses(peers)
	if err != nil {
		return err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.probes == nil {
		return n.err
	}
	for _, p := range to {
		if err := n.probes.Send(ctx, p, count); err != nil {
			return fmt.Errorf("probe %v: %w", p, err)
		}
	}
	return nil
}

func (n *network) received() ([]Count, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.probes == nil {
		return nil, n.err
	}
	var out []Count
	for _, c := range n.probes.Received() {
		out = append(out, Count{From: c.From.String(), Packets: c.Packets})
	}
	return out, nil
}

func addresses(peers []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, p := range peers {
		a, err := netip.ParseAddr(p)
		if err != nil {
			return nil, fmt.Errorf("peer: %w", err)
		}
		out = append(out, a)
	}
	return out, nil
}
