// Package conformance runs scripts of session calls, the same on every cluster, so that their answers can be compared:
// what the simulated ensemble answers must be what the real one does.
//
// It owns the scripts, their notation and the recipe that runs them. It is in no list: it is a workload only so that it
// takes the same way through both worlds as any other.
package conformance
