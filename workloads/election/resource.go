package election

import (
	"fmt"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/spec"
	"riven/workloads"
)

// What is asked of the journal; the Key of an access and the Kind of a message.
const (
	keyOpen   = "open"             // a new active begins, with its epoch
	keyAppend = checkers.KeyAppend // a write N
	keyFence  = "fence"            // nothing of this epoch, or an older one, is taken any more
)

// journal is the record of what it decides. With fencing it refuses an epoch lower than the highest that it has seen
// (as a quorum journal does: HDFS QJM, newEpoch); without, only one that it was told to fence.
type journal struct {
	fencing bool
	seq     int64
	highest int64 // epoch of an accepted open or append
	fenced  int64 // epoch that was fenced last, with all below
}

func newJournal(s spec.Spec) workloads.Resource { return &journal{fencing: s.Fencing} }

// Decide takes the access or refuses it.
func (j *journal) Decide(_ string, q env.Request) env.Reply {
	j.seq++
	refuse := func(format string, args ...any) env.Reply {
		return env.Reply{Seq: j.seq, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case q.Resource != JournalResource:
		return refuse("no resource %q", q.Resource)
	case q.Key == keyFence:
		j.fenced = max(j.fenced, q.Token)
		return refuse("fenced up to %d", j.fenced) // no write: it is not counted among those that were taken
	case q.Token <= j.fenced:
		return refuse("epoch %d is fenced", q.Token)
	case j.fencing && q.Token < j.highest:
		return refuse("epoch %d is below %d", q.Token, j.highest)
	}
	j.highest = max(j.highest, q.Token)
	return env.Reply{Seq: j.seq, Accepted: true, N: q.N}
}
