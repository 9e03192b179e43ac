package inject

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// table is one nft table with the two rules that make up a partition in one direction:
//
//	meta protocol ip, udp, dport ProbePort, counter name <address> map @probes, drop
//	meta protocol ip,                       counter name <address> map @system, drop
//
// The maps hold the peers that are cut now and lead from an address to that peer's named counter; an address that is in no map ends
// the rule, so the packet passes. A cut or a heal changes map elements only, and a counter outlives the element that leads to it:
// that is why counts survive a heal.
type table struct {
	family  byte
	name    string
	address uint32   // offset of the peer's address in the IPv4 header
	hook    uint32   // where its chain is hooked
	devices []string // netdev family: one chain each
}

const (
	inputHook       = 1 // NF_INET_LOCAL_IN
	egressHook      = 1 // NF_NETDEV_EGRESS
	beforeAll       = -300
	sourceAddr      = 12
	destinationAddr = 16
	ownerFlag       = 0x2 // NFT_TABLE_F_OWNER (Linux 5.12): the table goes when its socket does, and nobody else may touch it
	addressType     = 7   // "ipv4_addr" of nft(8), so that it can show the maps
)

// counter kinds: the names of the maps.
const (
	systemMap = "system"
	probesMap = "probes"
)

func inputTable(name string) table {
	return table{family: unix.NFPROTO_INET, name: name, address: sourceAddr, hook: inputHook}
}

// egressTable drops what leaves by the devices. The egress hook (Linux 5.16) lies below the IP stack, so a sender notices nothing,
// whereas a drop in the output hook fails its call with EPERM, which no network does.
func egressTable(name string, devices []string) table {
	return table{family: unix.NFPROTO_NETDEV, name: name, address: destinationAddr, hook: egressHook, devices: devices}
}

// builder collects the commands of a transaction; the first error in encoding sticks.
type builder struct {
	commands []nftMessage
	err      error
}

func (b *builder) add(t table, kind, flags uint16, fill func(*netlink.AttributeEncoder)) {
	attrs, err := attributes(fill)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("encode nf_tables command %d: %w", kind, err)
	}
	b.commands = append(b.commands, nftMessage{kind: kind, flags: flags, family: t.family, attrs: attrs})
}

// create makes the table, its maps, chains and rules.
func (b *builder) create(t table) {
	b.add(t, unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.NFTA_TABLE_NAME, t.name)
		ae.Uint32(unix.NFTA_TABLE_FLAGS, ownerFlag)
	})
	for id, m := range []string{systemMap, probesMap} {
		b.add(t, unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(ae *netlink.AttributeEncoder) {
			ae.String(unix.NFTA_SET_TABLE, t.name)
			ae.String(unix.NFTA_SET_NAME, m)
			ae.Uint32(unix.NFTA_SET_ID, uint32(id+1))
			ae.Uint32(unix.NFTA_SET_FLAGS, unix.NFT_SET_OBJECT)
			ae.Uint32(unix.NFTA_SET_KEY_TYPE, addressType)
			ae.Uint32(unix.NFTA_SET_KEY_LEN, 4)
			ae.Uint32(unix.NFTA_SET_OBJ_TYPE, unix.NFT_OBJECT_COUNTER)
		})
	}
	if t.family != unix.NFPROTO_NETDEV {
		b.chain(t, "in", "")
	}
	for i, d := range t.devices {
		b.chain(t, fmt.Sprintf("out%d", i), d)
	}
}

func (b *builder) chain(t table, chain, device string) {
	b.add(t, unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.NFTA_CHAIN_TABLE, t.name)
		ae.String(unix.NFTA_CHAIN_NAME, chain)
		ae.String(unix.NFTA_CHAIN_TYPE, "filter")
		nested(ae, unix.NFTA_CHAIN_HOOK, func(h *netlink.AttributeEncoder) {
			h.Uint32(unix.NFTA_HOOK_HOOKNUM, t.hook)
			h.Int32(unix.NFTA_HOOK_PRIORITY, beforeAll)
			if device != "" {
				h.String(unix.NFTA_HOOK_DEV, device)
			}
		})
	})
	b.rule(t, chain, probeMatch(), probesMap)
	b.rule(t, chain, nil, systemMap)
}

// probeMatch lets only datagrams to ProbePort pass on to the rest of the rule.
func probeMatch() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_UDP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, ProbePort)},
	}
}

