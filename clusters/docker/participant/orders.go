package participant

import (
	"slices"
	"sync"
	"time"

	"riven/clusters/docker/protocol"
)

// orders are the replies that the agent wants to be lost, in the order in which it asked, and how late it wants messages to be taken up.
type orders struct {
	mu     sync.Mutex
	list   []order
	takes  bool // messages
	delays []delay
}

type delay struct {
	fault string
	by    time.Duration
}

// takeMessages says that there are messages to be slow to.
func (o *orders) takeMessages() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.takes = true
}

func (o *orders) serves() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.takes
}

// slow has messages taken up late for the fault, or no more.
func (o *orders) slow(fault string, by time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delays = slices.DeleteFunc(o.delays, func(d delay) bool { return d.fault == fault })
	if by > 0 {
		o.delays = append(o.delays, delay{fault, by})
	}
}

// late are the delays of a message that has come now.
func (o *orders) late() []delay {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.delays)
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
