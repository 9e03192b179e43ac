package clusters

import (
	"context"
	"io"
	"time"

	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// Invocation is one op on its way to a participant.
type Invocation struct {
	ID      int64 // unique in the run
	Process int
	Op      history.Op
}

// Observer is told what a cluster sees. Its methods are called from any goroutine, one at a time per node, and must not block for long.
type Observer interface {
	// Record takes an event in; Index is not yet set. The invocation of an op is recorded when its participant gets it.
	Record(history.Event)
	// Returned says that the op was never handed to the participant: it is to be forgotten or delivered again.
	Returned(node string, id int64)
	// Decide is the resource's decision on an access; the cluster records the Access and the Answer events.
	Decide(node string, r env.Request) env.Reply
	// Fired says that an armed fault took effect on its node.
	Fired(Fired)
	// Lost says that a reply was lost as ordered by LoseReply for the fault.
	Lost(fault string, l nemesis.LostReply)
	// Broken says that the harness can no longer rely on the node: its agent is gone or its participant broke the protocol.
	Broken(node string, err error)
}

// Config of a cluster.
type Config struct {
	Spec     spec.Spec
	Observer Observer
	Log      func(node string) io.Writer      // where the output of a node's child goes
	Progress func(format string, args ...any) // one line for people
	RunID    string                           // labels everything that the run creates
	Clocks   bool                             // SetClock or SetMonoRate will be called: nodes get the privileges that it takes
}

// Span is the time in which something happened, in ns of CLOCK_MONOTONIC as stamped by an agent.
type Span struct{ From, To int64 }

// Armed is a fault that waits in the agent of the node that it will hit.
type Armed struct {
	Fault string        // id of the step
	Event nemesis.Event // OnAcquired or OnOp
	Nth   int           // counted from the arming
	After time.Duration
	Kind  nemesis.Kind // Kill or Pause
}

// Fired tells of an armed fault.
type Fired struct {
	Fault   string
	Node    string
	Hold    string // of the acquire that fired it
	Span    Span
	Late    bool // what it was armed on no longer held when it took effect
	Receipt nemesis.ProcessReceipt
}

// Drop counts what one cut direction dropped since the node started.
type Drop struct {
	nemesis.Edge
	System, Probes uint64
}

// Probe is what became of a probe along an edge.
type Probe struct {
	nemesis.Edge
	Arrived bool // it was received
	Dropped bool // it was seen to be dropped by the receiver's rules
}

// ClockReading is by how much the clocks of a node's processes were ahead, read in the processes.
type ClockReading struct {
	Pids        []int
	Before, Now time.Duration
}

// Cluster is the machines of one run. All calls return when what they say was observed to have happened, or an error.
type Cluster interface {
	// Start returns when the ensemble serves with every server (a leader, all others following) and every participant is ready.
	Start(ctx context.Context) error
	// Comparable tells whether the stamps of all nodes come from one clock.
	Comparable() bool
	// Deliver hands an op to a participant's agent, which may hold one op back until the one before has completed.
	Deliver(node string, inv Invocation) error
	// Stop ends every node and removes what the cluster created.
	Stop(ctx context.Context) error

	// Cut makes exactly these directions drop, everything else pass.
	Cut(ctx context.Context, edges []nemesis.Edge) (Span, error)
	// Drops reads the counters of every direction that was ever cut.
	Drops(ctx context.Context) ([]Drop, error)
	// Probe sends probes along the edges and tells what became of them.
	Probe(ctx context.Context, edges []nemesis.Edge) ([]Probe, error)
	Kill(ctx context.Context, node string) (nemesis.ProcessReceipt, Span, error)
	// Restart starts the child of a killed node again; it does not wait for it to be ready.
	Restart(ctx context.Context, node string) (pid int, s Span, err error)
	Pause(ctx context.Context, node string) (nemesis.ProcessReceipt, Span, error)
	Resume(ctx context.Context, node string) (nemesis.ProcessReceipt, Span, error)
	// SetClock gives a node's processes a wall clock that jumps by the offset and runs at the rate (1 is the true one) from then on, also
	// in those that are started later, until it is called with 0 and 1. The receipt has what was read in the processes before and after.
	SetClock(ctx context.Context, node string, offset time.Duration, rate float64) (ClockReading, Span, error)
	// SetMonoRate has the monotonic clocks of a participant's processes run at the rate from then on, also in those that are started later,
	// until it is called with 1: then they go on from what they show.
	SetMonoRate(ctx context.Context, node string, rate float64) (ClockReading, Span, error)
	// LoseReply orders a participant's connection to lose the next count replies to op, each after the server's answer.
	// A count below 0 takes back what is left of the order.
	LoseReply(ctx context.Context, node, fault, op string, count int) error
	// Slow orders a participant to take up each message that much later, from now on until it is called with 0. Each such message is told by a
	// note of the kind history.NoteLate.
	Slow(ctx context.Context, node, fault string, delay time.Duration) error
	// Arm arms the fault in the agents of all these nodes; Disarm takes it back everywhere.
	Arm(ctx context.Context, nodes []string, a Armed) error
	Disarm(ctx context.Context, nodes []string, fault string) error
	// Formed returns when a leader and all other running servers serve.
	Formed(ctx context.Context) error
	// Ask sends a four-letter word to a server from within.
	Ask(ctx context.Context, node, word string) (string, error)
}

// Timed is a cluster with a time of its own, which passes in Pass, Start, Formed and Stop alone. All of it is used by one
// goroutine.
type Timed interface {
	// Now is the time since the cluster was made.
	Now() time.Duration
	// Pass lets so much time go by, or less: done is asked before each thing that happens.
	Pass(ctx context.Context, d time.Duration, done func() bool) error
}
