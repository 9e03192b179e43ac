package campaign

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shard is one of several parts of a campaign, by the order of its cells.
type Shard struct{ I, N int } // I from 1

// Whole is a campaign that is not split.
var Whole = Shard{1, 1}

// ParseShard reads I/N, I from 1. I may be a sum, "$INDEX+1/4", where indices count from 0.
func ParseShard(text string) (Shard, error) {
	wrong := fmt.Errorf("shard %q: want I/N with I from 1 to N, or INDEX+1/N", text)
	left, right, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(right)
	if !ok || err != nil || n < 1 {
		return Shard{}, wrong
	}
	i := 0
	for _, part := range strings.Split(left, "+") {
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 || v > n {
			return Shard{}, wrong
		}
		i += v
	}
	if i < 1 || i > n {
		return Shard{}, wrong
	}
	return Shard{i, n}, nil
}

// of are the cells of the shard: every Nth by id.
func (s Shard) of(cells []Cell) (out []*Cell) {
	for i := range cells {
		if i%s.N == s.I-1 {
			out = append(out, &cells[i])
		}
	}
	return out
}

// lot is the number of no run.
const lot = 0

// Past is what earlier campaigns saw of a cell.
type Past struct {
	Runs, Violations int
	Last             time.Time // of its last run; zero: never
	Outcomes         []Seen
}

// Seen is what came of a seed on a commit.
type Seen struct {
	Commit  string
	Seed    uint64
	Outcome string
}

// Runs are the shard's runs in the order in which they are made. Canaries come first: a campaign that can not see them is not
// worth going on with. Then one run of every cell, then the next of every cell, and so on; in each round the cells that have found
// most for their runs, then those that were not looked at for longest, then by lot: a budget that does for a few cells is not spent on one recipe's.
func (c *Campaign) Runs(s Shard, past map[string]Past) (runs []Run) {
	cells := s.of(c.Cells)
	slices.SortStableFunc(cells, func(a, b *Cell) int {
		if a.Canary != b.Canary {
			return map[bool]int{true: -1, false: 1}[a.Canary]
		}
		x, y := past[a.ID], past[b.ID]
		return cmp.Or(cmp.Compare(y.Violations*max(1, x.Runs), x.Violations*max(1, y.Runs)), x.Last.Compare(y.Last), cmp.Compare(seed(c.Seed, a.ID, lot), seed(c.Seed, b.ID, lot)), strings.Compare(a.ID, b.ID))
	})
	canaries := slices.IndexFunc(cells, func(c *Cell) bool { return !c.Canary })
	if canaries < 0 {
		canaries = len(cells)
	}
	return append(c.rounds(cells[:canaries]), c.rounds(cells[canaries:])...)
}

func (c *Campaign) rounds(cells []*Cell) (runs []Run) {
	for n := 1; ; n++ {
		more := false
		for _, cell := range cells {
			if n <= cell.Runs {
				runs = append(runs, c.run(cell, n))
				more = true
			}
		}
		if !more {
			return runs
		}
	}
}
