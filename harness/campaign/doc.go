// Package campaign makes many runs: a matrix of cells with a budget, in shards, resumable after any stop.
//
// It owns the campaign file, the order of the runs, the journal that makes each of them happen exactly once, the budget and
// what is kept of the bundles. A run is a process of its own (Runner), so that its crash ends nothing else. It must not
// know clusters, engines or how a run goes; what came of one it reads from the bundle.
package campaign
