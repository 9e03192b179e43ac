package run

import (
	"sync"
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

func (q *queue) put(a arrival) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.items = append(q.items, a); len(q.items) == 1 && q.timer != nil {
		q.timer.Reset(gathering)
	}
}

// waiting tells whether there is something to take.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) > 0
}

func (q *queue) take() []arrival {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}
