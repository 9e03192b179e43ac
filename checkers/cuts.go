package checkers

import (
	"fmt"
	"slices"
	"time"

	"riven/harness/history"
	"riven/nemesis"
)

// cut is a partition and the time in which it may have been in force.
type cut struct {
	span
	by    int64 // when all of it was in force
	edges []nemesis.EdgeReceipt
}

// parts tells whether it was between the two. A partition whose edges nobody wrote down may have been.
func (c cut) parts(a, b string) bool {
	return len(c.edges) == 0 || slices.ContainsFunc(c.edges, func(e nemesis.EdgeReceipt) bool {
		return e.From == a && e.To == b || e.From == b && e.To == a
	})
}

// fromPeers tells whether the server was cut from another one.
func (c cut) fromPeers(server string, servers []string) bool {
	return slices.ContainsFunc(servers, func(s string) bool { return s != server && c.parts(server, s) })
}

func (in Input) cuts() (cuts []cut) {
	end := runEnd(in.History)
	faults := in.faults()
	for i := range faults {
		r := &faults[i]
		if s, ok := inForce(r, end); ok && r.Step.Fault.Kind == nemesis.Partition {
			cuts = append(cuts, cut{s, max(s.from, r.Begin), r.Edges})
		}
	}
	return cuts
}

// torn is when servers may have been cut from each other.
func (in Input) torn(cuts []cut) timeline {
	var spans []span
	servers := in.Spec.ServerNames()
	for _, c := range cuts {
		if slices.ContainsFunc(servers, func(s string) bool { return c.fromPeers(s, servers) }) {
			spans = append(spans, c.span)
		}
	}
	return merge(spans)
}

// lag is how long after the time a server may still wait for what concerns earlier cuts: TCP sends what was dropped, and
// FastLeaderElection its votes, at doubling intervals, so that they come as late after the heal as the cut was long.
func (t timeline) lag(at int64) (most int64) {
	for _, s := range t.spans {
		if s.to <= at {
			most = max(most, s.to+(s.to-s.from)-at)
		}
	}
	return most
}

// outlived tells whether a server that was cut from its peers explains it: where a session may be over before that lets
// go of its clients, by as long as this lasts, what stood still and what is not seen.
func (g *ground) outlived(c circumstance) string {
	g.look()
	t, when := g.in.Spec.Timing, g.losses(c)
	over := -spare(t, true)
	if over < 0 || g.torn.within(when) == 0 {
		return ""
	}
	for _, n := range c.nodes {
		if explained := g.explained(n, when, over); c.when.to-c.when.from <= explained {
			least := (t.FollowerTimeout() + t.Tick()/2 + lastWords) * 3 / 2
			return fmt.Sprintf("servers were cut from each other, and the session timeout of %v is not longer than %v, which takes it beyond tickTime*syncLimit of %v: that explains %s",
				t.Session.D(), least, t.FollowerTimeout(), seconds(explained))
		}
	}
	return ""
}

// inTurn finds a server that was cut from its peers and the participant from it, and how long after the one cut began
// the other was complete: the longest of these in the time, and no server if there is none.
//
// It counts as long as the server could answer its clients, which it lets go tickTime*syncLimit after its leader's last
// words, and what it had told the leader could still be on its way. A participant that is cut off half a tick before the
// server counts as well: reports to the leader go every half tick.
func (g *ground) inTurn(node string, when span) (server string, after time.Duration) {
	t := g.in.Spec.Timing
	report := int64(t.Tick() / 2)
	answers := int64(t.FollowerTimeout()+lastWords) + report
	servers, its := g.in.Spec.ServerNames(), g.serversOf(node, when)
	for _, a := range g.cuts {
		for _, b := range g.cuts {
			if !a.meets(when) || !b.meets(when) || b.by < a.from-report || b.from > a.by+answers || b.from > a.to+(a.to-a.from)+report {
				continue
			}
			for _, s := range its {
				if d := time.Duration(b.by - a.from); a.fromPeers(s, servers) && b.parts(node, s) && (server == "" || d > after) {
					server, after = s, d
				}
			}
		}
	}
	return server, after
}

// serversOf are those to which the participant was connected in the time, or all if it does not say.
func (g *ground) serversOf(node string, when span) (servers []string) {
	for _, s := range g.states[node] {
		if s.kind != history.NoteConnected || s.server == "" || s.at > when.to {
			continue
		}
		if s.at <= when.from {
			servers = servers[:0]
		}
		servers = append(servers, s.server)
	}
	if len(servers) == 0 {
		return g.in.Spec.ServerNames()
	}
	return servers
}

// outrun tells whether such cuts explain that the session was over before its owner gave up.
//
// Who believes pings every third of the session timeout and gives up two thirds after the last answer that it heard. The
// leader counts from the last ping that it was told of. With one answer of which it was not told the two come to the
// same time, and each more lets the owner believe for a third longer (found by hunt in the simulation). Standing still
// comes on top, and what is not seen. What lasts longer has another reason.
func (g *ground) outrun(c circumstance) string {
	g.look()
	t, when := g.in.Spec.Timing, g.losses(c)
	third := t.Session.D() / 3
	for _, n := range c.nodes {
		server, after := g.inTurn(n, when)
		if server == "" {
			continue
		}
		more := (after + t.Tick()/2) / third * third
		if explained := g.explained(n, when, more); c.when.to-c.when.from <= explained {
			return fmt.Sprintf("%s was cut from %s %s after %s from its peers, and may have had answers of which the leader knew nothing: that explains %s", n, server, seconds(int64(after)), server, seconds(explained))
		}
	}
	return ""
}
