package checkers

import (
	"slices"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// Causes of a rebalance that a change of the group has.
const (
	MembersChanged    = "members changed"
	PartitionsChanged = "partitions changed"
	BrokersChanged    = "brokers changed"
)

// groupChange is one change of the group, within a time.
type groupChange struct {
	span
	cause string
	by    string // node
}

// groupChanges are those of the history, but for deaths. The topic does not grow any more once it has all that it may have.
func groupChanges(h []history.Event) (changes []groupChange) {
	invoked := map[int64]int64{}
	grown := int64(0)
	for i := range h {
		e := &h[i]
		switch {
		case e.Type == history.Invoke:
			invoked[e.ID] = e.Time
		case e.Type == history.Note && (e.F == NoteMember || e.F == NoteLeft):
			changes = append(changes, groupChange{span{e.Time, e.Time}, MembersChanged, e.Node})
		case e.Type != history.OK:
		case e.F == OpBroker:
			changes = append(changes, groupChange{span{invoked[e.ID], e.Time}, BrokersChanged, e.Node})
		case e.F == OpGrow:
			if grown != 0 && e.N > grown {
				changes = append(changes, groupChange{span{invoked[e.ID], e.Time}, PartitionsChanged, e.Node})
			}
			grown = e.N
		}
	}
	return changes
}

// demandedCauses are the causes of which a fair run must show a rebalance: there was such a change while a member that was not concerned
// waited for changes. For a quarter of a session timeout (twice what a member waits before it claims again) it had begun no
// rebalance, and before and after the change there was no other; and no fault for a whole one. In any other case the change may be
// found by a rebalance that was under way for another reason.
func (in Input) demandedCauses() map[string]bool {
	session := in.Spec.Timing.Session.D().Nanoseconds()
	changes := groupChanges(in.History)
	demanded := map[string]bool{}
	for i, c := range changes {
		around := span{c.from - session/4, c.to + session/4}
		disturbed := around.to > runEnd(in.History) || slices.ContainsFunc(in.Receipts, func(r nemesis.Receipt) bool {
			return r.BeginFrom <= c.to+session && c.from-session <= max(r.EndBy, r.BeginFrom)
		})
		for k, other := range changes {
			disturbed = disturbed || k != i && around.meets(other.span)
		}
		if !disturbed && in.somebodyWaits(c, around.from) {
			demanded[c.cause] = true
		}
	}
	return demanded
}

// somebodyWaits tells whether a member, not the one that made the change, had done nothing but wait since then.
func (in Input) somebodyWaits(c groupChange, since int64) bool {
	member, busy := map[string]bool{}, map[string]bool{}
	for i := range in.History {
		e := &in.History[i]
		if e.Time >= c.from {
			break
		}
		switch {
		case spec.RoleOf(e.Node) != "consumer":
		case e.Type == history.Exit, e.Type == history.Note && (e.F == NoteLeft || e.F == history.NoteExpired || e.F == history.NoteSuspended):
			member[e.Node] = false
		case e.Type == history.Note && e.F == NoteMember:
			member[e.Node] = true
		case e.Type == history.Note && (e.F == history.NoteRebalance || e.F == history.NoteConnected) && e.Time >= since:
			busy[e.Node] = true
		}
	}
	for _, node := range in.Spec.Of("consumer") {
		if node != c.by && member[node] && !busy[node] {
			return true
		}
	}
	return false
}
