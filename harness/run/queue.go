package run

import (
	"sync"
	"sync/atomic"
	"time"

	"riven/harness/history"
)

// arrival is an event with the time since the start of the ops at which the run learned of it.
type arrival struct {
	at time.Duration
	history.Event
}

// gathering is how long the run is left alone after an event: events come in crowds, and to be woken for each costs more
// than the rest of what is done with it.
const gathering = time.Millisecond

// queue takes events from the readers of the nodes without ever blocking them.
type queue struct {
	mu    sync.Mutex
	items []arrival
	taken []arrival     // given away by the last take; its room is used again
	some  atomic.Bool   // there are items
	timer *time.Timer   // runs when items wait; nil: whoever takes them looks for himself
	wake  chan struct{} // holds one token when items have waited
}

func newQueue() *queue {
	q := &queue{wake: make(chan struct{}, 1)}
	q.timer = time.AfterFunc(time.Hour, func() {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	})
	q.timer.Stop()
	return q
}

func (q *queue) put(at time.Duration, e *history.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, arrival{at, *e})
	if len(q.items) > 1 {
		return
	}
	q.some.Store(true)
	if q.timer != nil {
		q.timer.Reset(gathering)
	}
}

// waiting tells whether there is something to take.
func (q *queue) waiting() bool { return q.some.Load() }

// take takes all. What it gives is good until the next call.
func (q *queue) take() []arrival {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items, q.taken = q.taken[:0], q.items
	q.some.Store(false)
	return q.taken
}
