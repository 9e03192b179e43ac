package agent

import (
	"encoding/json"

	"riven/clusters/docker/protocol"
	"riven/nemesis/inject"
)

// Commands of the harness. Every request with an ID other than 0 is answered by exactly one message with Re = ID;
// op and reply have no answer. Start, the faults and detect are carried out one after the other, in the order of the requests.
const (
	CmdStart  = "start"  // the child, with Launch; answered when it runs (Pid)
	CmdKill   = "kill"   // everything on the node but the agent; answered when seen gone (Process)
	CmdPause  = "pause"  // answered when every thread was seen stopped (Process)
	CmdResume = "resume" // answered when no thread is stopped any more (Process)
	CmdCut    = "cut"    // Peers is the whole set of addresses whose packets are dropped from now on
	CmdClock  = "clock"  // Clock is what the wall clocks of all processes show from now on, also after a new start; none: the truth (Clock)
	CmdMono   = "mono"   // the monotonic clocks of all processes run at Rate from now on, also after a new start; 1 is the true rate (Clock)
	CmdDrops  = "drops"  // answered with Drops
	CmdProbe  = "probe"  // sends Count probes to each of Peers
	CmdCounts = "counts" // answered with Received
	CmdFour   = "four"   // Word to the server's client port on loopback; answered with Text
	CmdArm    = "arm"    // Armed; answered at once, Message.Fired comes when it fires
	CmdDisarm = "disarm" // the fault named in Text: once answered it has been told of, or never will be
	CmdDetect = "detect" // answered with Mechanisms
	CmdOp     = "op"     // Op for the participant, which the agent may hold until the one before has completed; nor is it handed to a paused child
	CmdReply  = "reply"  // In (a reply or an order) for the participant, not held back
)

// EnvRun is the agent's environment variable with the id of the run, which marks its probes: nodes of a run must agree.
const EnvRun = "RIVEN_RUN"

// Request is one line from the harness.
type Request struct {
	ID     int64        `json:"id,omitempty"`
	Cmd    string       `json:"cmd"`
	TTL    int64        `json:"ttl,omitempty"` // ms; a cut, a pause, a clock or a rate undoes itself after it
	Launch *Launch      `json:"launch,omitempty"`
	Peers  []string     `json:"peers,omitempty"`
	Clock  *Clock       `json:"clock,omitempty"`
	Rate   float64      `json:"rate,omitempty"`
	Count  int          `json:"count,omitempty"`
	Word   string       `json:"word,omitempty"`
	Text   string       `json:"text,omitempty"`
	Armed  *Armed       `json:"armed,omitempty"`
	In     *protocol.In `json:"in,omitempty"` // op, reply, order
}

// Clock is a skew of the wall clock: it jumps by Offset, and runs at Rate from then on.
type Clock struct {
	Offset int64   `json:"offset"` // ns
	Rate   float64 `json:"rate"`   // 1 is the true one
}

// Launch is the child to start.
type Launch struct {
	Argv        []string        `json:"argv"`
	Env         []string        `json:"env,omitempty"`
	Dir         string          `json:"dir,omitempty"`
	UID         int             `json:"uid"`
	GID         int             `json:"gid"`
	Files       []File          `json:"files,omitempty"` // written before the start, owned by the child
	Dirs        []string        `json:"dirs,omitempty"`  // made before the start, owned by the child
	Incarnation int             `json:"incarnation"`
	Participant *protocol.Hello `json:"participant,omitempty"` // speaks the participant protocol; this is its first line
	ClientPort  int             `json:"clientPort,omitempty"`  // a server: its role is polled here
	EpochFile   string          `json:"epochFile,omitempty"`   // a server: where it keeps the epoch of its leader or of its own lead
}

// File to write before a start.
type File struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Armed is a kill or pause that waits for an event of the own participant.
type Armed struct {
	Fault string `json:"fault"`
	Event string `json:"event"` // nemesis.OnAcquired: an op "acquire" completed ok; nemesis.OnOp: an op was handed over
	Nth   int    `json:"nth"`
	After int64  `json:"after,omitempty"` // ns
	Kind  string `json:"kind"`            // nemesis.Kill or nemesis.Pause
	TTL   int64  `json:"ttl,omitempty"`   // ms, of a pause
}

