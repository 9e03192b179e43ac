package participant

import (
	"slices"
	"sync"

	"riven/clusters/docker/protocol"
)

// orders are the replies that the agent wants to be lost, in the order in which it asked.
type orders struct {
	mu   sync.Mutex
	list []order
}

type order struct {
	fault string
	op    opcode
	left  int64
}

// add takes an order, or takes it back if its N is below 0; false: there is no such opcode.
func (o *orders) add(in protocol.In) bool {
	op, ok := opcodeNamed(in.F)
	if !ok {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if in.N < 0 {
		o.list = slices.DeleteFunc(o.list, func(o order) bool { return o.fault == in.Key && o.op == op })
		return true
	}
	o.list = append(o.list, order{fault: in.Key, op: op, left: max(1, in.N)})
	return true
}

// take tells whether a reply to op is to be lost now, and for which fault.
func (o *orders) take(op opcode) (fault string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.list, func(o order) bool { return o.op == op })
	if i < 0 {
		return "", false
	}
	fault = o.list[i].fault
	if o.list[i].left--; o.list[i].left == 0 {
		o.list = slices.Delete(o.list, i, i+1)
	}
	return fault, true
}
