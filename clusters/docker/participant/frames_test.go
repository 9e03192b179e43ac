package participant

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// enc builds a frame of int32, int64 and string fields.
func enc(fields ...any) []byte {
	b := make([]byte, 4)
	for _, f := range fields {
		switch f := f.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(f))
		case int64:
			b = binary.BigEndian.AppendUint64(b, uint64(f))
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
		case []byte:
			b = append(b, f...)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func TestParseFrames(t *testing.T) {
	scan := func(want func([]byte) int, frame []byte) []byte {
		s := scanner{want: want}
		_, body := s.next(frame)
		return body
	}
	r, ok := parseRequest(scan(wantRequest, enc(7, 1, "/a/b-", "data", 0)))
	require.True(t, ok)
	require.Equal(t, request{xid: 7, op: 1, path: "/a/b-"}, r)
	r, ok = parseRequest(scan(wantRequest, enc(8, 14, 1, []byte{0}, -1, "/a")))
	require.True(t, ok)
	require.Equal(t, request{xid: 8, op: 14}, r)
	p, ok := parseReply(scan(wantReply, enc(7, int64(1)<<32+5, -110)))
	require.True(t, ok)
	require.Equal(t, reply{xid: 7, zxid: 1<<32 + 5, err: -110}, p)
	p, ok = parseReply(scan(wantReply, enc(-1, int64(-1), 0, 2, 3, "/w")))
	require.True(t, ok)
	require.Equal(t, reply{xid: -1, zxid: -1, event: 2, path: "/w"}, p)
	g, ok := parseGreeting(scan(wantReply, enc(0, 2000, int64(0x100), "0123456789abcdef")))
	require.True(t, ok)
	require.Equal(t, greeting{timeout: 2000, session: 0x100}, g)
	_, ok = parseReply(scan(wantReply, enc(-1)))
	require.False(t, ok)
	_, ok = parseRequest(scan(wantRequest, enc()))
	require.False(t, ok)
	require.Equal(t, "op 99 error -9 event 9", opcode(99).String()+" "+codeName(-9)+" "+eventName(9))
}

// scanAll feeds p in pieces of the given sizes, round and round, and gives what was shown and where it began.
func scanAll(want func([]byte) int, p []byte, sizes []byte) (shown [][]byte, starts []int) {
	s := scanner{want: want}
	for at, i := 0, 0; at < len(p); i++ {
		size := len(p)
		if len(sizes) > 0 {
			size = max(1, int(sizes[i%len(sizes)]))
		}
		end := min(len(p), at+size)
		for {
			start := at + s.start()
			n, body := s.next(p[at:end])
			at += n
			if body == nil {
				break
			}
			shown = append(shown, bytes.Clone(body))
			starts = append(starts, start)
		}
	}
	return shown, starts
}

// FuzzFrames: however a stream is split, and whatever is in it, the same beginnings are shown, each where its frame is.
func FuzzFrames(f *testing.F) {
	stream := bytes.Join([][]byte{
		enc(0, 2000, int64(0x100), "0123456789abcdef"), enc(1, int64(5), 0, "/a"), enc(-2, int64(5), 0), enc(),
		enc(-1, int64(-1), 0, 3, 3, "/watched/path"), enc(3, 2, "/b", -1), enc(4, 14, 1, []byte{0}, -1, "/a"),
	}, nil)
	f.Add(stream, []byte{})
	f.Add(stream, []byte{1})
	f.Add(stream, []byte{5, 1, 30})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1}, []byte{3})
	f.Add(enc(3, 1, -1, -1), []byte{2})
	f.Fuzz(func(t *testing.T, p, sizes []byte) {
		for _, want := range []func([]byte) int{wantRequest, wantReply} {
			whole, starts := scanAll(want, p, nil)
			pieces, pieceStarts := scanAll(want, p, sizes)
			require.Equal(t, whole, pieces)
			require.Equal(t, starts, pieceStarts)
			for i, body := range whole {
				require.True(t, bytes.HasPrefix(p[starts[i]+4:], body))
				parseRequest(body)
				parseReply(body)
				parseGreeting(body)
			}
		}
	})
}
