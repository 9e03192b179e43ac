package nemesis

import (
	"slices"
	"time"

	"riven/harness/spec"
)

// searchBlackout kills many servers at once: what had not come further than their memory is gone. It is armed on ops, for
// what matters is under way then, and on time for those of nobody.
func (p planner) searchBlackout() (steps []Step) {
	if !slices.Contains(p.searchable(), Kill) {
		return p.searchRole()
	}
	session := p.spec.Timing.Session.D()
	servers, participants := p.spec.ServerNames(), p.spec.ParticipantNames()
	long := session + p.spec.Timing.FollowerTimeout() // from one to the next: they are to form again and serve
	for at := p.between(session/2, session); at+long < p.spec.Time.D(); at += long + p.between(0, session) {
		var on *Trigger
		if p.rng.IntN(4) > 0 {
			on = &Trigger{
				Event: OnOp, Node: participants[p.rng.IntN(len(participants))], Nth: 1 + p.rng.IntN(3),
				After: spec.Duration(p.between(0, 5*time.Millisecond)),
			}
		}
		n := len(servers)
		if n > 2 && p.rng.IntN(2) == 0 {
			n = n/2 + 1
		}
		down := spec.Duration(p.between(50*time.Millisecond, session/2).Round(time.Millisecond))
		for _, i := range p.rng.Perm(len(servers))[:n] {
			steps = append(steps, Step{At: spec.Duration(at.Round(time.Millisecond)), On: on, For: down, Fault: Fault{Kind: Kill, Target: Target{Node: servers[i]}}})
		}
	}
	return steps
}

// searchFlaky loses replies to several kinds of requests of the same participant at the same time: what a recipe does to
// find out what became of a request fails as well.
func (p planner) searchFlaky() (steps []Step) {
	if !slices.Contains(p.searchable(), LoseReply) {
		return p.searchRole()
	}
	ops := []string{"sync", "setData"}
	for _, s := range p.choices(LoseReply) {
		if !slices.Contains(ops, s.Fault.Op) {
			ops = append(ops, s.Fault.Op)
		}
	}
	session := p.spec.Timing.Session.D()
	for range 1 + p.rng.IntN(4) {
		s := p.step(LoseReply)
		s.On, s.At = nil, spec.Duration(p.between(0, max(p.spec.Time.D()-s.For.D()-session, session)).Round(time.Millisecond))
		first := p.rng.IntN(len(ops))
		for i := range min(2+p.rng.IntN(2), len(ops)) {
			s.Fault.Op, s.Fault.Count = ops[(first+i)%len(ops)], 1+p.rng.IntN(2)
			steps = append(steps, s)
		}
	}
	return steps
}
