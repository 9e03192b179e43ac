package nemesis

import "riven/harness/spec"

// Status is how a fault ended.
type Status string

// A fault that is neither Applied nor known to have failed does not exist: there is no silent no-op.
const (
	Applied     Status = "applied"     // seen to have had its effect
	NoEffect    Status = "no-effect"   // in force as asked, but nothing of the system's own was touched by it
	Late        Status = "late"        // in force, but what it was armed on no longer held; does not count
	Unmet       Status = "unmet"       // its trigger or its target did not come up before the end
	Unsupported Status = "unsupported" // this machine can not do it
	Failed      Status = "error"       // the harness could not apply or undo it
)

// Edge is one direction between two nodes.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// EdgeReceipt is what was seen on one cut edge.
type EdgeReceipt struct {
	Edge
	Cut     bool   `json:"cut"`     // probes sent from From were seen dropped at To, and none arrived
	Packets uint64 `json:"packets"` // packets of the system under test that were dropped
	Healed  bool   `json:"healed"`  // after the end a probe arrived
}

// ProcessReceipt is what was seen of the processes of a killed or paused node.
type ProcessReceipt struct {
	Node    string `json:"node"`
	Pid     int    `json:"pid"`               // of the child, inside the node
	Gone    bool   `json:"gone,omitempty"`    // kill: seen to be gone
	NewPid  int    `json:"newPid,omitempty"`  // kill: of the child that was started again
	Threads int    `json:"threads,omitempty"` // pause: all of them seen in state T
	Resumed bool   `json:"resumed,omitempty"` // pause: none left in state T
}

// ClockReceipt is by how much the wall clocks of a node's processes were ahead, as read in the processes.
type ClockReceipt struct {
	Node    string        `json:"node"`
	Pids    []int         `json:"pids"`             // at the begin
	Before  spec.Duration `json:"before"`           // the fault
	Begin   spec.Duration `json:"begin"`            // once it was in force
	Last    spec.Duration `json:"last"`             // before it was undone
	After   spec.Duration `json:"after"`            // it was undone
	LastPid int           `json:"lastPid"`          // one that was read at the end: another than at the begin if there was a new start in between; 0: none ran
	Killed  bool          `json:"killed,omitempty"` // none ran at the end, by another fault: the skew had ended with its process
}

// LostReply is one reply that did not reach its caller.
type LostReply struct {
	Node string `json:"node"`
	Op   string `json:"op"`
	Xid  int64  `json:"xid"`
	Zxid int64  `json:"zxid"` // of the server's reply: the request had taken effect
}

// Receipt is what a fault was observed to do. Times are ns of CLOCK_MONOTONIC, stamped by the agents.
type Receipt struct {
	Step      Step             `json:"step"`
	Status    Status           `json:"status"`
	Why       string           `json:"why,omitempty"`       // for everything but Applied: one sentence
	Nodes     []string         `json:"nodes,omitempty"`     // that the target resolved to
	Begin     int64            `json:"begin,omitempty"`     // the last of its effects was in force
	BeginFrom int64            `json:"beginFrom,omitempty"` // the first of its effects may have been in force
	End       int64            `json:"end,omitempty"`       // the first of its effects may have ended
	EndBy     int64            `json:"endBy,omitempty"`     // all of its effects were undone
	Edges     []EdgeReceipt    `json:"edges,omitempty"`
	Processes []ProcessReceipt `json:"processes,omitempty"`
	Clocks    []ClockReceipt   `json:"clocks,omitempty"`
	Lost      []LostReply      `json:"lost,omitempty"`
	Expect    Expect           `json:"expect"`
}

// Expect is what the fault should do to service, for the participants named. Those in neither list may go either way.
type Expect struct {
	Serves []string `json:"serves,omitempty"`
	Stalls []string `json:"stalls,omitempty"`
}
