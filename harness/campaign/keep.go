package campaign

import (
	"fmt"
	"path/filepath"
	"slices"

	"riven/checkers"
	"riven/results"
)

// thin removes what need not be kept of the bundles: passes beyond the latest of each cell, and more where the cap of bytes
// asks for it. What is left of them is enough for gates and trends. Violations stay whole, whatever the cap says.
func (c *campaign) thin() error {
	for _, e := range c.surplus() {
		if err := c.thinOne(e); err != nil {
			return err
		}
	}
	limit := c.Campaign.Keep.Bytes
	if limit == 0 {
		return nil
	}
	for _, class := range []func(entry) bool{c.expected, of(checkers.Inconclusive), of(checkers.Error)} {
		for _, e := range c.whole(class) {
			size, err := c.size()
			if err != nil || size <= limit {
				return err
			}
			if err := c.thinOne(e); err != nil {
				return err
			}
		}
	}
	size, err := c.size()
	if err == nil && size > limit {
		c.note(fmt.Sprintf("the bundles that must be kept take %d bytes, more than the cap of %d", size, limit))
	}
	return err
}

func of(o checkers.Outcome) func(entry) bool {
	return func(e entry) bool { return e.Outcome == o }
}

// expected is a pass, or a canary that sang.
func (c *campaign) expected(e entry) bool {
	if e.Outcome == checkers.Pass {
		return true
	}
	i := slices.IndexFunc(c.runs, func(r Run) bool { return r.Cell.ID == e.Cell })
	return i >= 0 && c.runs[i].Cell.Canary && e.Outcome == checkers.Violation && results.Finds(c.runs[i].Cell.Spec, e.Claims)
}

// whole are the bundles of a class that are not thinned yet, the oldest first.
func (c *campaign) whole(class func(entry) bool) (out []entry) {
	for _, e := range c.journal.entries {
		if e.Act == actEnd && e.Bundle != "" && class(e) && !c.journal.thinned[e.Bundle] {
			out = append(out, e)
		}
	}
	return out
}

// surplus are the whole passes of each cell but for the latest that are kept.
func (c *campaign) surplus() (out []entry) {
	left := map[string]int{}
	all := c.whole(c.expected)
	for i := len(all) - 1; i >= 0; i-- {
		if left[all[i].Cell]++; left[all[i].Cell] > c.Campaign.Keep.Passes {
			out = append(out, all[i])
		}
	}
	return out
}

// thinOne writes down that a bundle is thinned once it is; thinning one twice does no harm.
func (c *campaign) thinOne(e entry) error {
	if err := results.Thin(filepath.Join(c.folder(), e.Bundle)); err != nil {
		c.note(fmt.Sprintf("%s could not be thinned: %v", e.Bundle, err))
	}
	delete(c.sizes, e.Bundle)
	return c.journal.add(entry{Act: actThin, Cell: e.Cell, N: e.N, Bundle: e.Bundle})
}

// size of all bundles together.
func (c *campaign) size() (total int64, err error) {
	for _, e := range c.journal.entries {
		if e.Act != actEnd || e.Bundle == "" {
			continue
		}
		if _, known := c.sizes[e.Bundle]; !known {
			if c.sizes[e.Bundle], err = results.Size(filepath.Join(c.folder(), e.Bundle)); err != nil {
				return 0, err
			}
		}
		total += c.sizes[e.Bundle]
	}
	return total, nil
}

func (c *campaign) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}
