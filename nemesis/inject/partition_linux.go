package inject

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrUnsupported marks a mechanism that this kernel lacks. A missing capability is fs.ErrPermission instead.
var ErrUnsupported = errors.New("this kernel lacks it")

var errClosed = errors.New("partition is closed")

// State is everything that a node drops: packets that come from In, packets that would go to Out. IPv4 only.
type State struct{ In, Out []netip.Addr }

// Drop counts the packets dropped from or to a peer: probes (see Prober) apart from all the rest, which is the system's own traffic.
type Drop struct {
	Peer           netip.Addr
	System, Probes uint64
}

// Drops are the counts of every peer that was ever cut, sorted by address, cumulative for the life of the Partition.
type Drops struct{ In, Out []Drop }

// Partition drops packets of chosen peers in the network namespace in which it was opened. Incoming ones are dropped in the input
// hook before anything else sees them, outgoing ones at the devices' egress hook. Its tables belong to its socket: the kernel removes
// them at the instant the process dies, and lets nobody else change them. It is safe for concurrent use.
type Partition struct {
	mu      sync.Mutex
	socket  *nftSocket
	in, out side
}

// side is one direction: its table, who is cut now, and who has counters.
type side struct {
	table   table
	err     error // why the table could not be made
	cut     map[netip.Addr]bool
	counted map[netip.Addr]bool
}

const tableName = "riven"

// OpenPartition makes the tables in the network namespace of the calling thread, with nothing cut. Outgoing packets can be cut on
// every interface that exists now, loopback aside. Without an egress hook only Cut with Out fails. Needs NET_ADMIN.
func OpenPartition() (*Partition, error) {
	devices, err := outerDevices()
	if err != nil {
		return nil, err
	}
	return openPartition(tableName, devices)
}

func outerDevices() ([]string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var names []string
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	return names, nil
}

func openPartition(name string, devices []string) (*Partition, error) {
	s, err := openNFT()
	if err != nil {
		return nil, unsupported(err)
	}
	p := &Partition{socket: s, in: newSide(inputTable(name)), out: newSide(egressTable(name, devices))}
	if err := p.create(p.in.table); err != nil {
		return nil, errors.Join(err, s.close())
	}
	p.out.err = p.create(p.out.table)
	if len(devices) == 0 {
		p.out.err = errors.New("no interface but loopback")
	}
	return p, nil
}

func newSide(t table) side {
	return side{table: t, cut: make(map[netip.Addr]bool), counted: make(map[netip.Addr]bool)}
}

func (p *Partition) create(t table) error {
	var b builder
	b.create(t)
	if err := p.commit(&b); err != nil {
		return fmt.Errorf("create nft table %s: %w", t.name, unsupported(err))
	}
	return nil
}

// unsupported marks the errors by which a kernel says that it does not know the owner flag, the hook or the expressions.
func unsupported(err error) error {
	for _, e := range []syscall.Errno{unix.ENOENT, unix.EOPNOTSUPP, unix.EINVAL, unix.EPROTONOSUPPORT} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	return err
}

func (p *Partition) commit(b *builder) error {
	if b.err != nil {
		return b.err
	}
	if p.socket == nil {
		return errClosed
	}
	return p.socket.commit(b.commands)
}

// Cut makes the state the whole of what is dropped, at one instant for all peers and both directions. After an error the old state
// still holds. The zero State heals everything. Counts are kept, across heals too.
func (p *Partition) Cut(want State) error {
	in, err := addressSet(want.In)
	if err != nil {
		return err
	}
	out, err := addressSet(want.Out)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(out) > 0 && p.out.err != nil {
		return fmt.Errorf("cut outgoing packets: %w", p.out.err)
	}
	var b builder
	p.in.change(&b, in)
	p.out.change(&b, out)
	if len(b.commands) == 0 && p.socket != nil {
		return nil
	}
	if err := p.commit(&b); err != nil {
		return fmt.Errorf("cut in %v out %v: %w", want.In, want.Out, err)
	}
	p.in.changed(in)
	p.out.changed(out)
	return nil
}

// change adds the commands that lead from who is cut now to who shall be.
func (s *side) change(b *builder, want map[netip.Addr]bool) {
	for _, a := range slices.SortedFunc(maps.Keys(want), netip.Addr.Compare) {
		if !s.counted[a] {
			b.counters(s.table, a)
		}
		if !s.cut[a] {
			b.element(s.table, unix.NFT_MSG_NEWSETELEM, a)
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(s.cut), netip.Addr.Compare) {
		if !want[a] {
			b.element(s.table, unix.NFT_MSG_DELSETELEM, a)
		}
	}
}

func (s *side) changed(now map[netip.Addr]bool) {
	s.cut = now
	for a := range now {
		s.counted[a] = true
	}
}

func addressSet(list []netip.Addr) (map[netip.Addr]bool, error) {
	set := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		a = a.Unmap()
		if !a.Is4() {
			return nil, fmt.Errorf("cut %v: only IPv4 addresses can be cut", a)
		}
		set[a] = true
	}
	return set, nil
}

// Drops reads the counters.
func (p *Partition) Drops() (Drops, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.socket == nil {
		return Drops{}, errClosed
	}
	in, err := p.in.drops(p.socket)
	if err != nil {
		return Drops{}, err
	}
	out, err := p.out.drops(p.socket)
	return Drops{In: in, Out: out}, err
}

func (s *side) drops(socket *nftSocket) ([]Drop, error) {
	if len(s.counted) == 0 {
		return nil, nil
	}
	packets, err := readCounters(socket, s.table)
	if err != nil {
		return nil, err
	}
	list := make([]Drop, 0, len(s.counted))
	for a := range s.counted {
		list = append(list, Drop{Peer: a, System: packets[counterName(systemMap, a)], Probes: packets[counterName(probesMap, a)]})
	}
	slices.SortFunc(list, func(a, b Drop) int { return a.Peer.Compare(b.Peer) })
	return list, nil
}

// Close removes the tables with all their rules.
func (p *Partition) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.socket == nil {
		return nil
	}
	s := p.socket
	p.socket = nil
	return s.close()
}
