package inject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nftSocket speaks nf_tables on one netlink socket. Messages are built here and not by google/nftables, which can not set the owner
// flag of a table, and asks for an echo of every rule, which its reply counting does not survive with more than a few rules a batch.
// The kernel answers while it executes sendto, so replies are already queued when it returns; the timeout is for bugs only.
type nftSocket struct {
	fd  int
	seq uint32
	buf []byte
}

const (
	netlinkTimeout = 5 * time.Second
	nlHeaderLen    = unix.SizeofNlMsghdr
	nfHeaderLen    = 4 // struct nfgenmsg: family, version, resource id (big endian)
)

func openNFT() (*nftSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netfilter socket: %w", err)
	}
	tv := unix.NsecToTimeval(int64(netlinkTimeout))
	err = errors.Join(
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind netfilter socket: %w", err)
	}
	return &nftSocket{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (s *nftSocket) close() error { return unix.Close(s.fd) }

// nftMessage is one command of a batch: an NFT_MSG_* with its attributes.
type nftMessage struct {
	kind   uint16
	flags  uint16
	family byte
	attrs  []byte
}

// commit sends the commands as one transaction: all of them take effect at one instant, or none.
func (s *nftSocket) commit(commands []nftMessage) error {
	var b []byte
	b, first := s.appendMessage(b, unix.NFNL_MSG_BATCH_BEGIN, unix.NLM_F_REQUEST, 0, unix.NFNL_SUBSYS_NFTABLES, nil)
	last := first
	for _, m := range commands {
		b, last = s.appendMessage(b, nftKind(m.kind), unix.NLM_F_REQUEST|unix.NLM_F_ACK|m.flags, m.family, 0, m.attrs)
	}
	b, _ = s.appendMessage(b, unix.NFNL_MSG_BATCH_END, unix.NLM_F_REQUEST, 0, unix.NFNL_SUBSYS_NFTABLES, nil)
	if err := s.send(b); err != nil {
		return err
	}
	return s.acks(first, last)
}

// acks reads the answer to every command and returns the first error. A batch that is refused as a whole (no capability) is answered
// once, under the number of its begin message.
func (s *nftSocket) acks(first, last uint32) error {
	var failed error
	for {
		messages, err := s.receive()
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, m := range messages {
			if m.kind != unix.NLMSG_ERROR || m.seq < first || m.seq > last {
				continue
			}
			if e := errnoOf(m.body); e != nil && failed == nil {
				failed = e
			}
			if m.seq == last || (m.seq == first && failed != nil) {
				return failed
			}
		}
	}
}

// dump asks for every object of a kind and calls each with the attributes of one.
func (s *nftSocket) dump(kind uint16, family byte, attrs []byte, each func(attrs []byte) error) error {
	b, seq := s.appendMessage(nil, nftKind(kind), unix.NLM_F_REQUEST|unix.NLM_F_DUMP, family, 0, attrs)
	if err := s.send(b); err != nil {
		return err
	}
	for {
		messages, err := s.receive()
		if err != nil {
			return err
		}
		for _, m := range messages {
			switch {
			case m.seq != seq:
			case m.kind == unix.NLMSG_DONE:
				return nil
			case m.kind == unix.NLMSG_ERROR:
				return errnoOf(m.body)
			case len(m.body) >= nfHeaderLen:
				if err := each(m.body[nfHeaderLen:]); err != nil {
					return err
				}
			}
		}
	}
}

func nftKind(kind uint16) uint16 { return unix.NFNL_SUBSYS_NFTABLES<<8 | kind }

func (s *nftSocket) appendMessage(b []byte, kind, flags uint16, family byte, res uint16, attrs []byte) ([]byte, uint32) {
	s.seq++
	b = binary.NativeEndian.AppendUint32(b, uint32(nlHeaderLen+nfHeaderLen+len(attrs)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, s.seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, family, unix.NFNETLINK_V0)
	b = binary.BigEndian.AppendUint16(b, res)
	return append(b, attrs...), s.seq // attributes are padded to 4 bytes by their encoder
}

func (s *nftSocket) send(b []byte) error {
	if err := unix.Sendto(s.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send to nf_tables: %w", err)
	}
	return nil
}

type nftReply struct {
	kind uint16
	seq  uint32
	body []byte // valid until the next receive
}

func (s *nftSocket) receive() ([]nftReply, error) {
	var n int
	var err error
	for {
		if n, _, err = unix.Recvfrom(s.fd, s.buf, 0); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("receive from nf_tables: %w", err)
	}
	return splitReplies(s.buf[:n])
}

// splitReplies cuts a datagram into its netlink messages.
func splitReplies(b []byte) ([]nftReply, error) {
	var out []nftReply
	for len(b) >= nlHeaderLen {
		size := int(binary.NativeEndian.Uint32(b))
		if size < nlHeaderLen || size > len(b) {
			return nil, fmt.Errorf("netlink message of %d bytes in %d", size, len(b))
		}
		out = append(out, nftReply{
			kind: binary.NativeEndian.Uint16(b[4:]),
			seq:  binary.NativeEndian.Uint32(b[8:]),
			body: b[nlHeaderLen:size],
		})
		b = b[min((size+3)&^3, len(b)):]
	}
	return out, nil
}

func errnoOf(body []byte) error {
	if len(body) < 4 {
		return errors.New("netlink error message without a number")
	}
	if e := int32(binary.NativeEndian.Uint32(body)); e != 0 {
		return syscall.Errno(-e)
	}
	return nil
}

// attributes encodes netlink attributes; nf_tables has its numbers in big endian.
func attributes(fill func(*netlink.AttributeEncoder)) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.ByteOrder = binary.BigEndian
	fill(ae)
	return ae.Encode()
}

func nested(ae *netlink.AttributeEncoder, kind uint16, fill func(*netlink.AttributeEncoder)) {
	ae.Nested(kind, func(in *netlink.AttributeEncoder) error {
		in.ByteOrder = binary.BigEndian
		fill(in)
		return nil
	})
}
