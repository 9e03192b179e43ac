package inject

import (
	"debug/elf"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSkewArithmetic(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	for range 10_000 {
		s := Skew{Offset: r.Int64N(1 << 58), Anchor: r.Int64N(1 << 60), Rate: r.Int64N(200<<32) - 1<<32}
		at := s.Anchor + r.Int64N(1<<50)
		want := new(big.Int).Mul(big.NewInt(at-s.Anchor), big.NewInt(s.Rate))
		want.Rsh(want, 32).Add(want, big.NewInt(s.Offset))
		require.Equal(t, want.Int64(), int64(s.At(at)), "%+v at %d, seed %d", s, at, seed)
	}
	half, err := NewSkew(0, 0.5)
	require.NoError(t, err)
	require.Equal(t, -5*time.Second, half.At(half.Anchor+int64(10*time.Second)))
	truth, err := NewSkew(0, 1)
	require.NoError(t, err)
	require.Equal(t, Skew{}, truth)
	for _, bad := range []struct {
		offset time.Duration
		rate   float64
	}{{maxOffset + 1, 1}, {-maxOffset - 1, 1}, {0, -1}, {0, maxRate + 1}} {
		_, err := NewSkew(bad.offset, bad.rate)
		require.Error(t, err, bad)
	}
}

func TestFindVDSO(t *testing.T) {
	const line = "7ffd8a5f2000-7ffd8a5f4000 r-xp 00000000 00:00 0                          [vdso]\n"
	got, err := findVDSO("00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon\n" + line)
	require.NoError(t, err)
	require.Equal(t, mapping{0x7ffd8a5f2000, 0x7ffd8a5f4000}, got)
	for text, want := range map[string]string{
		"":                        "it has no vDSO",
		"x-2 r-xp 0 0 0 [vdso]":   `address range "x-2": strconv.ParseUint: parsing "x": invalid syntax`,
		"20-10 r-xp 0 0 0 [vdso]": `address range "20-10" makes no sense for a vDSO`,
	} {
		_, err := findVDSO(text)
		require.EqualError(t, err, want)
	}
}

// ownVDSO is this process's.
func ownVDSO(t testing.TB) []byte {
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	m, err := findVDSO(string(maps))
	require.NoError(t, err)
	mem, err := os.Open("/proc/self/mem")
	require.NoError(t, err)
	defer mem.Close()
	b := make([]byte, m.to-m.from)
	_, err = mem.ReadAt(b, int64(m.from))
	require.NoError(t, err)
	return b
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, at int64) (int, error) { return copy(p, b[at:]), nil }

func TestParseVDSOFindsWhatTheSectionsSay(t *testing.T) {
	b := ownVDSO(t)
	got, err := parseVDSO(b)
	require.NoError(t, err)
	f, err := elf.NewFile(bytesAt(b))
	require.NoError(t, err)
	syms, err := f.DynamicSymbols()
	require.NoError(t, err)
	want := map[string]uint64{}
	for _, s := range syms {
		if s.Value != 0 {
			want[s.Name] = s.Value
		}
	}
	require.Equal(t, want, got.symbols)
	require.Less(t, got.end, uint64(len(b)))
	clear(b[got.end:]) // where section headers were
	again, err := parseVDSO(b)
	require.NoError(t, err)
	require.Equal(t, got, again)
}

func FuzzParseVDSO(f *testing.F) {
	b := ownVDSO(f)
	f.Add(b)
	f.Add(b[:elfHeader])
	f.Add(b[:0x200])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseVDSO(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, v.end, uint64(len(b)))
		for name, at := range v.symbols {
			require.Less(t, at, uint64(len(b)), name)
		}
	})
}

func FuzzFindVDSO(f *testing.F) {
	f.Add("7ffd8a5f2000-7ffd8a5f4000 r-xp 00000000 00:00 0 [vdso]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := findVDSO(text); err == nil {
			require.Less(t, m.from, m.to)
		}
	})
}
