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
	b := strconv.AppendInt(nil, r.value, 10)
	for _, e := range r.last {
		b = fmt.Appendf(b, "\n%s %s %d", e.participant, e.op, e.value)
	}
	return b
}

// parse reads what bytes writes, and nothing else.
func parse(data []byte) (record, error) {
	lines := strings.Split(string(data), "\n")
	value, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return record{}, fmt.Errorf("data of %s: value: %w", Path, err)
	}
	r := record{value: value}
	for _, line := range lines[1:] {
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
	w := strings.Split(line, " ")
	if len(w) != 3 || w[0] == "" || w[1] == "" {
		return entry{}, fmt.Errorf("entry %q: want participant, op and value", line)
	}
	value, err := strconv.ParseInt(w[2], 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("entry %q: %w", line, err)
	}
	return entry{w[0], w[1], value}, nil
}
