package checkers

import (
	"cmp"
	"slices"
	"sort"
)

// timeline is disjoint spans in order, each with the length of all before it.
type timeline struct {
	spans  []span
	before []int64
}

// merge makes a timeline of spans in any order.
func merge(spans []span) timeline {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s span) bool { return s.to <= s.from })
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var t timeline
	var length int64
	for _, s := range spans {
		if n := len(t.spans); n > 0 && s.from <= t.spans[n-1].to {
			grown := max(t.spans[n-1].to, s.to)
			length += grown - t.spans[n-1].to
			t.spans[n-1].to = grown
			continue
		}
		t.spans, t.before = append(t.spans, s), append(t.before, length)
		length += s.to - s.from
	}
	return t
}

// until is how much of the time before at lies in the spans.
func (t timeline) until(at int64) int64 {
	i := sort.Search(len(t.spans), func(i int) bool { return t.spans[i].from >= at })
	if i == 0 {
		return 0
	}
	return t.before[i-1] + min(at, t.spans[i-1].to) - t.spans[i-1].from
}

// within is how much of the time lies in the spans.
func (t timeline) within(s span) int64 { return max(0, t.until(s.to)-t.until(s.from)) }
