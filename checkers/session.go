package checkers

import (
	"fmt"

	"riven/harness/history"
)

// SessionOrder wants no read of a session to show an older version of a register than one that the same session has read
// or made before: reads are sequential within a session, whatever server answers them (single system image). Hold of an
// OK is its session, Token the version.
func SessionOrder(in Input) Check {
	p := in.promise(ClaimSession)
	type place struct{ session, key string }
	newest := map[place]int32{}
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
		case OpGet, OpSyncGet, OpRead, OpWrite:
		default:
			continue
		}
		at := place{e.Hold, e.Key}
		sessions[e.Hold] = true
		reads++
		if j, before := newest[at]; before && h[j].Token > e.Token {
			f.add(violation, e.Hold, e.Key, func() Anomaly {
				zero := RunStart(h)
				return Anomaly{
					Claim: ClaimSession,
					Sentence: fmt.Sprintf("%s was shown version %d of %s (value %d) at %s, after its session %s had seen version %d (value %d) at %s",
						e.Node, e.Token, e.Key, e.N, seconds(e.Time-zero), e.Hold, h[j].Token, h[j].N, seconds(h[j].Time-zero)),
					Proof: ordered(j, int32(i)), Nodes: in.scene(i, e.Node), From: h[j].Time, To: e.Time,
				}
			})
		} else {
			newest[at] = int32(i)
		}
	}
	c := Check{Claim: ClaimSession, Rule: p.Rule, Engine: "running maximum", Detail: fmt.Sprintf("%s in %s", plural(reads, "op", "ops"), plural(len(sessions), "session", "sessions"))}
	return f.close(c, "", "")
}

// Written wants a write of every participant to be acknowledged after the final heal within ServedBound.
func Written(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpWrite, object: "a write", bound: ServedBound(in.Spec)})
}

// RegisterFloors is what must have happened in a run of the register workload for a pass: writes, compare-and-sets and
// reads of every kind, every step of the plan applied, and the faults did to service what their receipts expect. How
// many sync-reads were stale is told: that is allowed, after a leader stood still or was cut off (ZOOKEEPER-1675).
func RegisterFloors(in Input) []Floor {
	var writes, reads, gets, syncs, stale, swapped int
	h := in.History
	newest := map[string]int64{} // key → highest version that was told by now
	known := map[int64]int64{}   // op → that version at its invocation
	compared := map[int64]bool{} // op
	for i := range h {
		e := &h[i]
		if e.Type == history.Invoke {
			known[e.ID], compared[e.ID] = newest[e.Key], e.Text != ""
			continue
		}
		if e.Type != history.OK {
			continue
		}
		switch e.F {
		case OpWrite:
			writes++
			if compared[e.ID] {
				swapped++
			}
		case OpRead:
			reads++
		case OpGet:
			gets++
		case OpSyncGet:
			if syncs++; e.Token < known[e.ID] {
				stale++
			}
		default:
			continue
		}
		newest[e.Key] = max(newest[e.Key], e.Token)
	}
	n := in.Spec.Participants
	floors := []Floor{
		{Name: "writes", Want: 10 * n, Got: writes},
		{Name: "reads through a write", Want: 5 * n, Got: reads},
		{Name: "of the writes, compare-and-sets", Want: n, Got: swapped},
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
