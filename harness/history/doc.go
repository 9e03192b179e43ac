// Package history is the ground floor: what was observed in a run, as a list of events, and its codecs.
//
// It owns Event, the order of events and their encodings (native, JSON lines, Jepsen EDN). It knows nothing of
// clusters, workloads, clocks, files or verdicts: a history is data that any checker may be handed.
package history
