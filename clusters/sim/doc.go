// Package sim is a cluster in memory: simulated servers, the recipes of the participants as they are, a network between
// them and virtual time. The same spec, seed and orders give the same history, byte for byte.
//
// It owns what agents do in containers: it starts, hurts and stops nodes, hands ops to participants and records what it
// sees. kernel/ has the time, network/ the connections, ensemble/ the servers, client/ the sessions. A Cluster belongs
// to one goroutine. It knows no wall clock, no file and no Docker.
package sim