func (b *builder) rule(t table, chain string, match []expr.Any, counters string) {
	es := append([]expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP)},
	}, match...)
	es = append(es, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: t.address, Len: 4})
	b.add(t, unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.NFTA_RULE_TABLE, t.name)
		ae.String(unix.NFTA_RULE_CHAIN, chain)
		nested(ae, unix.NFTA_RULE_EXPRESSIONS, func(list *netlink.AttributeEncoder) {
			for _, e := range es {
				list.Do(unix.NLA_F_NESTED|unix.NFTA_LIST_ELEM, func() ([]byte, error) { return expr.Marshal(t.family, e) })
			}
			nested(list, unix.NFTA_LIST_ELEM, func(e *netlink.AttributeEncoder) { countByMap(e, counters) })
			list.Do(unix.NLA_F_NESTED|unix.NFTA_LIST_ELEM, func() ([]byte, error) {
				return expr.Marshal(t.family, &expr.Verdict{Kind: expr.VerdictDrop})
			})
		})
	})
}

// countByMap is the objref expression in its map form, which google/nftables has not: look register 1 up and count with what is found.
func countByMap(e *netlink.AttributeEncoder, name string) {
	e.String(unix.NFTA_EXPR_NAME, "objref")
	nested(e, unix.NFTA_EXPR_DATA, func(d *netlink.AttributeEncoder) {
		d.Uint32(unix.NFTA_OBJREF_SET_SREG, unix.NFT_REG_1)
		d.String(unix.NFTA_OBJREF_SET_NAME, name)
	})
}

// counters makes a peer's two counters. They are never removed: a peer's counts last as long as the table.
func (b *builder) counters(t table, peer netip.Addr) {
	for _, m := range []string{systemMap, probesMap} {
		b.add(t, unix.NFT_MSG_NEWOBJ, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(ae *netlink.AttributeEncoder) {
			ae.String(unix.NFTA_OBJ_TABLE, t.name)
			ae.String(unix.NFTA_OBJ_NAME, counterName(m, peer))
			ae.Uint32(unix.NFTA_OBJ_TYPE, unix.NFT_OBJECT_COUNTER)
			nested(ae, unix.NFTA_OBJ_DATA, func(*netlink.AttributeEncoder) {})
		})
	}
}

// element adds the peer to both maps (NFT_MSG_NEWSETELEM) or takes it out (NFT_MSG_DELSETELEM).
func (b *builder) element(t table, kind uint16, peer netip.Addr) {
	var flags uint16
	if kind == unix.NFT_MSG_NEWSETELEM {
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	for _, m := range []string{systemMap, probesMap} {
		b.add(t, kind, flags, func(ae *netlink.AttributeEncoder) {
			ae.String(unix.NFTA_SET_ELEM_LIST_TABLE, t.name)
			ae.String(unix.NFTA_SET_ELEM_LIST_SET, m)
			nested(ae, unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(list *netlink.AttributeEncoder) {
				nested(list, unix.NFTA_LIST_ELEM, func(e *netlink.AttributeEncoder) {
					nested(e, unix.NFTA_SET_ELEM_KEY, func(k *netlink.AttributeEncoder) {
						k.Bytes(unix.NFTA_DATA_VALUE, peer.AsSlice())
					})
					if kind == unix.NFT_MSG_NEWSETELEM {
						e.String(unix.NFTA_SET_ELEM_OBJREF, counterName(m, peer))
					}
				})
			})
		})
	}
}

func counterName(kind string, peer netip.Addr) string { return kind + " " + peer.String() }

// readCounters returns the packets of every counter of the table, by name.
func readCounters(s *nftSocket, t table) (map[string]uint64, error) {
	filter, err := attributes(func(ae *netlink.AttributeEncoder) {
		ae.String(unix.NFTA_OBJ_TABLE, t.name)
		ae.Uint32(unix.NFTA_OBJ_TYPE, unix.NFT_OBJECT_COUNTER)
	})
	if err != nil {
		return nil, fmt.Errorf("encode counter dump: %w", err)
	}
	out := make(map[string]uint64)
	err = s.dump(unix.NFT_MSG_GETOBJ, t.family, filter, func(attrs []byte) error {
		name, packets, err := decodeCounter(attrs)
		out[name] = packets
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read counters of table %s: %w", t.name, err)
	}
	return out, nil
}

func decodeCounter(attrs []byte) (name string, packets uint64, err error) {
	ad, err := netlink.NewAttributeDecoder(attrs)
	if err != nil {
		return "", 0, err
	}
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_OBJ_NAME:
			name = ad.String()
		case unix.NFTA_OBJ_DATA:
			ad.Nested(func(in *netlink.AttributeDecoder) error {
				in.ByteOrder = binary.BigEndian
				for in.Next() {
					if in.Type() == unix.NFTA_COUNTER_PACKETS {
						packets = in.Uint64()
					}
				}
				return nil
			})
		}
	}
	return name, packets, ad.Err()
}
