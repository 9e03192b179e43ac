package kernel

import "time"

// clock is a wall clock that faults skew: since the last change it runs at its rate.
type clock struct {
	rate  float64
	since time.Duration // of the last change
	ahead time.Duration // by how much it was ahead then
}

// SetClock makes the node's wall clock jump so that it is ahead by the offset, and run at the rate from then on.
func (k *Kernel) SetClock(node int, offset time.Duration, rate float64) {
	k.nodes[node+1].clock = clock{rate, k.now, offset}
}

// Ahead is by how much the node's wall clock is ahead.
func (k *Kernel) Ahead(node int) time.Duration {
	c := &k.nodes[node+1].clock
	if c.rate == 1 {
		return c.ahead
	}
	return c.ahead + time.Duration(float64(k.now-c.since)*(c.rate-1))
}
