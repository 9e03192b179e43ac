package checkers

import (
	"fmt"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// dial is how long go-zookeeper tries one server, and how long it rests after it has tried all (conn.go).
const dial = time.Second

// reconnect is how long a client needs to be connected again once every server can be reached: 2/3 of the session
// timeout to notice that its connection is dead, a dial to each server, and one rest.
func reconnect(s spec.Spec) time.Duration {
	return s.Timing.Session.D()*2/3 + time.Duration(s.Servers+1)*dial
}

// expiry is how long the ensemble keeps the nodes of a session that nobody uses: the timeout, rounded up to a tick, on
// top of a touch that reached the leader up to a tick late (SessionTrackerImpl, measured to timeout + 2 ticks).
func expiry(s spec.Spec) time.Duration { return s.Timing.Session.D() + 2*s.Timing.Tick() }

// HandOverBound is within which time after the last heal every participant must have got the lock: everyone reconnects
// and deletes what it had to leave behind, or its session expires; then every participant goes twice before the last one
// (with what it asked for before the heal and with what it asked for after it), each for the time of the longest hold,
// one and a half of the spec's, and two ticks of work by the ensemble.
func HandOverBound(s spec.Spec) time.Duration {
	turn := s.Hold.D()*3/2 + 2*s.Timing.Tick()
	return SettlingBound(s) + time.Duration(2*s.Participants)*turn
}

// HandOver wants every participant to be served after the final heal within HandOverBound, counted from the beginning
// of the quiet phase, or from the participant's first acquire in it where it was free to take one later. Time in which
// the participant or a server was measured to stand still comes on top. A run that ended before the bound was over is
// inconclusive, and so is one in which an acquire failed in time and was not tried again.
func HandOver(in Input) Check {
	return in.served(service{claim: ClaimHandOver, op: OpAcquire, object: "the lock", bound: HandOverBound(in.Spec)})
}

// service is what every participant must get after the last heal.
type service struct {
	claim  string
	op     string // the op whose success it is
	object string // what is waited for
	bound  time.Duration
	who    []string // who must be served; nil: every participant
}

func (in Input) served(s service) Check {
	p := in.promise(s.claim)
	c := Check{Claim: s.claim, Rule: p.Rule, Engine: "bounded wait"}
	quiet, came := phase(in.History, history.PhaseQuiet)
	if lacking := in.unjudged(came); lacking != "" {
		return new(findings).close(c, "", p.lack(lacking))
	}
	ops := in.ops()
	waits := in.waits(s.op, ops, quiet)
	ground := survey(in)
	var f findings
	var lacking []string
	var longest time.Duration
	who := s.who
	if who == nil {
		who = in.Spec.ParticipantNames()
	}
	for _, name := range who {
		w := waits[name]
		if w == nil {
			lacking = append(lacking, fmt.Sprintf("%s was not asked to %s after the heal", name, s.op))
			continue
		}
		took := time.Duration(w.span.to - w.span.from)
		longest = max(longest, took)
		stood := ground.stood(w.span, name)
		switch {
		case took > s.bound+time.Duration(stood):
			sort, why := ground.sort(p, circumstance{nodes: []string{name}, when: w.span}, "")
			f.add(sort, name, "", func() Anomaly { return in.waited(name, w, ops, s, sort == hazard, why) })
		case w.served == open:
			lacking = append(lacking, in.unserved(name, w, s))
		}
	}
	c.Detail = fmt.Sprintf("the longest wait was %s, the bound is %s", seconds(int64(longest)), seconds(int64(s.bound)))
	return f.close(c, "", p.lack(sentences(lacking...)))
}

// unserved says why a participant that was not served is no violation: nobody watched it for as long as the bound.
func (in Input) unserved(name string, w *wait, s service) string {
	took := seconds(w.span.to - w.span.from)
	if w.ended == open {
		return fmt.Sprintf("%s had waited for %s when the run ended; the bound is %s", name, took, seconds(int64(s.bound)))
	}
	e := &in.History[w.ended]
	return fmt.Sprintf("%s's %s ended %s after %s (%s) and no %s came after it; the bound is %s", name, e.F, e.Type, took, e.Error, s.op, seconds(int64(s.bound)))
}

// unjudged says why the end of the run can not be judged at all.
func (in Input) unjudged(quiet bool) string {
	switch {
	case in.Incomparable:
		return "the nodes do not share a kernel, so their times can not be compared"
	case !quiet:
		return "the run never came to its quiet phase"
	}
	return ""
}

// lack drops what a claim lacks that was never made.
func (p promise) lack(lacking string) string {
	if !p.made {
		return ""
	}
	return lacking
}

// wait is how long a participant waited to be served after the heal. An op that was still open when the phase began
// kept it from asking, so it waited from there on.
type wait struct {
	span   span
	quiet  int32 // position of the beginning of the phase
	asked  int32 // position of the first op for it invoked in it
	served int32 // position of the completion, or open
	ended  int32 // position of the completion of the last op that kept it waiting, or open
}

// waits are the participants' waits by name; a participant that asked for nothing has none.
func (in Input) waits(op string, ops []opSpan, quiet int32) map[string]*wait {
	h := in.History
	ended := in.exits()
	out := map[string]*wait{}
	for _, o := range ops {
		if o.invoked < quiet && o.completed != open && o.completed <= quiet {
			continue // it was over
		}
		e := &h[o.invoked]
		w := out[e.Node]
		if w != nil && w.served != open {
			continue
		}
		if o.invoked < quiet {
			at, dead := ended[of(e)]
			if !(dead && at <= h[quiet].Time) {
				out[e.Node] = &wait{span: span{h[quiet].Time, in.completion(o)}, quiet: quiet, asked: open, served: open, ended: o.completed}
			}
			continue
		}
		if e.F != op {
			continue
		}
		if w == nil {
			w = &wait{span: span{e.Time, 0}, quiet: quiet, asked: open, served: open}
			out[e.Node] = w
		}
		if w.asked == open {
			w.asked = o.invoked
		}
		w.span.to, w.ended = in.completion(o), o.completed
		if o.completed != open && h[o.completed].Type == history.OK {
			w.served = o.completed
		}
	}
	return out
}

// completion is when an op completed, or the end of the run.
func (in Input) completion(o opSpan) int64 {
	if o.completed == open {
		return runEnd(in.History)
	}
	return in.History[o.completed].Time
}

// waited is the anomaly of a participant that was served too late or not at all.
func (in Input) waited(name string, w *wait, ops []opSpan, s service, hazard bool, why string) Anomaly {
	var not, list string
	proof := []int32{w.quiet}
	if w.asked != open {
		proof = append(proof, w.asked)
	}
	if w.served != open {
		proof = append(proof, w.served)
	} else {
		not = " in vain"
	}
	if o, ok := lastList(in.History, ops, w.quiet); ok {
		e := &in.History[o.completed]
		list = fmt.Sprintf("; under the lock at %s: %s", seconds(e.Time-RunStart(in.History)), listed(e))
		proof = append(proof, o.completed)
	}
	return Anomaly{
		Claim: s.claim,
		Sentence: fmt.Sprintf("%s waited %s%s for %s after the heal; the bound is %s%s",
			name, seconds(w.span.to-w.span.from), not, s.object, seconds(int64(s.bound)), list),
		Proof: ordered(proof...),
		Nodes: in.scene(len(in.History)-1, name),
		From:  w.span.from, To: w.span.to,
		Hazard: hazard, Why: why,
	}
}

// listed tells what a list op found.
func listed(e *history.Event) string {
	if e.N == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s (%s)", plural(int(e.N), "node", "nodes"), e.Text)
}
