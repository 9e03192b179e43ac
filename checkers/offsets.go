package checkers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"riven/harness/history"
)

// What a member's notes say besides history.NoteAssigned and NoteRevoked.
const (
	NoteCommitted = "committed" // N is the offset of partition Key by the write with the zxid Token
	NoteConflict  = "conflict"  // partition Key is somebody else's still
	NoteMember    = "member"    // it is registered
	NoteLeft      = "left"      // it is not any more
)

// Offsets wants no committed offset of a partition below one committed before, in order of the writes' zxids.
func Offsets(in Input) Check {
	p := in.promise(ClaimOffsets)
	by := map[string][]int32{}
	n := 0
	for i := range in.History {
		if e := &in.History[i]; e.Type == history.Note && e.F == NoteCommitted {
			by[e.Key] = append(by[e.Key], int32(i))
			n++
		}
	}
	var f findings
	h := in.History
	for _, partition := range slices.Sorted(maps.Keys(by)) {
		list := by[partition]
		slices.SortStableFunc(list, func(a, b int32) int { return cmp.Compare(h[a].Token, h[b].Token) })
		top := list[0]
		for _, i := range list[1:] {
			if h[i].N < h[top].N {
				f.add(violation, h[top].Hold, h[i].Hold, func() Anomaly { return in.wentBack(partition, top, i) })
			} else {
				top = i
			}
		}
	}
	c := Check{Claim: ClaimOffsets, Rule: p.Rule, Engine: "zxid order", Detail: plural(n, "commit", "commits")}
	return f.close(c, "", "")
}

func (in Input) wentBack(partition string, high, low int32) Anomaly {
	a, b := &in.History[high], &in.History[low]
	zero := RunStart(in.History)
	when := span{min(a.Time, b.Time), max(a.Time, b.Time)}
	nodes := in.scene(int(low), b.Node, a.Node)
	return Anomaly{
		Claim: ClaimOffsets,
		Sentence: fmt.Sprintf("%s committed offset %d of %s (%s, zxid %d, told at %s) after %s had committed %d (%s, zxid %d, told at %s); %s",
			b.Node, b.N, partition, b.Hold, b.Token, seconds(b.Time-zero), a.Node, a.N, a.Hold, a.Token, seconds(a.Time-zero), in.meanwhile(nodes, when)),
		Proof: ordered(high, low), Holds: []string{a.Hold, b.Hold}, Nodes: nodes, From: when.from, To: when.to, Place: in.blame(),
	}
}

// Consumed wants no message to be passed over: none that nobody consumed before one of the same partition that somebody
// did. With fencing at the log none may be consumed twice.
func Consumed(in Input) Check {
	p := in.promise(ClaimConsumed)
	log := in.accesses()
	appended := map[string]int64{}
	consumed := map[string]map[int64]int32{} // partition → offset → first fetch
	var f findings
	twice := 0
	h := in.History
	for _, a := range log.accepted {
		i := a.at
		e := &h[i]
		switch e.Text {
		case VerbAppend:
			appended[e.F]++
		case VerbFetch:
			if consumed[e.F] == nil {
				consumed[e.F] = map[int64]int32{}
			}
			j, again := consumed[e.F][e.N]
			if !again {
				consumed[e.F][e.N] = i
				continue
			}
			if twice++; in.Spec.Fencing {
				f.add(violation, h[j].Hold, e.Hold, func() Anomaly {
					return in.message(fmt.Sprintf("message %d of %s was consumed twice, by %s and by %s", e.N, e.F, h[j].Hold, e.Hold), j, i)
				})
			}
		}
	}
	given := 0
	for _, partition := range slices.Sorted(maps.Keys(consumed)) {
		offsets := slices.Sorted(maps.Keys(consumed[partition]))
		given += len(offsets)
		next := int64(0)
		for _, offset := range offsets {
			if offset != next {
				first := consumed[partition][offset]
				f.add(violation, partition, "", func() Anomaly {
					return in.message(fmt.Sprintf("nobody consumed message %d of %s, but %s consumed %d", next, partition, h[first].Node, offset), first)
				})
			}
			next = offset + 1
		}
	}
	c := Check{Claim: ClaimConsumed, Rule: p.Rule, Engine: "record lookup"}
	total := int64(0)
	for _, n := range appended {
		total += n
	}
	c.Detail = fmt.Sprintf("%s, %d consumed, %d times again", plural(int(total), "message", "messages"), given, twice)
	return f.close(c, log.broken, p.lack(log.missing))
}

func (in Input) message(sentence string, proof ...int32) Anomaly {
	e := &in.History[proof[len(proof)-1]]
	first := &in.History[proof[0]]
	return Anomaly{
		Claim: ClaimConsumed, Sentence: fmt.Sprintf("%s at %s", sentence, seconds(e.Time-RunStart(in.History))),
		Proof: ordered(proof...), Nodes: in.scene(int(proof[0]), e.Node), From: min(first.Time, e.Time), To: max(first.Time, e.Time), Place: in.blame(),
	}
}

// Assignment wants the last read of the group to show what the range strategy gives: partitions in order, members in
// order, everybody the same number and the first ones one more.
func Assignment(in Input) Check {
	p := in.promise(ClaimAssignment)
	c := Check{Claim: ClaimAssignment, Rule: p.Rule, Engine: "last read"}
	var f findings
	for i := len(in.History) - 1; i >= 0; i-- {
		e := &in.History[i]
		if e.Type != history.OK || e.F != OpOwners {
			continue
		}
		c.Detail = "read " + e.Text
		if wrong := Unassigned(*e); wrong != "" {
			f.add(violation, "", "", func() Anomaly {
				return Anomaly{Claim: ClaimAssignment, Sentence: wrong + " when nothing changed any more", Proof: ordered(int32(i)), From: e.Time, To: e.Time, Place: in.blame()}
			})
		}
		return f.close(c, "", "")
	}
	return f.close(c, "", p.lack("the group was not read at the end"))
}

// Unassigned says what is not as the range strategy has it in a read of the group: Text holds the members with commas
// between, a bar, then partition=owner with blanks between; N is the number of partitions. Empty: it is all as it should be.
func Unassigned(read history.Event) string {
	names, owned, _ := strings.Cut(read.Text, "|")
	members := strings.Split(names, ",")
	if names == "" {
		return "the group has no member"
	}
	slices.Sort(members)
	owner := map[string]string{}
	for _, pair := range strings.Fields(owned) {
		partition, who, _ := strings.Cut(pair, "=")
		owner[partition] = who
	}
	n, k := int(read.N), len(members)
	for i := range n {
		// The first n%k members have n/k+1 each.
		who := i / (n/k + 1)
		if who >= n%k {
			who = n%k + (i-n%k*(n/k+1))/max(n/k, 1)
		}
		partition := fmt.Sprintf("t-%d", i)
		if owner[partition] != members[who] {
			return fmt.Sprintf("%s is owned by %s and should be by %s (%s, members %s)", partition, cmp.Or(owner[partition], "nobody"), members[who], plural(n, "partition", "partitions"), names)
		}
	}
	return ""
}
