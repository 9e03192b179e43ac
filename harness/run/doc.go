// Package run is the roof: one run from spec to bundle: start, drive, inject, heal, quiesce, judge, write.
//
// It owns the order of a run's phases, the dispatch of ops and the carrying out of the conductor's orders. What a
// fault is, what an op means and what a history proves is for nemesis, workloads and checkers.
package run
