package protocol

import (
	"riven/harness/history"
	"riven/harness/spec"
)

// Version of the protocol, said in Hello.
const Version = 1

// Types of messages to a participant.
const (
	TypeHello  = "hello"  // first line
	TypeInvoke = "invoke" // do op ID; one at a time
	TypeReply  = "reply"  // the resource's decision on access ID
	TypeOrder  = "order"  // lose replies, or no more with n below 0; answered by "lost" each time, or once by "unsupported"
)

// OrderSlow is the F of an order to take up each message N ns late, until the same with an N of 0; told each time by a note of the kind
// history.NoteLate. Any other F is the opcode whose replies are to be lost.
const OrderSlow = "slow"

// Types of messages from a participant: history.OK, Fail and Info complete op ID; history.Note; history.Wire; and
const (
	TypeReady       = "ready"       // can take ops
	TypeAccess      = "access"      // asks the resource Key; ID is the participant's own number, given back in the reply
	TypeLost        = "lost"        // a reply was lost as ordered by Key: Text opcode, N xid, Token zxid
	TypeUnsupported = "unsupported" // can not obey order Key
)

// Hello tells a participant who it is and what to run.
type Hello struct {
	Version     int       `json:"version"`
	Node        string    `json:"node"`
	Incarnation int       `json:"incarnation"`
	Seed        uint64    `json:"seed"`
	Servers     []Server  `json:"servers"`         // that it may use, in the order in which it should try them
	Peers       []Server  `json:"peers,omitempty"` // the participants and where they take messages, in a workload that has roles
	Spec        spec.Spec `json:"spec"`
}

// Server is a node and where it is reached.
type Server struct {
	Name    string `json:"name"`
	Address string `json:"address"` // "10.0.0.2:2181"
}

// In is a message to a participant. Op's fields stand beside the others.
type In struct {
	Type     string `json:"type"`
	ID       int64  `json:"id,omitempty"`
	Process  int    `json:"process,omitempty"`
	Hello    *Hello `json:"hello,omitempty"`
	Seq      int64  `json:"seq,omitempty"`      // reply
	Accepted bool   `json:"accepted,omitempty"` // reply
	history.Op
}

// Out is a message from a participant.
type Out struct {
	Type  string `json:"type"`
	ID    int64  `json:"id,omitempty"`
	Error string `json:"error,omitempty"`
	Mono  int64  `json:"mono,omitempty"` // ns of CLOCK_MONOTONIC by a raw system call, for notes
	history.Op
}
