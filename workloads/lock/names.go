package lock

import (
	"cmp"
	"fmt"
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
	if err != nil || fmt.Sprintf("%010d", v) != digits {
		return 0, false
	}
	return int32(v), true
}

// before orders sequence numbers by age across an overflow: the difference is taken modulo 2^32.
func before(a, b int32) int { return cmp.Compare(a-b, 0) }

// bySequence keeps the lock's nodes, oldest first.
func bySequence(names []string) []string {
	queue := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		_, ok := sequence(n)
		return !ok
	})
	slices.SortFunc(queue, func(a, b string) int {
		x, _ := sequence(a)
		y, _ := sequence(b)
		return before(x, y)
	})
	return queue
}

// base is the last element of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
