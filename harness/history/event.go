package history

// Type says what an event is evidence of.
type Type string

// An op is invoked once and completed at most once. OK happened, Fail did not happen, Info may or may not have.
const (
	Invoke Type = "invoke"
	OK     Type = "ok"
	Fail   Type = "fail"
	Info   Type = "info"
)

// The other events.
const (
	// Note is what a participant says it now believes; F is its kind (a Note constant).
	Note Type = "note"
	// Access is one decision of the resource: Seq is the resource's own number, Time is when the agent read the request.
	Access Type = "access"
	// Answer is the moment at which the agent handed the reply to access Seq to the participant.
	Answer Type = "answer"
	// Start and Exit bound an incarnation of a node's child process. Exit's Text tells the status.
	Start Type = "start"
	Exit  Type = "exit"
	// Role is a server's role as its own agent saw it: F is leader, follower or none; N is its zxid; Token is the epoch
	// that a leader leads, where its agent has proof of it.
	Role Type = "role"
	// Wire is a reply or watch event on a session's connection: Text is the opcode, N the xid, Token the zxid.
	Wire Type = "wire"
	// Stall is a node that did not run when it should have: Time to End, measured by its agent. Text says how it was seen.
	Stall Type = "stall"
	// Fault is the begin (F "begin", Time to End is the application) or the end (F "end") of the fault named in Key.
	Fault Type = "fault"
	// Phase is the run's progress: F is a Phase constant.
	Phase Type = "phase"
)

// Kinds of Note that every room understands. Recipes may add others.
const (
	NoteReady       = "ready"       // the participant can take ops
	NoteConnected   = "connected"   // a session's connection is up; Text is the server's name, Token the session id
	NoteSuspended   = "suspended"   // the connection is lost, the session may live
	NoteExpired     = "expired"     // the session is dead for good
	NoteUnsupported = "unsupported" // the participant can not obey the order of the fault in Key; Text says why
	NoteLate        = "late"        // the node took a message up N ns late, by the order of the fault in Key
	NoteLost        = "lost"        // the participant gave up Hold by itself, before any release
	NoteElected     = "elected"     // the node is the active one from now on, by its own account, under Hold with the epoch Token
	NoteDeposed     = "deposed"     // it is not any more, under Hold; Text says why
	NoteRebalance   = "rebalance"   // the node begins to find out what it is to own; Text says why
	NoteAssigned    = "assigned"    // the node owns partition Key under Hold, with the generation Token
	NoteRevoked     = "revoked"     // it does not any more; Text says why
	NoteHealth      = "health"      // what the node found out of the health of the node in Key: Text is "healthy" or what is wrong
)

// Phases of a run, in order.
const (
	PhaseOps   = "ops"   // ops and faults
	PhaseHeal  = "heal"  // everything is undone and seen to be undone
	PhaseQuiet = "quiet" // ops without faults: service must come back
	PhaseFinal = "final" // the last reads
	PhaseDone  = "done"
)

// Op is what an operation, a note or an access is about. It is flat and comparable, the fields mean the same in every workload.
type Op struct {
	F     string `json:"f,omitempty"`     // which operation, or which kind of note
	Key   string `json:"key,omitempty"`   // register, lock path, partition; fault id
	Hold  string `json:"hold,omitempty"`  // tenure: incarnation and which acquire, "p1.2/7"
	Token int64  `json:"token,omitempty"` // fencing token, epoch, generation or zxid
	N     int64  `json:"n,omitempty"`     // value, count, offset, version
	Text  string `json:"text,omitempty"`  // anything else that was said
}

// NoProcess is the Process of events that are not ops.
const NoProcess = -1

// Event is one observation. The field's zero value means "does not apply", but for Process (NoProcess).
type Event struct {
	Index       int    `json:"index"`           // position in the history
	Time        int64  `json:"time"`            // ns of CLOCK_MONOTONIC, stamped where it was observed
	End         int64  `json:"end,omitempty"`   // ns, for events that last
	Type        Type   `json:"type"`            //
	Node        string `json:"node,omitempty"`  // the server or participant
	Incarnation int    `json:"inc,omitempty"`   // which start of the node's child, from 1
	Process     int    `json:"process"`         // the op's process
	ID          int64  `json:"id,omitempty"`    // joins an invocation with its completion
	Seq         int64  `json:"seq,omitempty"`   // the resource's number of an access, from 1
	Rejected    bool   `json:"rej,omitempty"`   // the resource refused the access
	Error       string `json:"error,omitempty"` // why an op failed or is unknown
	Mono        int64  `json:"mono,omitempty"`  // ns of CLOCK_MONOTONIC by a raw system call inside the participant, when the note was true
	Op
}

// Completes tells whether the event ends an op.
func (e *Event) Completes() bool { return e.Type == OK || e.Type == Fail || e.Type == Info }
