package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"ten runes.", 0, "ten runes."},
		{"ten runes.", 11, "ten runes."},
		{"ten runes.", 10, "ten rune…"},
		{"zehn µs, …", 5, "zeh…"},
		{"ten runes.", 1, "…"},
	} {
		require.Equal(t, c.want, fit(c.line, c.columns), c.line)
	}
}