// Message is one line from the agent. Exactly one of its parts is set.
type Message struct {
	Up       *Up      `json:"up,omitempty"`       // first line
	Re       int64    `json:"re,omitempty"`       // answer to the request of that ID
	Answer   *Answer  `json:"answer,omitempty"`   // with Re
	Line     *Line    `json:"line,omitempty"`     // a line of the participant protocol, stamped; hello is left out
	Returned int64    `json:"returned,omitempty"` // op that was never handed to the child
	Exit     *Exit    `json:"exit,omitempty"`     // the child ended; all of its output has been relayed before
	Role     *Role    `json:"role,omitempty"`     // a server's role changed
	Stall    *Stall   `json:"stall,omitempty"`    //
	Fired    *Fired   `json:"fired,omitempty"`    //
	Expired  *Expired `json:"expired,omitempty"`  // a fault undid itself, its TTL being over
	Broken   string   `json:"broken,omitempty"`   // the participant broke the protocol: what was wrong, with the line
}

// Up is said once, when the agent is ready.
type Up struct {
	BootID string `json:"boot"` // stamps are comparable between nodes of equal boot id
	Time   int64  `json:"time"`
	Error  string `json:"error,omitempty"` // a mechanism that could not be set up (the packet filter), nothing is hidden
}

// Answer to a request. Error is empty when it was carried out; From and To bound when.
type Answer struct {
	Error      string             `json:"error,omitempty"`
	CanNot     bool               `json:"canNot,omitempty"` // the error is that it can not be had here: errors.ErrUnsupported
	From       int64              `json:"from"`
	To         int64              `json:"to"`
	Pid        int                `json:"pid,omitempty"`
	Process    *Process           `json:"process,omitempty"`
	Clock      *Clocks            `json:"clock,omitempty"`
	Drops      []Drop             `json:"drops,omitempty"`
	Received   []Count            `json:"received,omitempty"`
	Text       string             `json:"text,omitempty"`
	Mechanisms []inject.Mechanism `json:"mechanisms,omitempty"`
}

// Process is what was seen of the node's processes.
type Process struct {
	Pid     int  `json:"pid"`
	Gone    bool `json:"gone,omitempty"`
	Threads int  `json:"threads,omitempty"` // seen stopped
	Resumed bool `json:"resumed,omitempty"`
}

// Clocks is what was read in the processes themselves: by how many ns their clocks were ahead.
type Clocks struct {
	Pids   []int `json:"pids"`
	Before int64 `json:"before"`
	Now    int64 `json:"now"`
}

// Drop counts packets dropped from a peer.
type Drop struct {
	From   string `json:"from"`
	System uint64 `json:"system"`
	Probes uint64 `json:"probes"`
}

// Count of probes received from a peer.
type Count struct {
	From    string `json:"from"`
	Packets uint64 `json:"packets"`
}

// Line is a line of the participant protocol as it passed the agent.
type Line struct {
	Time        int64           `json:"t"`
	Incarnation int             `json:"i"`
	To          bool            `json:"to,omitempty"` // handed to the child (else read from it)
	Raw         json.RawMessage `json:"raw"`          // protocol.In or protocol.Out
}

// Exit of the child.
type Exit struct {
	Time        int64  `json:"time"`
	Incarnation int    `json:"incarnation"`
	Status      string `json:"status"` // "exit status 1", "signal: killed"
}

// Role of a server, by its own answer to srvr.
type Role struct {
	Time int64  `json:"time"`
	Role string `json:"role"` // leader, follower, standalone or none
	Zxid int64  `json:"zxid"`
	// Epoch that a leader leads by proof of its own files; 0: it has none to read.
	Epoch int64 `json:"epoch,omitempty"`
}

// Stall is a time in which the node did not run as it should have.
type Stall struct {
	From int64  `json:"from"`
	To   int64  `json:"to"`
	By   int64  `json:"by"`   // ns within From to To that it was not served
	What string `json:"what"` // inject.StallTick, the agent's own; inject.StallQueue, a thread of the child
}

// Expired tells that a fault undid itself.
type Expired struct {
	Cmd   string `json:"cmd"` // CmdPause, CmdCut, CmdClock or CmdMono
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Error string `json:"error,omitempty"`
}

// Fired tells that an armed fault took effect. With a Process of Pid 0 there was nothing left to take effect on.
type Fired struct {
	Fault   string  `json:"fault"`
	Hold    string  `json:"hold,omitempty"`
	Late    bool    `json:"late,omitempty"` // a release was handed over, or a loss noted, before the effect
	From    int64   `json:"from"`
	To      int64   `json:"to"`
	Process Process `json:"process"`
	Error   string  `json:"error,omitempty"`
}
