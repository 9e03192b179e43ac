package kernel

import (
	"fmt"
	"time"
)

// Handler takes an event whose time has come. What kind, a and b mean is its own affair.
type Handler interface {
	Handle(kind uint8, a, b uint64)
}

// World is the node of events that no pause holds up.
const World = -1

// crowd is how many events may happen at one instant before the run is given up: nothing would ever end it.
const crowd = 1_000_000

// Kernel is the virtual time of one run.
type Kernel struct {
	seed    uint64
	now     time.Duration
	soon    heap // what comes within horizon of its making
	later   heap // the rest: mostly timers, which are many and seldom come
	slots   []slot
	free    []uint32
	seq     uint64
	nodes   []node
	hash    uint64
	events  uint64
	crowded int
	current *Task
	tasks   []*Task // by number; nil: over
	spare   []int   // numbers free for tasks
	resumed uint64  // times that any task was resumed
	idle    []*coroutine
}

// horizon keeps the heap small that nearly every event goes through.
const horizon = 10 * time.Millisecond

// item orders an event: by time, then by a tie that the seed draws, then by age.
type item struct {
	at   time.Duration
	tie  uint64
	slot uint32
}

type slot struct {
	h    Handler
	seq  uint64
	a, b uint64
	node int32
	kind uint8
}

type node struct {
	drawn  uint64 // ties so far
	paused bool
	held   []uint32 // slots of events that came while it was paused
	clock  clock    // wall
	mono   clock
}

// New is a run that has not begun, with so many nodes.
func New(seed uint64, nodes int) *Kernel {
	k := &Kernel{seed: seed, nodes: make([]node, nodes+1), hash: mix(seed)}
	for i := range k.nodes {
		k.nodes[i].clock.rate, k.nodes[i].mono.rate = 1, 1
	}
	return k
}

// Now is the time since the begin of the run.
func (k *Kernel) Now() time.Duration { return k.now }

// Events is how many events have happened.
func (k *Kernel) Events() uint64 { return k.events }

// Hash is that of all that has happened so far.
func (k *Kernel) Hash() uint64 { return k.hash }

// Fold takes a value into the hash.
func (k *Kernel) Fold(v uint64) { k.hash = (k.hash ^ v) * 0x100000001b3 }

// After makes h handle the event when d has passed, on the node: if that is paused then, once it is resumed.
func (k *Kernel) After(d time.Duration, node int, h Handler, kind uint8, a, b uint64) {
	n := &k.nodes[node+1]
	n.drawn++
	tie := mix(k.seed ^ uint64(node+2)<<48 ^ n.drawn)
	k.push(item{k.now + max(d, 0), tie | 1, k.keep(slot{h, k.number(), a, b, int32(node), kind})})
}

// Hold makes h handle the event when the node, which is paused, is resumed, in turn; at once if it is not.
func (k *Kernel) Hold(node int, h Handler, kind uint8, a, b uint64) {
	n := &k.nodes[node+1]
	if !n.paused {
		k.After(0, node, h, kind, a, b)
		return
	}
	n.held = append(n.held, k.keep(slot{h, k.number(), a, b, int32(node), kind}))
}

// Paused tells whether the node is.
func (k *Kernel) Paused(node int) bool { return k.nodes[node+1].paused }

// Pause holds up the node's events from now on.
func (k *Kernel) Pause(node int) { k.nodes[node+1].paused = true }

// Resume lets happen what was held up, in the order in which it came, before anything else of this instant.
func (k *Kernel) Resume(node int) {
	n := &k.nodes[node+1]
	n.paused = false
	held := n.held
	n.held = n.held[len(n.held):]
	for _, s := range held {
		k.slots[s].seq = k.number()
		k.push(item{k.now, 0, s})
	}
}

// Next is when the next event comes; false: there is none.
func (k *Kernel) Next() (time.Duration, bool) {
	h := k.next()
	if h == nil {
		return 0, false
	}
	return (*h)[0].at, true
}

// Step lets the next event happen if it comes no later than that; else that is what time it is now.
func (k *Kernel) Step(until time.Duration) bool {
	h := k.next()
	if h == nil || (*h)[0].at > until {
		k.now = max(k.now, until)
		return false
	}
	it := k.pop(h)
	if it.at > k.now {
		k.now, k.crowded = it.at, 0
	} else if k.crowded++; k.crowded > crowd {
		panic(fmt.Sprintf("time stands still at %v: %d events at one instant", k.now, k.crowded))
	}
	s := k.slots[it.slot]
	if s.node >= 0 && k.nodes[s.node+1].paused {
		k.nodes[s.node+1].held = append(k.nodes[s.node+1].held, it.slot)
		return true
	}
	k.free = append(k.free, it.slot)
	k.events++
	k.Fold(uint64(it.at))
	k.Fold(uint64(s.node)<<8 | uint64(s.kind))
	k.Fold(s.a)
	s.h.Handle(s.kind, s.a, s.b)
	return true
}

func (k *Kernel) number() uint64 {
	k.seq++
	return k.seq
}

func (k *Kernel) keep(s slot) uint32 {
	if n := len(k.free); n > 0 {
		i := k.free[n-1]
		k.free = k.free[:n-1]
		k.slots[i] = s
		return i
	}
	k.slots = append(k.slots, s)
	return uint32(len(k.slots) - 1)
}

func (k *Kernel) before(a, b item) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.tie != b.tie {
		return a.tie < b.tie
	}
	return k.slots[a.slot].seq < k.slots[b.slot].seq
}

// heap has four children a node: half as deep as one with two, and its levels are read in one go.
type heap []item

// next is the heap with the next event; nil: there is none.
func (k *Kernel) next() *heap {
	switch {
	case len(k.later) == 0 && len(k.soon) == 0:
		return nil
	case len(k.later) == 0 || len(k.soon) > 0 && k.before(k.soon[0], k.later[0]):
		return &k.soon
	}
	return &k.later
}

func (k *Kernel) push(it item) {
	to := &k.soon
	if it.at-k.now > horizon {
		to = &k.later
	}
	h := append(*to, it)
	*to = h
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !k.before(it, h[p]) {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = it
}

func (k *Kernel) pop(from *heap) item {
	h := *from
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*from = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= len(h) {
			break
		}
		for j, end := c+1, min(c+4, len(h)); j < end; j++ {
			if k.before(h[j], h[c]) {
				c = j
			}
		}
		if !k.before(h[c], last) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = last
	return top
}
