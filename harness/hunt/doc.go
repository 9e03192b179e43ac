// Package hunt searches: run after run in the simulation, each with its own seed, plan and timing, on all cores, and
// keeps what violated a claim.
//
// It owns the variation of specs, the turns of the planners and what counts as one finding. How a run goes and what it
// proves is for harness/run.
package hunt
