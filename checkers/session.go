package checkers

import (
	"fmt"

	"riven/harness/history"
)

// SessionOrder wants no read of a session to show an older version of a register than one that the same session has read
// or made before: reads are sequential within a session, whatever server answers them (single system image). Hold of an
// OK is its session, Token the version, Text since when it counts: a state of a later life of the register, or of its absence, is newer
// whatever its version.
func SessionOrder(in Input) Check {
	p := in.promise(ClaimSession)
	type place struct{ session, key string }
	newest := map[place]witness{}
	seen := map[place]int32{} // where
	sessions := map[string]bool{}
	var f findings
	h := in.History
	reads := 0
	for i := range h {
		e := &h[i]
		if e.Type != history.OK || e.Hold == "" {
			continue
		}
		switch e.F {
		case OpGet, OpSyncGet, OpRead, OpWrite, OpCreate:
		default:
			continue
		}
		at := place{e.Hold, e.Key}
		sessions[e.Hold] = true
		reads++
		w := witnessOf(e)
		if !w.older(newest[at]) {
			if newest[at].olderOrUntold(w) {
				newest[at], seen[at] = w, int32(i)
			}
			continue
		}
		j := seen[at]
		f.add(violation, e.Hold, e.Key, func() Anomaly {
			zero := RunStart(h)
			return Anomaly{
				Claim: ClaimSession,
				Sentence: fmt.Sprintf("%s was shown %s of %s (value %d) at %s, after its session %s had seen %s (value %d) at %s",
					e.Node, w, e.Key, e.N, seconds(e.Time-zero), e.Hold, newest[at], h[j].N, seconds(h[j].Time-zero)),
				Proof: ordered(j, int32(i)), Nodes: in.scene(i, e.Node), From: h[j].Time, To: e.Time,
			}
		})
	}
	c := Check{Claim: ClaimSession, Rule: p.Rule, Engine: "running maximum", Detail: fmt.Sprintf("%s in %s", plural(reads, "op", "ops"), plural(len(sessions), "session", "sessions"))}
	return f.close(c, "", "")
}

// Written wants a write of every participant to be acknowledged after the final heal within ServedBound.
func Written(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpWrite, object: "a write", bound: ServedBound(in.Spec)})
}

// RegisterFloors is what must have happened in a run of the register workload for a pass: writes, compare-and-sets, creates, deletes
// and reads of every kind, every step of the plan applied, and the faults did to service what their receipts expect. How
// many sync-reads were stale is told: that is allowed, after a leader stood still or was cut off (ZOOKEEPER-1675).
func RegisterFloors(in Input) []Floor {
	var writes, reads, gets, syncs, stale, swapped, creates, deletes, missing int
	h := in.History
	newest := map[string]witness{} // key → the newest state that was told by now
	known := map[int64]witness{}   // op → that state at its invocation
	compared := map[int64]bool{}   // op
	for i := range h {
		e := &h[i]
		if e.Type == history.Invoke {
			known[e.ID], compared[e.ID] = newest[e.Key], e.Text != ""
			continue
		}
		if e.Type != history.OK {
			continue
		}
		w := witnessOf(e)
		switch e.F {
		case OpCreate:
			creates++
		case OpDelete:
			deletes++
			continue
		case OpWrite:
			writes++
			if compared[e.ID] {
				swapped++
			}
		case OpRead:
			if reads++; e.N == 0 {
				missing++
			}
		case OpGet:
			gets++
		case OpSyncGet:
			if syncs++; w.older(known[e.ID]) {
				stale++
			}
		default:
			continue
		}
		if newest[e.Key].olderOrUntold(w) {
			newest[e.Key] = w
		}
	}
	n := in.Spec.Participants
	floors := []Floor{
		{Name: "writes", Want: 10 * n, Got: writes},
		{Name: "reads through a write", Want: 5 * n, Got: reads},
		{Name: "of the writes, compare-and-sets", Want: n, Got: swapped},
		{Name: "creates", Want: 1, Got: creates},
		{Name: "deletes", Want: 1, Got: deletes},
		{Name: "reads through a write that saw no node", Want: 1, Got: missing},
		{Name: "plain reads", Want: n, Got: gets},
		{Name: "sync-reads", Want: n, Got: syncs},
		{Name: "sync-reads that were stale", Got: stale},
	}
	return append(floors, in.allFaultFloors(usage{
		served:  "writes",
		serves:  func(op string) bool { return op == OpWrite },
		exempt:  func(op string) bool { return op != OpWrite },
		through: func(string) bool { return true },
	})...)
}
