package kernel

import "iter"

// coroutine runs tasks, one after the other: to begin one and to let its stack grow costs more than most tasks do.
type coroutine struct {
	task  *Task
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// coroutine is one that is free.
func (k *Kernel) coroutine() *coroutine {
	if n := len(k.idle); n > 0 {
		c := k.idle[n-1]
		k.idle = k.idle[:n-1]
		return c
	}
	c := new(coroutine)
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for more := true; more; more = yield(struct{}{}) {
			c.task.run()
			c.task = nil
			k.idle = append(k.idle, c)
		}
	})
	return c
}

// Close frees what tasks ran on that have ended. Nothing may run after it.
func (k *Kernel) Close() {
	for _, c := range k.idle {
		c.stop()
	}
	k.idle = nil
}
