package lock

import (
	"fmt"

	"riven/harness/env"
	"riven/harness/spec"
	"riven/workloads"
)

// register is the guarded register: the last accepted value and the highest token seen. With fencing it refuses lower
// tokens (M. Kleppmann, "How to do distributed locking", 2016); without, it accepts everything.
type register struct {
	fencing bool
	seq     int64
	highest int64
	value   int64
}

func newRegister(s spec.Spec) workloads.Resource { return &register{fencing: s.Fencing} }

// Decide writes the request's N if the token may pass; the reply's N is the register's value thereafter.
func (r *register) Decide(_ string, q env.Request) env.Reply {
	r.seq++
	switch {
	case q.Resource != Register:
		return env.Reply{Seq: r.seq, N: r.value, Text: fmt.Sprintf("no resource %q", q.Resource)}
	case r.fencing && q.Token < r.highest:
		return env.Reply{Seq: r.seq, N: r.value, Text: fmt.Sprintf("token %d is below %d", q.Token, r.highest)}
	}
	r.highest, r.value = max(r.highest, q.Token), q.N
	return env.Reply{Seq: r.seq, Accepted: true, N: r.value}
}
