package rebalance

import (
	"fmt"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/spec"
	"riven/workloads"
)

// LogResource is the partitioned log. The Key of an access is the partition, its Text what is asked for.
const LogResource = "log"

// What is asked for.
const (
	verbAppend = checkers.VerbAppend // message N
	verbFetch  = checkers.VerbFetch  // and consume the message at offset N
	verbEnd    = "end"               // how many messages there are
	verbLag    = "lag"               // how many of them nobody has consumed
)

// Why an access was refused, and what the consumer is to do.
const (
	isEmpty  = "empty"  // there is no message at the offset yet
	isDone   = "done"   // it was consumed before: go on with the next (with fencing)
	isFenced = "fenced" // somebody with a newer claim has consumed from the partition (with fencing)
)

// log keeps, for each partition, its length and what was consumed of it. With fencing it refuses a claim that is older
// than one that it has seen, and what was consumed before: then every message is consumed once. Without, it gives
// everything to everybody.
type log struct {
	fencing    bool
	seq        int64
	partitions map[string]*messages
}

type messages struct {
	consumed []bool
	newest   int64 // token
}

func newLog(s spec.Spec) workloads.Resource {
	return &log{fencing: s.Fencing, partitions: map[string]*messages{}}
}

// Decide appends or consumes.
func (l *log) Decide(_ string, q env.Request) env.Reply {
	l.seq++
	refuse := func(why string) env.Reply { return env.Reply{Seq: l.seq, Text: why} }
	if q.Resource != LogResource {
		return refuse(fmt.Sprintf("no resource %q", q.Resource))
	}
	p := l.partitions[q.Key]
	if p == nil {
		p = &messages{}
		l.partitions[q.Key] = p
	}
	switch q.Text {
	case verbAppend:
		p.consumed = append(p.consumed, false)
		return env.Reply{Seq: l.seq, Accepted: true, N: int64(len(p.consumed) - 1)}
	case verbEnd:
		return env.Reply{Seq: l.seq, N: int64(len(p.consumed))}
	case verbLag:
		lag := int64(0)
		for _, done := range p.consumed {
			if !done {
				lag++
			}
		}
		return env.Reply{Seq: l.seq, N: lag}
	case verbFetch:
		switch {
		case l.fencing && q.Token < p.newest:
			return refuse(isFenced)
		case q.N < 0 || q.N >= int64(len(p.consumed)):
			p.newest = max(p.newest, q.Token)
			return refuse(isEmpty)
		case l.fencing && p.consumed[q.N]:
			p.newest = max(p.newest, q.Token)
			return refuse(isDone)
		}
		p.newest = max(p.newest, q.Token)
		p.consumed[q.N] = true
		return env.Reply{Seq: l.seq, Accepted: true, N: q.N}
	}
	return refuse(fmt.Sprintf("nothing is known of %q", q.Text))
}
