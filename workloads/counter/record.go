package counter

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// record is the data of the node: the value, and each participant's last addition with the value that it made.
//
// The last one of each is enough, and is bounded by the number of participants: a participant makes one addition at a
// time and looks for no other than the one that it makes, so nobody looks for an entry that has been replaced.
type record struct {
	value int64
	last  []entry // in order of participants
}

type entry struct {
	participant string
	op          string // "p1.2/17": the 17th addition of the second start of p1
	value       int64
}

// made is the value that the op made, if it is the participant's last.
func (r record) made(op string) (int64, bool) {
	i := slices.IndexFunc(r.last, func(e entry) bool { return e.op == op })
	if i < 0 {
		return 0, false
	}
	return r.last[i].value, true
}

// plus is the record after the participant's op.
func (r record) plus(participant, op string, delta int64) record {
	out := record{value: r.value + delta, last: slices.Clone(r.last)}
	e := entry{participant, op, out.value}
	i, found := slices.BinarySearchFunc(out.last, participant, func(e entry, p string) int { return cmp.Compare(e.participant, p) })
	if found {
		out.last[i] = e
	} else {
		out.last = slices.Insert(out.last, i, e)
	}
	return out
}

// bytes writes the value on the first line and an entry on each other.
func (r record) bytes() []byte {
	b := strconv.AppendInt(make([]byte, 0, 16+24*len(r.last)), r.value, 10)
	for _, e := range r.last {
		b = append(append(b, '\n'), e.participant...)
		b = append(append(b, ' '), e.op...)
		b = strconv.AppendInt(append(b, ' '), e.value, 10)
	}
	return b
}

// parse reads what bytes writes, and nothing else.
func parse(data []byte) (record, error) {
	first, rest, more := strings.Cut(string(data), "\n")
	value, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return record{}, fmt.Errorf("data of %s: value: %w", Path, err)
	}
	r := record{value: value}
	if more {
		r.last = make([]entry, 0, strings.Count(rest, "\n")+1)
	}
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		e, err := parseEntry(line)
		if err != nil {
			return record{}, fmt.Errorf("data of %s: %w", Path, err)
		}
		if n := len(r.last); n > 0 && r.last[n-1].participant >= e.participant {
			return record{}, fmt.Errorf("data of %s: %s after %s", Path, e.participant, r.last[n-1].participant)
		}
		r.last = append(r.last, e)
	}
	return r, nil
}

func parseEntry(line string) (entry, error) {
	participant, rest, _ := strings.Cut(line, " ")
	op, number, three := strings.Cut(rest, " ")
	if participant == "" || op == "" || !three || strings.Contains(number, " ") {
		return entry{}, fmt.Errorf("entry %q: want participant, op and value", line)
	}
	value, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("entry %q: %w", line, err)
	}
	return entry{participant, op, value}, nil
}
