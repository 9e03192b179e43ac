package rebalance

import "slices"

// assign is the range strategy of Kafka 0.8 (RangeAssignor): partitions and members in order; everybody gets the same
// number, the first ones get one more of what is left.
func assign(members []string, partitions int) map[string][]string {
	out := map[string][]string{}
	if len(members) == 0 {
		return out
	}
	share, more := partitions/len(members), partitions%len(members)
	next := 0
	for i, m := range members {
		n := share
		if i < more {
			n++
		}
		for range n {
			out[m] = append(out[m], partition(next))
			next++
		}
	}
	return out
}

// ordered is the list in order, which every member must see alike.
func ordered(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}
