package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size: 500MB, 2GB, 64KB; powers of 1000. A number alone is bytes.
type Bytes int64

var units = []struct {
	name string
	size float64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, size := strings.TrimSpace(string(text)), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, size = strings.TrimSpace(rest), u.size
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0) || v*size > math.MaxInt64/2 {
		return fmt.Errorf("want a size like 500MB or 2GB, have %q", text)
	}
	*b = Bytes(v * size)
	return nil
}

// MarshalText writes the bytes.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(strconv.FormatInt(int64(b), 10)), nil }

// Share is a part of a whole, from 0 to 1; files say it in per cent: 5%, or as a number: 0.05.
type Share float64

// UnmarshalText reads a share.
func (s *Share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("want a share like 5%% or 0.05, have %q", text)
	}
	*s = Share(v)
	return nil
}

func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'f', -1, 64) + " %" }
