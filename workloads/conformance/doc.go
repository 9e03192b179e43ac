// Package conformance runs scripts of session calls, the same on every cluster, so that their answers can be compared:
// what the simulated ensemble answers must be what the real one does.
//
// It owns the scripts and what may be answered (folder scripts, a topic a file), their notation, the plan of the faults
// that they ask for, the recipe that plays them, and the shrinking of one over which two worlds differ. It is in no
// list: it is a workload only so that it takes the same way through both worlds as any other.
package conformance
