package sim

import "time"

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
