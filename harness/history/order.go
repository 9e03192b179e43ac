package history

import (
	"cmp"
	"slices"
	"sort"
)

// Sorted is the history in the order that checkers read: by Time, events of one Time as they came in. Accesses of one
// Time stay in the order of Seq, which is the order in which the resource decided. Index is set to the position.
// The events given are left as they are.
func Sorted(events []Event) []Event {
	out := slices.Clone(events)
	Sort(out)
	return out
}

// Sort is Sorted in place.
func Sort(out []Event) {
	sortByTime(out)
	for from := 0; from < len(out); {
		to := from + 1
		for to < len(out) && out[to].Time == out[from].Time {
			to++
		}
		if to-from > 1 {
			orderAccesses(out[from:to])
		}
		from = to
	}
	for i := range out {
		out[i].Index = i
	}
}

// sortByTime is stable. Histories come almost in order: what is not in its place is moved there, and only where that
// gets long is all of it sorted.
func sortByTime(events []Event) {
	byTime := func(a, b Event) int { return cmp.Compare(a.Time, b.Time) }
	moves := 8 * len(events)
	for i := 1; i < len(events); i++ {
		e := events[i]
		if e.Time >= events[i-1].Time {
			continue
		}
		at := sort.Search(i, func(k int) bool { return events[k].Time > e.Time })
		if moves -= i - at; moves < 0 {
			slices.SortStableFunc(events, byTime)
			return
		}
		copy(events[at+1:i+1], events[at:i])
		events[at] = e
	}
}

// orderAccesses puts the accesses among the events, which are of one Time, in the order of Seq. Nothing else moves.
func orderAccesses(events []Event) {
	var places []int
	var accesses []Event
	for i, e := range events {
		if e.Type == Access {
			places, accesses = append(places, i), append(accesses, e)
		}
	}
	slices.SortStableFunc(accesses, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	for i, place := range places {
		events[place] = accesses[i]
	}
}
