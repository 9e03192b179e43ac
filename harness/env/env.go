package env

import (
	"errors"
	"math/rand/v2"
	"time"

	"riven/harness/coord"
)

// ErrStopped is returned by Wait, Open and Call when the node stops.
var ErrStopped = errors.New("node stopped")

// Env belongs to one incarnation of a participant. Its tasks are cooperative in both worlds: one runs at a time, and
// another can run only inside Wait, Open, Call and the calls of a session. So recipes share state without locks.
type Env interface {
	ID() string               // the incarnation: node and number of the start, "p1.2"
	Now() time.Time           // this node's wall clock: faults may skew it
	Mono() time.Duration      // this node's monotonic clock, from an arbitrary start
	Rand() *rand.Rand         // seeded per node and incarnation
	Go(name string, f func()) // a task of this incarnation
	After(d time.Duration) coord.Signal
	Cond() Cond
	// Wait returns the lowest index among the signals that have fired, looked up again once the token is back.
	Wait(s ...coord.Signal) (int, error)
	Open(coord.Options) (coord.Session, error)
	// Call asks a resource of the harness (the guarded register) and waits for its reply.
	Call(Request) (Reply, error)
	Note(n Note)
}

// Cond is a signal that the recipe fires itself.
type Cond interface {
	coord.Signal
	Fire()
}

// Request is one access to a resource that a lock or a leadership protects.
type Request struct {
	Resource string // which resource; "register" in the lock workload
	Hold     string // the tenure under which the access is made
	Token    int64  // its fencing token
	Key      string
	N        int64
	Text     string
}

// Reply is the resource's decision.
type Reply struct {
	Seq      int64 // the resource's number of this access
	Accepted bool
	N        int64
	Text     string
}

// Note is what a participant now believes.
type Note struct {
	Kind  string // history.NoteLost, … or a kind of the workload's own
	Hold  string
	Token int64
	Text  string
}
