package lock

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSequence(t *testing.T) {
	type number struct {
		N  int32
		OK bool
	}
	parse := func(name string) number {
		n, ok := sequence(name)
		return number{n, ok}
	}
	for name, want := range map[string]number{
		"lock-0000000007":    {7, true},
		"lock-2147483647":    {math.MaxInt32, true},
		"lock--2147483648":   {math.MinInt32, true}, // after the overflow
		"lock--000000001":    {-1, true},            // the sign is one of the ten places
		"lock--0000000001":   {},
		"lock-2147483648":    {},
		"lock-7":             {},
		"lock-+000000007":    {},
		"lock--000000000":    {},
		"lock--1000000000":   {-1_000_000_000, true},
		"lock-00000000007":   {},
		"lock-":              {},
		"lock-00000000x7":    {},
		"holder":             {},
		"":                   {},
		"_c_lock-0000000007": {7, true},
		"_c_0123456789abcdef0123456789abcdef-lock-0000000042": {42, true},
	} {
		require.Equal(t, want, parse(name), name)
	}
}

// TestQueueAcrossOverflow: after 2147483647 the server goes on with -2147483648.
func TestQueueAcrossOverflow(t *testing.T) {
	names := []string{"b-lock--2147483648", "holder", "z-lock-2147483646", "a-lock--2147483647", "c-lock-2147483647"}
	before := append([]string(nil), names...)
	require.Equal(t, []string{"z-lock-2147483646", "c-lock-2147483647", "b-lock--2147483648", "a-lock--2147483647"}, bySequence(names))
	require.Equal(t, before, names, "the list must not be changed")
}

// TestQueueOrder: whatever the GUIDs are and wherever the numbers start, the queue is in the order of creation.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int32().Draw(t, "first number")
		n := rapid.IntRange(0, 20).Draw(t, "nodes")
		var created []string
		for i := range n {
			guid := rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "guid")
			created = append(created, fmt.Sprintf("_c_%s-lock-%010d", guid, first+int32(i)))
		}
		listed := rapid.Permutation(created).Draw(t, "listed")
		require.Equal(t, created, bySequence(listed))
	})
}

func FuzzSequence(f *testing.F) {
	f.Add("lock-0000000007")
	f.Add("_c_x-lock--2147483648")
	f.Fuzz(func(t *testing.T, name string) {
		if n, ok := sequence(name); ok {
			require.Contains(t, name, fmt.Sprintf("lock-%010d", n))
		}
	})
}
