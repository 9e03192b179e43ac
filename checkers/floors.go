package checkers

import (
	"fmt"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// LockFloors is what must have happened in a run of the lock workload for a pass: the lock was acquired and changed
// hands as many times as there are participants, work was done under it, every step of the plan was applied, and the
// faults did to service what their receipts expect.
func LockFloors(in Input) []Floor {
	h := in.History
	acquired, handed, accepted := 0, 0, 0
	last := ""
	for i := range h {
		switch e := &h[i]; {
		case e.Type == history.OK && e.F == OpAcquire:
			acquired++
			if last != "" && last != e.Node {
				handed++
			}
			last = e.Node
		case e.Type == history.Access && !e.Rejected:
			accepted++
		}
	}
	n := in.Spec.Participants
	floors := []Floor{
		{Name: "acquisitions", Want: n, Got: acquired},
		{Name: "hand-overs", Want: n - 1, Got: handed},
		{Name: "accesses accepted", Want: n, Got: accepted},
	}
	return append(floors, in.allFaultFloors(usage{
		served:  "acquisitions",
		serves:  func(op string) bool { return op == OpAcquire },
		exempt:  func(op string) bool { return op == OpWork },    // the resource is not reached through the ensemble
		through: func(op string) bool { return op != OpRelease }, // a recipe may call a hold over before its node is gone
	})...)
}

// usage says what a workload's ops tell of the service that it gets.
type usage struct {
	served  string               // what serves is, in the plural
	serves  func(op string) bool // its success is service
	exempt  func(op string) bool // it is no attempt at service
	through func(op string) bool // the success of such an attempt is one
}

// allFaultFloors are the floors of the plan's faults, kind by kind.
func (in Input) allFaultFloors(u usage) []Floor {
	kinds := kindsOf(in.Plan)
	if len(kinds) == 0 {
		return nil
	}
	var floors []Floor
	ops := in.ops()
	for _, k := range kinds {
		floors = append(floors, in.faultFloors(k, u, ops)...)
	}
	return floors
}

// kindsOf are the kinds of a plan's faults in the order in which they first come.
func kindsOf(p nemesis.Plan) []nemesis.Kind {
	var out []nemesis.Kind
	for _, s := range p.Steps {
		if !slices.Contains(out, s.Fault.Kind) {
			out = append(out, s.Fault.Kind)
		}
	}
	return out
}

// ServiceBound is how long a fault must last before those whom it leaves service can be expected to have been served:
// followers miss a leader that was cut off, elect another and clients find it (a second: the rest of go-zookeeper
// between two rounds of dials), and the session of a holder that was cut off expires at the new leader.
func ServiceBound(s spec.Spec) time.Duration {
	return s.Timing.FollowerTimeout() + dial + expiry(s)
}

// faultFloors are the floors of one kind of fault.
func (in Input) faultFloors(k nemesis.Kind, u usage, ops []opSpan) []Floor {
	planned, applied := 0, 0
	long, served := 0, 0
	stalling, kept, attempts := 0, 0, 0
	last := lastReceipts(in)
	for _, s := range in.Plan.Steps {
		if s.Fault.Kind != k {
			continue
		}
		r, ok := last[s.ID]
		if ok && in.idle(r) {
			continue
		}
		planned++
		if !ok || r.Status != nemesis.Applied {
			continue
		}
		applied++
		when := in.undisturbed(r)
		if len(r.Expect.Serves) > 0 && when.to-when.from > int64(ServiceBound(in.Spec)) {
			long++
			served += in.servedDuring(when, r.Expect.Serves, u, ops)
		}
		if len(r.Expect.Stalls) > 0 {
			stalling++
			tried, through := in.triedDuring(when, r.Expect.Stalls, u, ops)
			attempts += tried
			if through == 0 {
				kept++
			}
		}
	}
	floors := []Floor{{Name: fmt.Sprintf("%s: faults applied", k), Want: planned, Got: applied}}
	if long > 0 {
		floors = append(floors, Floor{Name: fmt.Sprintf("%s: %s by those it leaves service", k, u.served), Want: 1, Got: served})
	}
	if stalling > 0 {
		floors = append(floors,
			Floor{Name: fmt.Sprintf("%s: attempts by those it should stall", k), Want: 1, Got: attempts},
			Floor{Name: fmt.Sprintf("%s: faults that left no service where they should not", k), Want: stalling, Got: kept})
	}
	return floors
}

// idle tells whether the fault can do nothing to coordination by its nature: a server's wall clock, as ZooKeeper times its sessions and
// its quorum by System.nanoTime. Such a fault covers nothing.
func (in Input) idle(r *nemesis.Receipt) bool {
	return r.Step.Fault.Kind == nemesis.Clock && len(r.Nodes) > 0 && slices.Contains(in.Spec.ServerNames(), r.Nodes[0])
}

// undisturbed is the time in which what the receipt expects holds: from its effect until any fault ends or begins.
func (in Input) undisturbed(r *nemesis.Receipt) span {
	out := span{r.Begin, r.End}
	for i := range in.Receipts {
		for _, change := range []int64{in.Receipts[i].BeginFrom, in.Receipts[i].End} {
			if change > out.from && change < out.to {
				out.to = change
			}
		}
	}
	return out
}

// outlasts tells whether a fault that keeps its node from the servers must have outlasted the node's session. What was sent into a cut
// is sent again at intervals that double (TCP): as long after the heal as the cut was it may arrive, and touch the session.
func (in Input) outlasts(r *nemesis.Receipt) bool {
	when := in.undisturbed(r)
	for i := range in.Receipts {
		x := &in.Receipts[i]
		ofNode := func(e nemesis.EdgeReceipt) bool { return e.From == r.Nodes[0] }
		if x != r && x.End < when.to && slices.ContainsFunc(x.Edges, ofNode) {
			when.from = max(when.from, x.EndBy+x.End-x.BeginFrom)
		}
	}
	return when.to-when.from > int64(expiry(in.Spec))
}

// servedDuring counts the services in a time to those whom a fault should leave service.
func (in Input) servedDuring(when span, serves []string, u usage, ops []opSpan) int {
	n := 0
	for _, o := range ops {
		if o.completed == open || !u.serves(in.History[o.invoked].F) {
			continue
		}
		e := &in.History[o.completed]
		if e.Type == history.OK && e.Time >= when.from && e.Time <= when.to && slices.Contains(serves, e.Node) {
			n++
		}
	}
	return n
}

// triedDuring counts the ops open in a time at those whom a fault should stall, and the successes that should not have
// been: invoked once the fault was in force and tickTime*syncLimit had passed, over before it ended.
func (in Input) triedDuring(when span, stalls []string, u usage, ops []opSpan) (tried, through int) {
	grace := int64(in.Spec.Timing.FollowerTimeout())
	ended := in.exits()
	for _, o := range ops {
		e := &in.History[o.invoked]
		if u.exempt(e.F) || !slices.Contains(stalls, e.Node) {
			continue
		}
		end := in.completion(o)
		if at, dead := ended[of(e)]; dead {
			end = min(end, at)
		}
		if !when.meets(span{e.Time, end}) {
			continue
		}
		tried++
		succeeded := o.completed != open && in.History[o.completed].Type == history.OK
		if succeeded && u.through(e.F) && e.Time > when.from+grace && end < when.to {
			through++
		}
	}
	return tried, through
}
