package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"riven/harness/history"
	"riven/nemesis"
)

// Quorum wants nothing to be committed while a majority of the servers is dead, and something while a majority runs that
// nothing else disturbs, within SettlingBound from when that began, and what the servers stood still and had still to
// hear from earlier cuts. The first needs no grace: what is put when they are dead already can have been acknowledged by
// none of them. The second is wanted only where somebody tries.
func Quorum(in Input) Check {
	p := in.promise(ClaimQuorum)
	c := Check{Claim: ClaimQuorum, Rule: p.Rule, Engine: "dead servers"}
	var f findings
	quiet, came := phase(in.History, history.PhaseQuiet)
	if lacking := in.unjudged(came); lacking != "" {
		return f.close(c, "", p.lack(lacking))
	}
	ops := slices.DeleteFunc(slices.Clone(in.ops()), func(o opSpan) bool { return in.History[o.invoked].F != OpPut })
	ground := survey(in)
	var with, without, through, tried int
	for _, t := range in.strengths(in.History[quiet].Time) {
		u := in.putsDuring(t.span, ops)
		switch {
		case !t.majority:
			without++
			tried += u.tried
			for _, o := range u.within {
				f.add(violation, fmt.Sprint(o.invoked), "", func() Anomaly { return in.putWithout(o, t) })
			}
		case len(u.done) > 0 && t.dead > 0 && !t.disturbed:
			with++
			through += len(u.done)
		case len(u.done) == 0 && !t.disturbed && len(u.waiting) > 0:
			if bound := ground.settling(t.span); t.to-t.from > bound {
				f.add(violation, fmt.Sprint(t.from), "", func() Anomaly { return in.notServed(u.waiting[0], t, bound) })
			}
		}
	}
	c.Detail = fmt.Sprintf("a minority dead: %s, %s; a majority dead: %s, %s tried",
		plural(with, "time", "times"), plural(through, "put", "puts"), plural(without, "time", "times"), plural(tried, "put", "puts"))
	return f.close(c, "", "")
}

// strength is a stretch of time in which the same number of servers is dead, or at least so many where that is a
// majority, and the same number of other faults in force.
type strength struct {
	span
	dead      int  // servers
	majority  bool // the others are one
	disturbed bool // by other faults
}

// turn is a change of strength.
type turn struct {
	at              int64
	dead, disturbed int // how many more
}

// strengths divide the run up to a time. A server is dead from when its agent saw it gone until it is started again.
func (in Input) strengths(until int64) (out []strength) {
	turns := append(in.deaths(), in.disturbances()...)
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	turns = append(turns, turn{at: until})
	servers := in.Spec.Servers
	from, dead, disturbed := RunStart(in.History), 0, 0
	for _, t := range turns {
		if at := min(t.at, until); at > from {
			out = extend(out, strength{span{from, at}, dead, 2*(servers-dead) > servers, disturbed > 0})
			from = at
		}
		dead, disturbed = dead+t.dead, disturbed+t.disturbed
	}
	return out
}

// extend makes one stretch of those without a majority that follow each other.
func extend(list []strength, s strength) []strength {
	if n := len(list); n > 0 && !s.majority && !list[n-1].majority {
		list[n-1].to, list[n-1].dead = s.to, min(s.dead, list[n-1].dead)
		return list
	}
	return append(list, s)
}

func (in Input) deaths() (turns []turn) {
	gone, servers := map[string]bool{}, in.Spec.ServerNames()
	for i := range in.History {
		switch e := &in.History[i]; {
		case e.Type != history.Exit && e.Type != history.Start || !slices.Contains(servers, e.Node):
		case e.Type == history.Exit && !gone[e.Node]:
			gone[e.Node] = true
			turns = append(turns, turn{at: e.Time, dead: 1})
		case e.Type == history.Start && gone[e.Node]:
			gone[e.Node] = false
			turns = append(turns, turn{at: e.Time, dead: -1})
		}
	}
	return turns
}

// disturbances are all faults but kills of servers.
func (in Input) disturbances() (turns []turn) {
	end := runEnd(in.History)
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		s, ok := inForce(r, end)
		ofServer := len(r.Nodes) > 0 && slices.Contains(in.Spec.ServerNames(), r.Nodes[0])
		if ok && (r.Step.Fault.Kind != nemesis.Kill || !ofServer) {
			turns = append(turns, turn{at: s.from, disturbed: 1}, turn{at: s.to, disturbed: -1})
		}
	}
	return turns
}

// putting is what became of puts in a stretch of time.
type putting struct {
	tried   int
	done    []opSpan // acknowledged in it
	within  []opSpan // of these: put in it, too
	waiting []opSpan // for their end, when it ended
}

func (in Input) putsDuring(t span, ops []opSpan) (u putting) {
	for _, o := range ops {
		e, end := &in.History[o.invoked], in.completion(o)
		if !t.meets(span{e.Time, end}) {
			continue
		}
		u.tried++
		if end >= t.to {
			u.waiting = append(u.waiting, o)
			continue
		}
		if in.History[o.completed].Type != history.OK {
			continue
		}
		u.done = append(u.done, o)
		if e.Time > t.from {
			u.within = append(u.within, o)
		}
	}
	return u
}

func (in Input) putWithout(o opSpan, t strength) Anomaly {
	e := &in.History[o.invoked]
	zero := RunStart(in.History)
	return Anomaly{
		Claim: ClaimQuorum,
		Sentence: fmt.Sprintf("%s put %d at %s and was told of success, while at least %d of %d servers were dead (from %s to %s)",
			e.Node, e.N, seconds(e.Time-zero), t.dead, in.Spec.Servers, seconds(t.from-zero), seconds(t.to-zero)),
		Proof: ordered(o.invoked, o.completed), Nodes: in.scene(int(o.completed), e.Node),
		From: e.Time, To: in.completion(o), Place: Server,
	}
}

// settling is within which time something must be put.
func (g *ground) settling(t span) int64 {
	stood := g.stood(t, g.in.Spec.ParticipantNames()...)
	return int64(SettlingBound(g.in.Spec)) + stood + g.torn.lag(t.from)
}

func (in Input) notServed(o opSpan, t strength, bound int64) Anomaly {
	node := in.History[o.invoked].Node
	zero := RunStart(in.History)
	return Anomaly{
		Claim: ClaimQuorum,
		Sentence: fmt.Sprintf("nothing was put from %s to %s although %d of %d servers ran and no other fault was in force; the bound is %s",
			seconds(t.from-zero), seconds(t.to-zero), in.Spec.Servers-t.dead, in.Spec.Servers, seconds(bound)),
		Proof: ordered(o.invoked), Nodes: in.scene(int(o.invoked), node), From: t.from, To: t.to,
	}
}
