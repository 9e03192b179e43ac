package env

import (
	"errors"
	"math/rand/v2"
	"time"

	"riven/harness/coord"
)

// ErrStopped is returned by Wait, Open, Call and Ask when the node stops.
var ErrStopped = errors.New("node stopped")

// ErrNoAnswer is returned by Ask: whether the node has heard the message is unknown, and it may yet hear it.
var ErrNoAnswer = errors.New("no answer")

// Env belongs to one incarnation of a participant. Its tasks are cooperative in both worlds: one runs at a time, and
// another can run only inside Wait, Open, Call, Ask and the calls of a session. So recipes share state without locks.
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
	// Serve answers the messages that other nodes send, each in a task of its own; until it is called, and while the
	// node is down or cut off, they get no answer. It is called once.
	Serve(f func(from string, m Message) Message)
	// Ask sends a message to another participant and waits for the answer, at most that long. Partitions cut messages.
	Ask(node string, m Message, timeout time.Duration) (Message, error)
	Note(n Note)
}

// Message is what nodes say to each other, and what they answer. It is flat; a workload says what its fields mean.
type Message struct {
	Kind  string `json:"kind"`
	Key   string `json:"key,omitempty"`
	Hold  string `json:"hold,omitempty"`
	Token int64  `json:"token,omitempty"`
	N     int64  `json:"n,omitempty"`
	Text  string `json:"text,omitempty"`
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
	Key   string
	Hold  string
	Token int64
	N     int64
	Text  string
}
