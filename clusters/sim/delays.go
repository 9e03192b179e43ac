package sim

import (
	"time"

	"riven/clusters/sim/ensemble"
)

// How long things take that the simulation only draws: evenly from the first to the second value. A packet's time is
// the network's own (network.Edges).
const (
	serverStart, serverStartMax           = 500 * time.Millisecond, 900 * time.Millisecond
	participantStart, participantStartMax = 5 * time.Millisecond, 20 * time.Millisecond
	way, wayMax                           = 30 * time.Microsecond, 150 * time.Microsecond // between agent and process
	fsync, fsyncMax                       = 300 * time.Microsecond, 1500 * time.Microsecond
	slowFsync                             = 20 * time.Millisecond // at most on top, of one fsync in slowFsyncs
	slowFsyncs                            = 64
)

// work is what a change of role takes a server: from the servers' logs of 12 deaths of a leader with 3 and 5 servers on
// 2026-11-27 (3.8.0, two busy cores), without their rare extremes.
var work = map[ensemble.Work][2]time.Duration{
	ensemble.Stopping: {4 * time.Millisecond, 26 * time.Millisecond},  // to "LOOKING"
	ensemble.Opening:  {7 * time.Millisecond, 18 * time.Millisecond},  // from "LEADING" to its listening
	ensemble.Joining:  {2 * time.Millisecond, 10 * time.Millisecond},  // from "FOLLOWING" to the first dial
	ensemble.Serving:  {20 * time.Millisecond, 50 * time.Millisecond}, // from a follower's info to "broadcast"
}
