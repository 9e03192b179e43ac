package checkers

import (
	"fmt"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// SettlingBound is how long after the last heal a node may stay behind whose owner did not see it deleted: the owner
// reconnects and deletes it, or its session expires. A list that is to convict must be made later than that.
func SettlingBound(s spec.Spec) time.Duration { return reconnect(s) + expiry(s) }

// Orphans looks at the last list of the lock's children after the heal: there must not be more of them than holders
// and waiters. An attempt at the lock has a node from the invocation of its acquire until its release has succeeded.
// Where it ended otherwise (a failed or unknown op, a loss, a death, a connection lost around the release) its node may
// stay for SettlingBound, counted from the heal if that came later; a list that is explained by such nodes alone is
// inconclusive. Names are shown but not judged: what a child is called is the recipe's own affair.
func Orphans(in Input) Check {
	p := in.promise(ClaimOrphans)
	c := Check{Claim: ClaimOrphans, Rule: p.Rule, Engine: "last list"}
	quiet, came := phase(in.History, history.PhaseQuiet)
	if lacking := in.unjudged(came); lacking != "" {
		return new(findings).close(c, "", p.lack(lacking))
	}
	o, ok := lastList(in.History, in.ops(), quiet)
	if !ok {
		return new(findings).close(c, "", p.lack("the lock's children were not listed at the end"))
	}
	var f findings
	lacking := ""
	asked, list := &in.History[o.invoked], &in.History[o.completed]
	u := in.users(o, in.History[quiet].Time)
	switch n := int(list.N); {
	case n > u.using+u.going:
		sort, why := survey(in).sort(p, circumstance{nodes: []string{list.Node}, when: span{asked.Time, list.Time}}, "")
		f.add(sort, "", "", func() Anomaly { return in.orphaned(o, u, sort == hazard, why) })
	case n > u.using:
		lacking = fmt.Sprintf("%s left, but it was too early to tell: nodes may stay for %s after the heal", listed(list), seconds(int64(SettlingBound(in.Spec))))
	}
	c.Detail = fmt.Sprintf("%s listed, %d in use, %d that may not be gone yet", plural(int(list.N), "node", "nodes"), u.using, u.going)
	return f.close(c, "", p.lack(lacking))
}

// users counts the attempts at the lock that may have a node.
type users struct {
	using int // have not ended
	going int // have ended, without anyone having seen the node deleted
}

// attempter is one participant's present attempt at the lock, and what became of its connection.
type attempter struct {
	trying   bool
	released bool // the last attempt's release succeeded
	shaky    bool // the connection was lost since the release was asked for
	away     bool
}

// users counts for the time at which the list was made.
func (in Input) users(list opSpan, heal int64) users {
	since := in.History[list.invoked].Time - int64(SettlingBound(in.Spec))
	if since < heal {
		since = 0 // faults may have kept any node from going
	}
	var u users
	all := map[string]*attempter{}
	for i := range in.History[:list.completed] {
		e := &in.History[i]
		if e.Node == "" || e.Type == history.Access || e.Type == history.Answer {
			continue // most of a history
		}
		a := all[e.Node]
		if a == nil {
			a = &attempter{}
			all[e.Node] = a
		}
		// A release that succeeds while the list is under way may or may not show in it.
		if a.see(e, i > int(list.invoked)) && e.Time > since {
			u.going++
		}
	}
	for _, a := range all {
		if a.trying {
			u.using++
		}
	}
	return u
}

// see follows an event; true if an attempt ended by it whose node may stay.
func (a *attempter) see(e *history.Event, racing bool) (stays bool) {
	switch {
	case e.Type == history.Invoke && e.F == OpAcquire:
		stays = a.trying
		a.trying, a.released = true, false
	case e.Type == history.Invoke && e.F == OpRelease:
		a.shaky = a.away
	case e.Type == history.OK && e.F == OpRelease:
		stays = a.trying && (a.shaky || racing)
		a.released = a.trying && !stays
		a.trying = false
	case (e.Type == history.Fail || e.Type == history.Info) && (e.F == OpAcquire || e.F == OpRelease),
		e.Type == history.Exit,
		e.Type == history.Note && e.F == history.NoteLost:
		stays = a.trying
		a.trying = false
	case e.Type == history.Note && (e.F == history.NoteSuspended || e.F == history.NoteExpired):
		stays = a.released // the note may come after the reply of a release that could not delete
		a.released, a.shaky, a.away = false, true, true
	case e.Type == history.Note && e.F == history.NoteConnected:
		a.away = false
	}
	return stays
}

// orphaned is the anomaly of nodes that belong to nobody.
func (in Input) orphaned(o opSpan, u users, hazard bool, why string) Anomaly {
	list := &in.History[o.completed]
	owners := "nobody held the lock or waited for it"
	if n := u.using + u.going; n > 0 {
		owners = fmt.Sprintf("at most %d can have belonged to a holder or a waiter", n)
	}
	return Anomaly{
		Claim: ClaimOrphans,
		Sentence: fmt.Sprintf("%s found %s under the lock at %s although %s",
			list.Node, listed(list), seconds(list.Time-RunStart(in.History)), owners),
		Proof: []int{int(o.invoked), int(o.completed)},
		Nodes: []string{list.Node},
		From:  in.History[o.invoked].Time, To: list.Time,
		Hazard: hazard, Why: why,
	}
}
