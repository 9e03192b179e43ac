package checkers

import (
	"fmt"
	"math"
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
	cuts    []cut
	torn    timeline           // servers were cut from each other
	rates   map[string][]rated // of monotonic clocks, by participant
	states  map[string][]state // by participant, in order of time
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
	server  string // of NoteConnected
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
			g.states[e.Node] = append(g.states[e.Node], state{e.Time, e.F, e.Token, e.Text})
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
	g.cuts, g.rates = in.cuts(), in.monoRates()
	g.torn = in.torn(g.cuts)
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

// rated is a time in which a monotonic clock gained or lost so much a second.
type rated struct {
	span
	by float64
}

func (in Input) monoRates() map[string][]rated {
	rates, end := map[string][]rated{}, runEnd(in.History)
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		if s, ok := inForce(r, end); ok && r.Step.Fault.Kind == nemesis.MonoRate {
			for _, n := range r.Nodes {
				rates[n] = append(rates[n], rated{s, math.Abs(r.Step.Fault.ClockRate() - 1)})
			}
		}
	}
	return rates
}

// strayed is what the node's monotonic clock gained or lost then.
func (g *ground) strayed(node string, when span) (by int64) {
	for _, r := range g.rates[node] {
		by += int64(float64(merge([]span{r.span}).within(when)) * r.by)
	}
	return by
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
		if why := g.outlived(c); why != "" {
			return why
		}
		return g.outrun(c)
	case NoLongStall:
		return g.stalled(c)
	case LeaseOutlastsStall:
		return g.outlasted(c)
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
const lastWords = 200 * time.Millisecond

// spare is for how long the news of a lost session may be late before the next holder can believe.
//
// Who believes asks for nothing but pings, every third of the session timeout, and hears nothing but their answers. The
// leader counts the session's time from the last ping that it was told of, rounded up to a tick.
//
// A participant that is cut off heard an answer no later than the leader counts from, and gives up two thirds of a
// session timeout after it: a third is to spare.
//
// A follower that is cut from its peers goes on answering for tickTime*syncLimit after its leader's last words. The last
// ping that it has told of may be a third of the session timeout older than the cut, and half a tick, as reports go every
// half tick. So of two thirds of the session timeout that is to spare which outlasts all of this (found by hunt in the
// simulation).
func spare(t spec.Timing, torn bool) time.Duration {
	third := t.Session.D() / 3
	if !torn {
		return third
	}
	return min(third, 2*third-t.FollowerTimeout()-t.Tick()/2-lastWords)
}

// StallMargin is how much standing still a claim with NoLongStall bears within one session timeout and
// tickTime*syncLimit; torn says that servers were cut from each other then.
//
// What delays the news of a loss, the ping before it or the report of that ping stands on one way from the last ping
// that counts to the news, and at each moment the way goes through one node. So a participant and the servers use up
// what is to spare together, by the time in which any of them stands still, and not each by itself. Half is left to
// what is not seen: stalls too short to be reported, and packets on their way.
func StallMargin(t spec.Timing, torn bool) time.Duration { return max(0, spare(t, torn)/2) }

// unseen is what is left to stalls too short to be reported, and to packets on their way: half of what a participant has
// to spare that is cut off from its server alone.
func unseen(t spec.Timing) int64 { return int64(t.Session.D() / 6) }

// losses is the time in which the sessions concerned were lost: that of the anomaly, and one session timeout and one
// tickTime*syncLimit before it.
func (g *ground) losses(c circumstance) span {
	t := g.in.Spec.Timing
	return span{c.when.from - int64(t.Session.D()+t.FollowerTimeout()), c.when.to}
}

// held is for how long the participant and the servers together stood still, and how far its monotonic clock strayed.
func (g *ground) held(node string, when span) (stood, strayed int64) {
	return merge(slices.Concat(g.stalls[node].spans, g.servers.spans)).within(when), g.strayed(node, when)
}

// explained is how long two may believe at once: so long, what the participant and the servers stood still, and what is
// not seen.
func (g *ground) explained(node string, when span, so time.Duration) int64 {
	stood, strayed := g.held(node, when)
	return int64(so) + stood + strayed + unseen(g.in.Spec.Timing)
}

// stalled tells whether standing still explains that the news of a loss came late: by no more than what stood still, and
// what is not seen. What lasts longer has another reason.
func (g *ground) stalled(c circumstance) string {
	g.look()
	when := g.losses(c)
	margin := StallMargin(g.in.Spec.Timing, g.torn.within(when) > 0)
	for _, n := range c.nodes {
		own, servers := g.stalls[n], g.servers.within(when)
		stood, strayed := g.held(n, when)
		if stood+strayed <= int64(margin) || c.when.to-c.when.from > g.explained(n, when, 0) {
			continue
		}
		if strayed > 0 {
			return fmt.Sprintf("%s's monotonic clock went wrong by %s, it or a server stood still for %s, the margin is %s", n, seconds(strayed), seconds(stood), seconds(int64(margin)))
		}
		who := n + " and the servers together"
		if servers == 0 {
			who = n
		} else if own.within(when) == 0 {
			who = "a server"
		}
		return fmt.Sprintf("%s stood still for %s, the margin is %s", who, seconds(stood), seconds(int64(margin)))
	}
	return ""
}

// outlasted looks at the time of the anomaly and at one lease before it. The holder counts three quarters of a lease from
// when it began to write it, the taker a whole one from when it saw it, each by its own clock: a quarter is to spare for
// what the holder stands still, loses and the taker gains. Half of it is left to what is not seen, as in StallMargin.
func (g *ground) outlasted(c circumstance) string {
	g.look()
	lease := g.in.Spec.Timing.Session.D()
	when := span{c.when.from - int64(lease), c.when.to}
	margin := int64(lease / 8)
	var strayed int64
	for _, n := range c.nodes {
		strayed += g.strayed(n, when)
	}
	for _, n := range c.nodes {
		switch stood := g.stalls[n].within(when); {
		case stood+strayed <= margin:
		case strayed > 0:
			return fmt.Sprintf("the monotonic clocks of the two went wrong by %s, %s stood still for %s, the margin is %s", seconds(strayed), n, seconds(stood), seconds(margin))
		default:
			return fmt.Sprintf("%s stood still for %s, the margin is %s", n, seconds(stood), seconds(margin))
		}
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
