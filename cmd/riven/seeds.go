package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// seedList is what --seed says; without it the spec's own seed, or a fresh one.
func (f *runFlags) seedList(c *cobra.Command) ([]uint64, error) {
	if c.Flags().Changed("seed") {
		return parseSeeds(f.seeds)
	}
	if f.file != "" && f.spec.Seed != 0 {
		return []uint64{f.spec.Seed}, nil
	}
	return []uint64{uint64(rand.Uint32())}, nil
}

const maxSeeds = 100_000

// parseSeeds reads 7, 1,5 and 1..10.
func parseSeeds(text string) (seeds []uint64, err error) {
	for _, part := range strings.Split(text, ",") {
		from, to, isRange := strings.Cut(part, "..")
		if !isRange {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 64)
		b, err2 := strconv.ParseUint(to, 10, 64)
		if err1 != nil || err2 != nil || b < a {
			return nil, fmt.Errorf("--seed %q: want a number, a list (1,5) or a range (1..10)", text)
		}
		if b-a >= maxSeeds || len(seeds) >= maxSeeds {
			return nil, fmt.Errorf("--seed %q: more than %d seeds", text, maxSeeds)
		}
		for i := range b - a + 1 {
			seeds = append(seeds, a+i)
		}
	}
	return seeds, nil
}
