package checkers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"riven/harness/history"
)

// What an access to the partitioned log is for: its Text. The partition is its F, the offset of a fetch its N.
const (
	VerbAppend = "append"
	VerbFetch  = "fetch" // accepted: the message was given out
)

// Owner holds the log's own record against ownership: in the order in which the log numbered them, no claim's fetch from
// a partition is accepted again once another claim's was. It needs no clock.
func Owner(in Input) Check {
	var (
		p       = in.promise(ClaimOwner)
		log     = in.accesses()
		h       = in.History
		ground  = survey(in)
		f       findings
		present = map[string]int32{}            // partition → its latest fetch
		before  = map[string]map[string]int32{} // partition → hold → its last fetch, for all but the present one
		fetches int
	)
	for _, a := range log.accepted {
		i := a.at
		e := &h[i]
		if e.Text != VerbFetch {
			continue
		}
		fetches++
		j, any := present[e.F]
		present[e.F] = i
		if !any || h[j].Hold == e.Hold {
			continue
		}
		if before[e.F] == nil {
			before[e.F] = map[string]int32{}
		}
		before[e.F][h[j].Hold] = j
		if earlier, back := before[e.F][e.Hold]; back {
			when := span{min(h[earlier].Time, h[j].Time), e.Time}
			kind, why := ground.sort(p, circumstance{nodes: []string{e.Node, h[j].Node}, when: when}, log.slow(earlier, j, i))
			f.add(kind, e.Hold, h[j].Hold, func() Anomaly { return in.consumedAgain(earlier, j, i, kind == hazard, why) })
		}
	}
	c := Check{Claim: ClaimOwner, Rule: p.Rule, Engine: "access order", Detail: fmt.Sprintf("%s from %s", plural(fetches, "fetch", "fetches"), plural(len(present), "partition", "partitions"))}
	return f.close(c, log.broken, p.lack(log.missing))
}

func (in Input) consumedAgain(earlier, between, again int32, hazard bool, why string) Anomaly {
	h := in.History
	a, b, c := &h[earlier], &h[between], &h[again]
	zero := RunStart(h)
	when := span{min(a.Time, b.Time, c.Time), max(a.Time, b.Time, c.Time)}
	nodes := in.scene(int(again), c.Node, b.Node)
	return Anomaly{
		Claim: ClaimOwner,
		Sentence: fmt.Sprintf("%s consumed %d of %s at %s (%s, access %d) after %s had consumed %d at %s (%s, access %d); its claim had consumed before at %s (access %d); %s",
			c.Node, c.N, c.F, seconds(c.Time-zero), c.Hold, c.Seq, b.Node, b.N, seconds(b.Time-zero), b.Hold, b.Seq, seconds(a.Time-zero), a.Seq, in.meanwhile(nodes, when)),
		Proof: ordered(earlier, between, again), Holds: []string{c.Hold, b.Hold}, Nodes: nodes,
		From: when.from, To: when.to, Place: in.blame(), Hazard: hazard, Why: why,
	}
}

// OwnerBelief looks for two members that certainly believed at the same time that they owned a partition, as Belief does
// for a lock.
func OwnerBelief(in Input) Check {
	p := in.promise(ClaimBelief)
	c := Check{Claim: ClaimBelief, Rule: p.Rule, Engine: "interval sweep by partition"}
	if in.Incomparable {
		if p.made {
			c.Outcome = Inconclusive
		}
		c.Detail = "the nodes do not share a kernel, so their times can not be compared"
		return c
	}
	var f findings
	ground := survey(in)
	all := in.ownerships()
	n := 0
	for _, partition := range slices.Sorted(maps.Keys(all)) {
		var latest *tenure
		for i := range all[partition] {
			t := &all[partition][i]
			n++
			if t.span.to <= t.span.from {
				continue
			}
			if o := latest; o != nil && o.node != t.node && o.span.to > t.span.from {
				when := span{t.span.from, min(o.span.to, t.span.to)}
				kind, why := ground.sort(p, circumstance{nodes: []string{o.node, t.node}, when: when}, "")
				f.add(kind, o.hold, t.hold, func() Anomaly { return in.ownedTwice(partition, o, t, when, kind == hazard, why) })
			}
			if latest == nil || t.span.to > latest.span.to {
				latest = t
			}
		}
	}
	c.Detail = plural(n, "tenure", "tenures")
	return f.close(c, "", "")
}

func (in Input) ownedTwice(partition string, a, b *tenure, when span, hazard bool, why string) Anomaly {
	zero := RunStart(in.History)
	nodes := in.scene(int(b.first), a.node, b.node)
	return Anomaly{
		Claim: ClaimBelief,
		Sentence: fmt.Sprintf("%s and %s both believed that they owned %s, for %s from %s: %s from %s to %s at %s, %s from %s to %s at %s; %s",
			a.node, b.node, partition, seconds(when.to-when.from), seconds(when.from-zero),
			a.hold, seconds(a.span.from-zero), a.how, seconds(a.span.to-zero),
			b.hold, seconds(b.span.from-zero), b.how, seconds(b.span.to-zero), in.meanwhile(nodes, when)),
		Proof: ordered(a.first, a.end, b.first, b.end), Holds: []string{a.hold, b.hold}, Nodes: nodes,
		From: when.from, To: when.to, Place: in.blame(), Hazard: hazard, Why: why,
	}
}

// ownerships are the times in which members certainly believed that they owned a partition, by partition, in order: from
// the note of the assignment to the note of its end, or else to the claim's last access, and never into a kill.
func (in Input) ownerships() map[string][]tenure {
	b := tenureBuilder{h: in.History, kills: in.kills()}
	open := map[string]*tenure{} // by hold
	out := map[string][]tenure{}
	key := map[string]string{} // hold → partition
	end := func(hold string) {
		if t := open[hold]; t != nil {
			b.clamp(t)
			out[key[hold]] = append(out[key[hold]], *t)
			delete(open, hold)
		}
	}
	for i := range in.History {
		e := &in.History[i]
		t := open[e.Hold]
		switch {
		case e.Type == history.Note && e.F == history.NoteAssigned:
			end(e.Hold)
			open[e.Hold], key[e.Hold] = &tenure{hold: e.Hold, node: e.Node, span: span{e.Time, e.Time}, first: int32(i), end: int32(i), how: "its assignment"}, e.Key
		case t == nil:
		case e.Type == history.Note && e.F == history.NoteRevoked:
			if e.Mono > 0 {
				t.span.to, t.end, t.how = min(e.Mono, e.Time), int32(i), "its note of the end"
			}
			end(e.Hold)
		case e.Type == history.Access:
			t.span.to, t.end, t.how = e.Time, int32(i), "its last access"
		}
	}
	for _, hold := range slices.Sorted(maps.Keys(open)) {
		end(hold)
	}
	for _, list := range out {
		slices.SortFunc(list, func(x, y tenure) int {
			return cmp.Or(cmp.Compare(x.span.from, y.span.from), cmp.Compare(x.first, y.first))
		})
	}
	return out
}
