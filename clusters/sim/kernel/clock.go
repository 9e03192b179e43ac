package kernel

import (
	"math"
	"time"
)

// clock is one that faults skew: since the last change it runs at its rate.
type clock struct {
	rate  float64
	since time.Duration // of the last change
	ahead time.Duration // by how much it was ahead then
}

// at is by how much it is ahead now.
func (c *clock) at(now time.Duration) time.Duration {
	if c.rate == 1 {
		return c.ahead
	}
	return c.ahead + time.Duration(float64(now-c.since)*(c.rate-1))
}

// SetClock makes the node's wall clock jump so that it is ahead by the offset, and run at the rate from then on.
func (k *Kernel) SetClock(node int, offset time.Duration, rate float64) {
	k.nodes[node+1].clock = clock{rate, k.now, offset}
}

// Ahead is by how much the node's wall clock is ahead.
func (k *Kernel) Ahead(node int) time.Duration { return k.nodes[node+1].clock.at(k.now) }

// SetMonoRate makes the node's monotonic clock run at the rate from then on, from what it shows. Its tasks look again for
// what they wait for.
func (k *Kernel) SetMonoRate(node int, rate float64) {
	k.nodes[node+1].mono = clock{rate, k.now, k.MonoAhead(node)}
	for _, t := range k.tasks {
		if t != nil && t.group.node == node && !t.group.dead {
			k.wake(t)
		}
	}
}

// MonoAhead is by how much the node's monotonic clock is ahead.
func (k *Kernel) MonoAhead(node int) time.Duration { return k.nodes[node+1].mono.at(k.now) }

// Mono is what the node's monotonic clock shows.
func (k *Kernel) Mono(node int) time.Duration { return k.now + k.MonoAhead(node) }

// Lasts is for how long d by the node's monotonic clock lasts, at its present rate.
func (k *Kernel) Lasts(node int, d time.Duration) time.Duration {
	rate := k.nodes[node+1].mono.rate
	if rate == 1 {
		return d
	}
	return time.Duration(math.Ceil(float64(d)/rate)) + 1 // what was rounded down must not come short
}
