package run

import "sync"

// guard is a mutex between the readers of nodes and the run. Where one goroutine is all of them nobody locks it.
type guard struct {
	mu    sync.Mutex
	alone bool // set before anything else happens
}

func (g *guard) Lock() {
	if !g.alone {
		g.mu.Lock()
	}
}

func (g *guard) Unlock() {
	if !g.alone {
		g.mu.Unlock()
	}
}
