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

// queue takes events from the readers of the nodes without ever blocking them.
type queue struct {
	mu    sync.Mutex
	items []arrival
	wake  chan struct{} // holds one token when items wait
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(a arrival) {
	q.mu.Lock()
	q.items = append(q.items, a)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() []arrival {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}
