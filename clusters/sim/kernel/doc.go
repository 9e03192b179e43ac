// Package kernel is virtual time: a heap of events, tasks as coroutines, clocks of nodes, randomness that is keyed
// instead of drawn in turn, and a hash of everything that happened.
//
// One Kernel belongs to one goroutine. It owns the order of events and nothing else: it knows no network, no ZooKeeper,
// no wall clock and no file. The same seed and the same calls give the same run.
package kernel
