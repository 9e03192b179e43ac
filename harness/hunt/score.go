package hunt

import (
	"context"
	"fmt"
	"slices"

	"riven/checkers"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/nemesis"
)

// Score is how many seeds a search takes until it sees a defect, over several trials with seeds of their own.
type Score struct {
	Name   string
	Trials int
	Seeds  []int    // of the trials that found it, in ascending order: the number of the seed that did
	Cap    int      // seeds of a trial
	Claims []string // that were violated, each once, in order of their names
	Tried  int      // seeds in all
}

// Rank is the number of seeds within which that part of the trials found it; false where fewer did.
func (s Score) Rank(part float64) (seeds int, ok bool) {
	i := int(part*float64(s.Trials)+0.999999) - 1
	if i < 0 || i >= len(s.Seeds) {
		return 0, false
	}
	return s.Seeds[i], true
}

// Judgement tells whether the claims that a run violated count as the defect's.
type Judgement func(s spec.Spec, violated []string) bool

// Rate searches for a defect that is switched on in the specs, which take turns, until a run counts, in each trial at
// most limit seeds. One run is made at a time, so that the caller can count what it costs.
func Rate(ctx context.Context, name string, specs []spec.Spec, trials, limit int, counts Judgement) (Score, error) {
	room := new(run.Simulator)
	score := Score{Name: name, Trials: trials, Cap: limit}
	for trial := range trials {
		for i := range limit {
			o := Options{Spec: specs[turn(i, len(specs))]}
			o.Spec.Seed = uint64(trial+1) * 1_000_000
			t := o.draw(uint64(i))
			t.make(ctx, room, false)
			if ctx.Err() != nil {
				return score, ctx.Err()
			}
			if t.err != nil {
				return score, fmt.Errorf("%s, seed %d: %w", name, t.spec.Seed, t.err)
			}
			score.Tried++
			violated := broken(t)
			if !counts(t.spec, violated) {
				continue
			}
			score.Seeds = append(score.Seeds, i+1)
			for _, c := range violated {
				if !slices.Contains(score.Claims, c) {
					score.Claims = append(score.Claims, c)
				}
			}
			break
		}
	}
	slices.Sort(score.Seeds)
	slices.Sort(score.Claims)
	return score, nil
}

// turn is which of n specs the number's seed takes: in rounds of the searchers, each of which begins with the next spec,
// so that every spec meets every searcher.
func turn(i, n int) int {
	searchers := len(nemesis.Searchers())
	return (i%searchers + i/searchers) % n
}

func broken(t trial) (claims []string) {
	for _, c := range t.verdict.Checks {
		if c.Outcome == checkers.Violation {
			claims = append(claims, c.Claim)
		}
	}
	return claims
}
