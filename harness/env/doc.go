// Package env is everything that a recipe may touch: clocks, timers, randomness, tasks, waiting, sessions, the
// guarded resource and notes. A recipe written against it runs unchanged in a container and in the simulation.
//
// It owns the interface alone; it knows neither of its two implementations. lint/ holds recipes to it.
package env
