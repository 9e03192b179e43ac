package ensemble

import (
	"time"

	"riven/harness/coord"
)

// ServerID names a server: 1..63, the same in every Config of the ensemble.
type ServerID int

// Conn is a client's connection at this server. The caller chooses the number and uses it once per server object.
type Conn int64

// Host is what a server may do to its world. All calls return at once and do not call back into the server.
type Host interface {
	// Now is the node's monotonic clock. It goes on over restarts of the server.
	Now() time.Duration
	// Send sends to a peer. Messages of one Link arrive in the order sent or, if the connection breaks, not at all; both
	// ends then get PeerBroken. A Link to a peer that does not run leads to PeerBroken at the sender (or to nothing, if
	// it is cut off silently). Notifications, which have none, may get lost unsaid. The payload that a Message points to
	// is shared and never changed.
	Send(to ServerID, m Message)
	// Reply sends to a client: in order, lost when the connection breaks.
	Reply(c Conn, r Reply)
	// Hangup closes a client's connection once what was sent before has been delivered. The server has forgotten it.
	Hangup(c Conn)
	// After makes the caller call Fire(t) when d of the node's monotonic clock has passed.
	After(d time.Duration, t Timer)
	// Takes is how long the server is busy with some work that it begins now.
	Takes(w Work) time.Duration
	// Sync makes what the disk holds by now durable; the caller calls Synced(n) when that is done, however long it
	// takes. At most one Sync of a server object is under way; a later one, begun after a truncation, makes the answer
	// to the earlier one void.
	Sync(n uint64)
}

// Timer is what a server asked After for. The caller only carries it; most are out of date when they fire.
type Timer struct {
	kind timerKind
	seq  uint64
}

// Defaults of Config.
const (
	DefaultTick        = 200 * time.Millisecond
	DefaultInitLimit   = 10
	DefaultSyncLimit   = 5
	DefaultCommitLog   = 500
	defaultFinalize    = 200 * time.Millisecond
	defaultMinNotify   = 50 * time.Millisecond
	defaultMaxNotify   = 200 * time.Millisecond
	defaultEpochWait   = 400 * time.Millisecond
	leaderConnectRetry = 100 * time.Millisecond // Learner.leaderConnectDelayDuringRetryMs
	leaderConnectTries = 5                      // Learner.LeaderConnector
)

// Config of a server; the same on all servers but for the id. Zero values mean the defaults.
type Config struct {
	Servers   []ServerID    // all of the ensemble, in ascending order
	Tick      time.Duration // tickTime
	InitLimit int           // ticks
	SyncLimit int           // ticks

	FinalizeWait time.Duration // FastLeaderElection.finalizeWait, 200 ms
	MinNotify    time.Duration // fastleader.minNotificationInterval: 50 ms, as in the project's containers
	MaxNotify    time.Duration // fastleader.maxNotificationInterval: 200 ms, as in the project's containers
	EpochWait    time.Duration // leader.maxTimeToWaitForEpoch: 400 ms, as in the project's containers
	CommitLog    int           // ZKDatabase.commitLogCount: a follower that is further behind gets a SNAP

	Defects []string // names from Defects
}

// Role is what a server does at present (QuorumPeer.ServerState).
type Role uint8

// Roles.
const (
	Looking Role = iota
	Following
	Leading
)

func (r Role) String() string { return [...]string{"looking", "following", "leading"}[r] }

// Hello is a client's connect request.
type Hello struct {
	LastZxid int64 // the highest zxid that the client has seen
	Session  int64 // 0 asks for a new session
	Password uint64
	Timeout  time.Duration
}

// Op is the kind of a request (ZooDefs.OpCode).
type Op uint8

// Ops.
const (
	OpPing Op = iota
	OpCreate
	OpDelete
	OpSet
	OpGet
	OpExists
	OpChildren
	OpSync
	OpMulti
	OpCheck // inside OpMulti
	OpSetWatches
	OpClose
	OpError // in results of a multi that failed, and in the log
	opOpen  // createSession
)

// Request is one client request. It belongs to the server from the call on; the caller does not change it any more.
type Request struct {
	Xid     int32 // -2 for OpPing, -8 for OpSetWatches, else the client's counter
	Op      Op
	Mode    coord.Mode
	Watch   bool // Get, Exists, Children: leave a watch
	Version int32
	Path    string
	Data    []byte
	Ops     []Request     // of OpMulti: Create, Delete, Set, Check
	Watches *Rearm        // of OpSetWatches
	timeout time.Duration // of opOpen
}

// Rearm is the body of a SetWatches request.
type Rearm struct {
	Zxid                   int64 // what the client has seen
	Data, Exists, Children []string
}

// Code is ZooKeeper's error code in a reply (KeeperException.Code).
type Code int32

// Codes.
const (
	OK                   Code = 0
	RuntimeInconsistency Code = -2
	BadArguments         Code = -8
	NoNode               Code = -101
	BadVersion           Code = -103
	NoChildren           Code = -108 // NOCHILDRENFOREPHEMERALS
	NodeExists           Code = -110
	NotEmpty             Code = -111
	SessionExpired       Code = -112
	sessionMoved         Code = -118 // the client never sees it: the server hangs up (FinalRequestProcessor)
)

// ReplyKind tells which fields of a Reply have a meaning.
type ReplyKind uint8

// Reply kinds.
const (
	Connected ReplyKind = iota // Session, Password, Timeout; Session 0: the session is dead, the server hangs up
	Response                   // Xid, Zxid, Err and what the op gives
	Event                      // Event and Path; Zxid is -1 as on the wire of 3.8
)

// EventKind is what happened to a watched node (Watcher.Event.EventType).
type EventKind uint8

// Events.
const (
	NodeCreated EventKind = iota + 1
	NodeDeleted
	NodeDataChanged
	NodeChildrenChanged
)

func (e EventKind) String() string {
	return [...]string{"none", "created", "deleted", "changed", "children"}[e]
}

// Reply is what a server sends to a client.
type Reply struct {
	Kind  ReplyKind
	Event EventKind
	Op    Op
	Xid   int32
	Err   Code
	Zxid  int64 // of the header: the write's own, or the last that the server had applied

	Path     string // created; of the event
	Data     []byte
	Stat     coord.Stat // of Get, Set, Exists, Children
	Children []string   // sorted here; ZooKeeper gives no order
	Results  []Result   // of OpMulti, one an op; Err of the header stays OK (FinalRequestProcessor)

	Session  int64
	Password uint64
	Timeout  time.Duration
}

// Result is one slot of a multi. If any slot failed none was done: slots before it say OK, later ones
// RuntimeInconsistency (DataTree.processTxn).
type Result struct {
	Op   Op
	Err  Code
	Path string     // created
	Stat coord.Stat // of Set
}
