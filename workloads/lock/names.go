package lock

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// separator ends a node's prefix; what follows is the sequence number that the server appended.
const separator = "lock-"

// sequence is the number that the server gave a node. It is a signed 32-bit counter printed with %010d (PrepRequestProcessor),
// so after an overflow it reads "-2147483648"; ok is false for nodes that are none of ours.
func sequence(name string) (n int32, ok bool) {
	i := strings.LastIndex(name, separator)
	if i < 0 {
		return 0, false
	}
	digits := name[i+len(separator):]
	v, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || !canonical(digits, v) {
		return 0, false
	}
	return int32(v), true
}

// canonical tells whether digits, which were read as v, are what %010d makes of it.
func canonical(digits string, v int64) bool {
	width := 10
	if v <= -1_000_000_000 {
		width = 11
	}
	return len(digits) == width && digits[0] != '+' && (digits[0] == '-') == (v < 0)
}

// before orders sequence numbers by age across an overflow: the difference is taken modulo 2^32.
func before(a, b int32) int { return cmp.Compare(a-b, 0) }

// bySequence keeps the lock's nodes, oldest first.
func bySequence(names []string) []string {
	type numbered struct {
		name string
		n    int32
	}
	list := make([]numbered, 0, len(names))
	for _, name := range names {
		if n, ok := sequence(name); ok {
			list = append(list, numbered{name, n})
		}
	}
	slices.SortFunc(list, func(a, b numbered) int { return before(a.n, b.n) })
	if len(list) == 0 {
		return nil
	}
	queue := make([]string, len(list))
	for i, x := range list {
		queue[i] = x.name
	}
	return queue
}

// base is the last element of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
