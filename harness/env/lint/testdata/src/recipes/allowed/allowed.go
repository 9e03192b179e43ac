// Package allowed is full of things that a recipe may do.
package allowed

import (
	"context"
	"embed"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

var errLost = errors.New("lost")

//go:embed allowed.go
var files embed.FS

var _ interface{ Error() string } = failure{}

type failure struct{}

func (failure) Error() string { return "" }

// Now is a method of the recipe's own.
func (failure) Now() time.Time { return time.Unix(0, 0) }

const pause = 50 * time.Millisecond

func wait(at time.Time, d time.Duration) (time.Time, bool) {
	return at.Add(d + pause), at.After(failure{}.Now())
}

func draw(r *rand.Rand, seed uint64) int {
	return r.IntN(3) + rand.New(rand.NewPCG(seed, 1)).IntN(3)
}

func inOrder(m map[string]int) (n int) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n += m[k]
	}
	for _, v := range slices.SortedFunc((maps.Values(m)), func(a, b int) int { return a - b }) {
		n += v
	}
	var local map[int]int
	delete(local, len(m))
	return n
}

func told(ctx context.Context) error {
	if ctx.Err() != nil {
		return errLost
	}
	return nil
}
