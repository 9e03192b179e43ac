// Package counter is the counter workload: participants add to one number in ZooKeeper and read it.
//
// It owns the recipes, their defects, the stream of ops and the claims; it must not know how a history is judged, nor
// which world it runs in.
package counter
