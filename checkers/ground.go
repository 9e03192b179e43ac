package checkers

import (
	"fmt"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// ground is what a claim's preconditions are evaluated on. It is made once a check, when it is first asked of an anomaly.
type ground struct {
	in      Input
	read    bool
	stalls  map[string]timeline // by participant
	servers timeline            // of any server
	states  map[string][]state  // by participant, in order of time
}

// circumstance is where and when something was seen.
type circumstance struct {
	nodes []string // participants
	when  span
}

// state is what a participant said of its session.
type state struct {
	at      int64
	kind    string // NoteConnected, NoteSuspended or NoteExpired
	session int64
}

func survey(in Input) *ground { return &ground{in: in} }

// look reads stalls and sessions out of the history and the receipts.
func (g *ground) look() {
	if g.read {
		return
	}
	in := g.in
	g.read, g.stalls, g.states = true, map[string]timeline{}, map[string][]state{}
	spans := map[string][]span{}
	for i := range in.History {
		e := &in.History[i]
		switch {
		case e.Type == history.Stall:
			spans[e.Node] = append(spans[e.Node], span{e.Time, e.End})
		case e.Type == history.Note && (e.F == history.NoteConnected || e.F == history.NoteSuspended || e.F == history.NoteExpired):
			g.states[e.Node] = append(g.states[e.Node], state{e.Time, e.F, e.Token})
		}
	}
	in.pauses(func(node string, s span) { spans[node] = append(spans[node], s) })
	var servers []span
	for _, n := range in.Spec.ServerNames() {
		servers = append(servers, spans[n]...)
	}
	g.servers = merge(servers)
	for _, n := range in.Spec.ParticipantNames() {
		g.stalls[n] = merge(spans[n])
	}
}

// stood is the longest that one of the participants, or the servers, stood still in the time.
func (g *ground) stood(when span, participants ...string) int64 {
	g.look()
	longest := g.servers.within(when)
	for _, n := range participants {
		longest = max(longest, g.stalls[n].within(when))
	}
	return longest
}

// pauses gives every node and time of a pause that was in force.
func (in Input) pauses(each func(node string, s span)) {
	end := runEnd(in.History)
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		s, ok := inForce(r, end)
		if !ok || r.Step.Fault.Kind != nemesis.Pause {
			continue
		}
		nodes := slices.Clone(r.Nodes)
		for _, p := range r.Processes {
			if !slices.Contains(nodes, p.Node) {
				nodes = append(nodes, p.Node)
			}
		}
		for _, n := range nodes {
			each(n, s)
		}
	}
}

// sort tells what an anomaly of the promise is in these circumstances, and why it is not a violation.
func (g *ground) sort(p promise, c circumstance, doubt string) (kind, string) {
	if doubt != "" {
		return suspect, doubt
	}
	if p.insisted {
		return violation, ""
	}
	if !p.made {
		return hazard, "the recipe does not promise this"
	}
	for _, pre := range p.When {
		if why := g.unmet(pre, c); why != "" {
			return hazard, fmt.Sprintf("%s: %s", pre, why)
		}
	}
	return violation, ""
}

// unmet says why a precondition did not hold in these circumstances; empty if it did.
func (g *ground) unmet(p Precondition, c circumstance) string {
	switch p {
	case SessionOutlastsFollower:
		t := g.in.Spec.Timing
		if least := (t.FollowerTimeout() + t.Tick()/2 + lastWords) * 3 / 2; t.Session.D() <= least {
			return fmt.Sprintf("the session timeout of %v is not longer than %v, which takes it beyond tickTime*syncLimit of %v", t.Session.D(), least, t.FollowerTimeout())
		}
	case NoLongStall:
		return g.stalled(c)
	case Fenced:
		if !g.in.Spec.Fencing {
			return "the resource does not refuse old tokens"
		}
	case FencedOrNoExpiry:
		if !g.in.Spec.Fencing {
			return g.expired(c)
		}
	case NoExpiry:
		return g.expired(c)
	default:
		return "no checker knows how to evaluate it"
	}
	return ""
}

// lastWords is how long a follower still hears a leader that does not hear it: TCP sends on until an acknowledgement is
// missed (TCP_RTO_MIN).
//
// When a follower's reports are cut off, the leader counts a session from the last touch that was reported: the client
// may have been silent for a third of the timeout before that, and the report was up to half a tick off. The follower
// goes on for tickTime*syncLimit after the leader's last words. So two thirds of the session timeout must outlast all
// of that (found by hunt in the simulation).
const lastWords = 200 * time.Millisecond

// StallMargin is how much standing still a claim with NoLongStall bears within one session timeout and
// tickTime*syncLimit.
//
// A client notices a dead connection 2/3 of a session timeout after the last reply, the leader expires the session a
// whole one after the last touch: a third to spare. A follower without a leader serves for tickTime*syncLimit, and
// what it last reported of its sessions is half a tick old: the rest of the session timeout is to spare. As a
// participant and a server may both stand still, each gets half of the smaller of the two.
func StallMargin(t spec.Timing) time.Duration {
	return min(t.Session.D()/3, t.Session.D()-t.FollowerTimeout()-t.Tick()/2) / 2
}

// stalled looks at the time of the anomaly and at one session timeout and one tickTime*syncLimit before it, in which
// the sessions concerned were lost.
func (g *ground) stalled(c circumstance) string {
	g.look()
	t := g.in.Spec.Timing
	from := c.when.from - int64(t.Session.D()+t.FollowerTimeout())
	margin := max(0, StallMargin(t))
	tell := func(who string, stood int64) string {
		return fmt.Sprintf("%s stood still for %s, the margin is %s", who, seconds(stood), seconds(int64(margin)))
	}
	for _, n := range c.nodes {
		if stood := g.stalls[n].within(span{from, c.when.to}); stood > int64(margin) {
			return tell(n, stood)
		}
	}
	if stood := g.servers.within(span{from, c.when.to}); stood > int64(margin) {
		return tell("a server", stood)
	}
	return ""
}

// expired looks for a session that ended, or may have without its participant knowing, in the time of the anomaly and
// one session timeout before it.
func (g *ground) expired(c circumstance) string {
	for _, n := range c.nodes {
		if g.lostSession(n, span{c.when.from - int64(g.in.Spec.Timing.Session.D()), c.when.to}) {
			return n + "'s session expired or may have"
		}
	}
	return ""
}

// lostSession: a client learns of an expiry when it reconnects, so what it says first after the time decides, and a
// client that never comes back has none that can be vouched for; one that comes back with another session, because its
// process was killed meanwhile, neither.
func (g *ground) lostSession(node string, when span) bool {
	g.look()
	states := g.states[node]
	i, _ := slices.BinarySearchFunc(states, when.from, func(s state, t int64) int {
		if s.at < t {
			return -1
		}
		return 1
	})
	away := i > 0 && states[i-1].kind == history.NoteSuspended
	left := int64(0) // the session that is away
	if away {
		left = states[i-1].session
	}
	for _, s := range states[i:] {
		if s.at > when.to && !away {
			return false
		}
		switch s.kind {
		case history.NoteExpired:
			return true
		case history.NoteSuspended:
			away, left = true, s.session
		case history.NoteConnected:
			if away && s.session != left {
				return true
			}
			away = false
		}
	}
	return away
}
