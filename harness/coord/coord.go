package coord

import (
	"errors"
	"time"
)

// Errors of a Session. All but ErrLoss are definite: the call did not take effect.
var (
	ErrNoNode     = errors.New("no node")
	ErrNodeExists = errors.New("node exists")
	ErrBadVersion = errors.New("bad version")
	ErrNotEmpty   = errors.New("node has children")
	ErrNoChildren = errors.New("ephemeral nodes may not have children")
	ErrInvalid    = errors.New("invalid request")
	ErrMoved      = errors.New("session moved")
	// ErrRolledBack: another op of the same Multi failed before this one.
	ErrRolledBack = errors.New("runtime inconsistency")
	// ErrExpired: the session is dead; this call was not sent, or the server refused it because the session has expired.
	ErrExpired = errors.New("session expired")
	// ErrLoss: the connection was lost before the reply; the outcome is unknown.
	ErrLoss = errors.New("connection loss")
)

// Definite tells whether err says for sure that the call did not take effect. An unknown error is indefinite.
func Definite(err error) bool {
	for _, e := range []error{ErrNoNode, ErrNodeExists, ErrBadVersion, ErrNotEmpty, ErrNoChildren, ErrInvalid, ErrMoved, ErrRolledBack, ErrExpired} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Stat is what ZooKeeper's Stat says of a node, as far as recipes need it.
type Stat struct {
	Czxid          int64
	Mzxid          int64
	Pzxid          int64
	Version        int32
	Cversion       int32
	EphemeralOwner int64
	NumChildren    int32
}

// Mode of a created node.
type Mode uint8

// Modes add up; 0 is a persistent node.
const (
	Persistent Mode = 0
	Ephemeral  Mode = 1
	Sequential Mode = 2
)

// AnyVersion makes Set and Delete unconditional.
const AnyVersion int32 = -1

// Op is one op of a Multi. Which fields have a meaning is told by its Kind.
type Op struct {
	Kind    OpKind
	Path    string
	Data    []byte
	Mode    Mode
	Version int32
}

// OpKind is what an op of a Multi does.
type OpKind uint8

// Kinds of ops.
const (
	OpCreate OpKind = iota // Path, Data, Mode
	OpSet                  // Path, Data, Version
	OpDelete               // Path, Version
	OpCheck                // Path, Version: fails unless the node has that version
)

// Outcome is how an op of a Multi ended. Of a Multi that failed none was done: Err is nil before the op that failed,
// ErrRolledBack after it (ZooKeeper: DataTree.processTxn).
type Outcome struct {
	Err  error
	Path string // created
	Stat Stat   // of OpSet
}

// Signal fires once, at the latest when what it stands for is known at the client. env.Wait waits for it.
type Signal interface{ Fired() bool }

// Options of a session. Open waits for it no longer than two Timeouts, then it fails with ErrLoss; a session of which
// nobody knows may live at the servers until it expires there.
type Options struct {
	Timeout time.Duration // the session timeout asked for; the server clamps it to 2..20 ticks
}

// Session is one ZooKeeper session. Calls block, give the token of the incarnation away meanwhile, and are sent in
// the order of the calls (FIFO per session).
type Session interface {
	ID() int64
	// Timeout is the session timeout that the server granted.
	Timeout() time.Duration
	Create(path string, data []byte, m Mode) (created string, err error)
	Get(path string) ([]byte, Stat, error)
	GetW(path string) ([]byte, Stat, Signal, error)
	Exists(path string) (Stat, bool, error)
	ExistsW(path string) (Stat, bool, Signal, error)
	Children(path string) ([]string, error) // in no particular order
	ChildrenW(path string) ([]string, Signal, error)
	Set(path string, data []byte, version int32) (Stat, error)
	Delete(path string, version int32) error
	// Multi does all ops or none, in one transaction. The error is that of the op that failed; the outcomes are those of
	// all ops whenever a server has answered.
	Multi(ops ...Op) ([]Outcome, error)
	Sync(path string) error
	// Disconnected fires when the present connection is lost. After a reconnect a new call gives a new signal.
	Disconnected() Signal
	// Expired fires once, for good, when the client learns that the session is dead; also after Close.
	Expired() Signal
	// Close ends the session; its ephemeral nodes go with it if the server hears of it.
	Close()
}
