package history

import (
	"cmp"
	"slices"
)

// Sorted is the history in the order that checkers read: by Time, events of one Time as they came in. Accesses of one
// Time stay in the order of Seq, which is the order in which the resource decided. Index is set to the position.
// The events given are left as they are.
func Sorted(events []Event) []Event {
	out := slices.Clone(events)
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
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
	return out
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
