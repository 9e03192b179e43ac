package nemesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"riven/harness/spec"
)

// Kind of a fault.
type Kind string

// The faults there are.
const (
	Partition Kind = "partition"  // packets between nodes are dropped by their receivers
	Kill      Kind = "kill"       // SIGKILL of the child, started again at the end
	Pause     Kind = "pause"      // SIGSTOP of everything on the node but the agent
	Clock     Kind = "clock"      // the wall clock of everything on the node but the agent jumps, or runs too fast or too slow
	MonoRate  Kind = "mono-rate"  // the monotonic clock of everything on a participant's node but the agent runs too fast or too slow
	LoseReply Kind = "lose-reply" // a participant's connection breaks after the server has done the request, before its reply is read
	Slow      Kind = "slow"       // a participant takes up every message late
)

// Shape of a partition.
type Shape string

// Partition shapes; Target says around whom.
const (
	Isolate     Shape = "isolate"      // the target from every other node
	FromPeers   Shape = "from-peers"   // the target server from the other servers; participants still reach it
	FromServer  Shape = "from-server"  // the target participant from the server that it is connected to
	FromServers Shape = "from-servers" // the target participant from all servers
	OneWayIn    Shape = "one-way-in"   // nothing reaches the target from other servers
	OneWayOut   Shape = "one-way-out"  // nothing from the target reaches other servers
	FromNodes   Shape = "from-nodes"   // the target from the nodes in Peers
	Halves      Shape = "halves"       // servers (and their participants) in two halves; the target's half is the smaller
)

// Role names a target by what it is at the time of the fault. Besides these it may be a role of the spec (one of its
// nodes), and a target may be a node's name.
type Role string

// Roles that the conductor can resolve.
const (
	Leader       Role = "leader"        // the server that leads
	Follower     Role = "follower"      // a server that follows (chosen by the step's Pick)
	AnyServer    Role = "server"        // any server
	Holder       Role = "holder"        // the participant that holds the lock by its own account
	HolderServer Role = "holder-server" // the server that the holder is connected to
	Waiter       Role = "waiter"        // a participant that does not hold
	Participant  Role = "participant"   // any participant
	Active       Role = "active"        // the participant that is the active one by its own account
	ActiveServer Role = "active-server" // the server that the active one is connected to
	Owner        Role = "owner"         // a participant that owns a partition by its own account
)

// Target is a node, by name or by role. Pick chooses among several nodes of a role: index Pick modulo their number.
type Target struct {
	Node string `json:"node,omitempty"`
	Role Role   `json:"role,omitempty"`
	Pick int    `json:"pick,omitempty"`
}

// Fault is one failure to inject.
type Fault struct {
	Kind   Kind     `json:"kind"`
	Shape  Shape    `json:"shape,omitempty"` // of a partition
	Target Target   `json:"target"`
	Peers  []string `json:"peers,omitempty"` // of a partition from-nodes
	Op     string   `json:"op,omitempty"`    // lose-reply: opcode whose reply is lost ("create", "delete", …)
	Count  int      `json:"count,omitempty"` // lose-reply: how many in a row, default 1

	Delay spec.Duration `json:"delay,omitempty"` // slow: how late each message is taken up

	Jump spec.Duration `json:"jump,omitempty"` // clock: how far it jumps at the begin, either way
	Rate float64       `json:"rate,omitempty"` // clock, mono-rate: seconds that it shows for one that passes; 0 is not given, which is 1
}

// Event that a trigger waits for.
type Event string

// Trigger events.
const (
	OnAcquired      Event = "acquired"              // a participant acquired the lock
	OnLeaderChanged Event = "server leader changed" // another server leads than before
	OnOp            Event = "op"                    // a participant's op number Nth was invoked
	OnElected       Event = "elected"               // a participant became the active one
	OnRebalance     Event = "rebalance started"     // a participant began to find out what it is to own
	OnAssigned      Event = "assigned"              // a participant came to own a partition
	OnNote          Event = "note"                  // a participant noted what Note says
)

// Trigger starts a step when its event is seen for the Nth time (default 1) after the step's At.
type Trigger struct {
	Event Event         `json:"event"`
	Node  string        `json:"node,omitempty"` // only when this node caused it
	Note  string        `json:"note,omitempty"` // kind of the note
	Nth   int           `json:"nth,omitempty"`
	After spec.Duration `json:"after,omitempty"` // delay between event and fault
}

// Step is one fault of a plan. It begins at At after the start of the ops, or at its trigger, but not before At.
type Step struct {
	ID    string        `json:"id"`
	At    spec.Duration `json:"at"`
	On    *Trigger      `json:"on,omitempty"`
	Fault Fault         `json:"fault"`
	For   spec.Duration `json:"for"`
}

// Plan is the list of the faults of a run, in order of At.
type Plan struct {
	Policy string `json:"policy"` // "seeded", "file" or "none"
	Seed   uint64 `json:"seed,omitempty"`
	Steps  []Step `json:"steps"`
}

// Has tells whether a fault of that kind is in the plan.
func (p Plan) Has(k Kind) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Fault.Kind == k })
}

// ParsePlan reads a plan and refuses keys it does not know. Whether it fits the nodes is for Validate.
func ParsePlan(b []byte) (Plan, error) {
	p := Plan{Policy: "file"}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return p, nil
}
