package inject

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const statLine = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 13 0 99 1000 10 18446744073709551615\n"

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte(statLine))
	require.NoError(t, err)
	require.Equal(t, procStat{pid: 42, parent: 7, threads: 13, state: 'S'}, got)
	for _, bad := range []string{"", "42", "42 (x", "42 (x) S", "42 (x) S a", ") 42 (", "x (y) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"} {
		_, err := parseStat([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestBelowIsEveryDescendant(t *testing.T) {
	all := []procStat{{pid: 1}, {pid: 2, parent: 1}, {pid: 3, parent: 1}, {pid: 4, parent: 3}, {pid: 5, parent: 4}, {pid: 6, parent: 2}}
	require.Equal(t, []procStat{{pid: 4, parent: 3}, {pid: 5, parent: 4}}, below(all, 3))
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(statLine))
	f.Add([]byte("1 () Z 0"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if st, err := parseStat(line); err != nil {
			require.Zero(t, st)
		}
	})
}

func TestParseSchedstat(t *testing.T) {
	ns, ok := parseSchedstat([]byte("198071 302661 10\n"))
	require.True(t, ok)
	require.Equal(t, int64(302661), ns)
	_, ok = parseSchedstat([]byte("1 2"))
	require.False(t, ok)
	_, ok = parseSchedstat([]byte("1 x 3"))
	require.False(t, ok)
}

func FuzzParseSchedstat(f *testing.F) {
	f.Add([]byte("1 2 3\n"))
	f.Fuzz(func(t *testing.T, line []byte) { parseSchedstat(line) })
}

// reply is a netlink message as the kernel sends it.
func reply(kind uint16, seq uint32, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(nlHeaderLen+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, body...)
	return append(b, make([]byte, (4-len(body)%4)%4)...)
}

func TestSplitReplies(t *testing.T) {
	b := slices.Concat(reply(2, 5, []byte{1, 2, 3}), reply(3, 6, nil))
	got, err := splitReplies(b)
	require.NoError(t, err)
	require.Equal(t, []nftReply{{kind: 2, seq: 5, body: []byte{1, 2, 3}}, {kind: 3, seq: 6, body: []byte{}}}, got)
	b[0] = 200
	_, err = splitReplies(b)
	require.Error(t, err)
	b[0] = 3
	_, err = splitReplies(b)
	require.Error(t, err)
}

func FuzzSplitReplies(f *testing.F) {
	f.Add(reply(2, 5, []byte{1, 2, 3}))
	f.Add(slices.Concat(reply(2, 5, nil), []byte{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := splitReplies(b)
		if err != nil {
			require.Empty(t, rs)
		}
	})
}

func TestErrnoOf(t *testing.T) {
	require.NoError(t, errnoOf(make([]byte, 20)))
	require.Equal(t, unix.EPERM, errnoOf(binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff))))
	require.Error(t, errnoOf(nil))
}

func FuzzDecodeCounter(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{8, 0, unix.NFTA_OBJ_NAME, 0, 'a', 'b', 'c', 0, 8, 0, unix.NFTA_OBJ_DATA, 0x80, 4, 0, unix.NFTA_COUNTER_PACKETS, 0})
	f.Fuzz(func(t *testing.T, attrs []byte) {
		_, _, _ = decodeCounter(attrs)
	})
}
