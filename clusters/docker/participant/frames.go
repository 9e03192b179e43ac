package participant

import "encoding/binary"

// The longest path that is looked for in a frame; a longer one is recorded as no path.
const maxPath = 64 << 10

// scanner cuts a stream into frames (4 bytes of length, then so many bytes) and shows the beginning of each, however
// the stream is split. It copies no more than that beginning.
type scanner struct {
	want func(body []byte) int // how long a beginning is needed, told by what there is of it; never falls as body grows
	head []byte                // the length and the beginning of the present frame
	skip int                   // bytes of the present frame that come after its beginning
}

// next takes bytes from p until the beginning of a frame is complete, and returns how many it took and the beginning,
// good until the next call; or it takes all of p and returns nil. A frame may be shorter than the beginning wanted.
func (s *scanner) next(p []byte) (n int, body []byte) {
	for {
		if s.skip > 0 {
			k := min(s.skip, len(p)-n)
			s.skip -= k
			n += k
			if s.skip > 0 {
				return n, nil
			}
		}
		size, want := s.size()
		if missing := want - len(s.head); missing > 0 {
			k := min(missing, len(p)-n)
			s.head = append(s.head, p[n:n+k]...)
			n += k
			if k < missing {
				return n, nil
			}
			continue // more may be wanted now
		}
		body = s.head[4:]
		s.skip = size - len(body)
		s.head = s.head[:0]
		return n, body
	}
}

// size is the length of the present frame, and how much of the stream is wanted from its start.
func (s *scanner) size() (size, want int) {
	if len(s.head) < 4 {
		return 0, 4
	}
	size = int(binary.BigEndian.Uint32(s.head))
	return size, 4 + min(size, s.want(s.head[4:]))
}

// start is where the frame that will be shown next begins, counted from the next byte to take.
func (s *scanner) start() int { return s.skip - len(s.head) }

// request is the beginning of a request: xid, opcode, and for most opcodes the path.
type request struct {
	xid  int32
	op   opcode
	path string
}

func wantRequest(b []byte) int {
	if len(b) < 8 || !opcode(be32(b[4:])).hasPath() {
		return 8
	}
	return wantPath(b, 8)
}

// parseRequest is false for a frame that is too short to be a request.
func parseRequest(b []byte) (request, bool) {
	if len(b) < 8 {
		return request{}, false
	}
	r := request{xid: be32(b), op: opcode(be32(b[4:]))}
	if r.op.hasPath() {
		r.path = pathAt(b, 8)
	}
	return r, true
}

// reply is the beginning of a reply, or of a watch event (xid -1).
type reply struct {
	xid   int32
	zxid  int64
	err   int32
	event int32 // of a watch event: its type and path
	path  string
}

// Xids that are no request's: ClientCnxn.java.
const (
	xidWatch = -1
	xidPing  = -2
)

func wantReply(b []byte) int {
	if len(b) < 16 || be32(b) != xidWatch {
		return 16
	}
	return wantPath(b, 24)
}

// parseReply is false for a frame that is too short to be a reply.
func parseReply(b []byte) (reply, bool) {
	if len(b) < 16 {
		return reply{}, false
	}
	r := reply{xid: be32(b), zxid: int64(binary.BigEndian.Uint64(b[4:])), err: be32(b[12:])}
	if r.xid == xidWatch && len(b) >= 24 {
		r.event = be32(b[16:])
		r.path = pathAt(b, 24)
	}
	return r, true
}

// greeting is a ConnectResponse: protocol version, session timeout in ms, session id.
type greeting struct {
	timeout int32
	session int64
}

func parseGreeting(b []byte) (greeting, bool) {
	if len(b) < 16 {
		return greeting{}, false
	}
	return greeting{timeout: be32(b[4:]), session: int64(binary.BigEndian.Uint64(b[8:]))}, true
}

// wantPath is the length of a beginning that ends with the path at offset at.
func wantPath(b []byte, at int) int {
	if len(b) < at+4 {
		return at + 4
	}
	if n := be32(b[at:]); n > 0 && n <= maxPath {
		return at + 4 + int(n)
	}
	return at + 4
}

func pathAt(b []byte, at int) string {
	if end := wantPath(b, at); len(b) >= end {
		return string(b[at+4 : end])
	}
	return ""
}

func be32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }
