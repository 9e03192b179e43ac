package checkers

import (
	"fmt"
	"slices"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
)

// PutBound is within which time after the last heal every client of the ensemble must have put something.
func PutBound(s spec.Spec) time.Duration { return ServedBound(s) }

// Puts wants a put of every client to succeed after the final heal within PutBound.
func Puts(in Input) Check {
	return in.served(service{claim: ClaimServed, op: OpPut, object: "a put", bound: PutBound(in.Spec)})
}

// Leaders holds the servers' own elections against single leadership: no epoch has two leading servers, and no server
// leads under an epoch that is below one of its own before. It goes by the epochs that the servers' agents have proof
// of. They look ten times a second, so a lead may come and go unseen, and is seen late: what different servers did is
// not put in order.
func Leaders(in Input) Check {
	var (
		p     = in.promise(ClaimEpoch)
		f     findings
		first = map[int64]int32{}  // epoch → who was seen to lead it
		last  = map[string]int32{} // node → when it was last seen to lead
	)
	for i := range in.History {
		e := &in.History[i]
		if e.Type != history.Role || e.F != roleLeader || e.Token == 0 {
			continue
		}
		if j, led := first[e.Token]; !led {
			first[e.Token] = int32(i)
		} else if in.History[j].Node != e.Node {
			f.add(violation, term(&in.History[j]), term(e), func() Anomaly { return in.twoLed(j, int32(i)) })
		}
		if j, before := last[e.Node]; before && in.History[j].Token > e.Token {
			f.add(violation, term(&in.History[j]), term(e), func() Anomaly { return in.ledBack(j, int32(i)) })
		}
		last[e.Node] = int32(i)
	}
	c := Check{Claim: ClaimEpoch, Rule: p.Rule, Engine: "epoch map", Detail: plural(len(first), "epoch was seen to be led", "epochs were seen to be led")}
	lacking := ""
	if len(first) == 0 {
		lacking = "no server was seen to lead, with proof of its epoch"
	}
	return f.close(c, "", p.lack(lacking))
}

// roleLeader is the F of a Role event of a server that leads.
const roleLeader = "leader"

// term names the lead of a server.
func term(e *history.Event) string { return fmt.Sprintf("%s/%d", e.Node, e.Token) }

func (in Input) twoLed(a, b int32) Anomaly {
	x, y := &in.History[a], &in.History[b]
	zero := RunStart(in.History)
	return in.led(a, b, fmt.Sprintf("%s and %s both led epoch %d: seen at %s and at %s", x.Node, y.Node, y.Token, seconds(x.Time-zero), seconds(y.Time-zero)))
}

func (in Input) ledBack(a, b int32) Anomaly {
	x, y := &in.History[a], &in.History[b]
	zero := RunStart(in.History)
	return in.led(a, b, fmt.Sprintf("%s led epoch %d, seen at %s, after it had led epoch %d, seen at %s", y.Node, y.Token, seconds(y.Time-zero), x.Token, seconds(x.Time-zero)))
}

func (in Input) led(a, b int32, sentence string) Anomaly {
	x, y := &in.History[a], &in.History[b]
	nodes := []string{x.Node, y.Node}
	return Anomaly{
		Claim: ClaimEpoch, Sentence: sentence, Proof: ordered(a, b), Holds: []string{term(x), term(y)},
		Nodes: slices.Compact(nodes), From: min(x.Time, y.Time), To: max(x.Time, y.Time), Place: Server,
	}
}

// First wants servers that were started one by one to be led by the one that made the majority: all logs being empty, the
// largest id of those that are there wins, and before it there was no majority to win (FastLeaderElection).
func First(in Input) Check {
	p := in.promise(ClaimFirst)
	c := Check{Claim: ClaimFirst, Rule: p.Rule, Engine: "first role"}
	var f findings
	names := in.Spec.ServerNames()
	want := names[len(names)/2]
	lacking := "no server was seen to lead"
	started := map[string]bool{}
	for i := range in.History {
		e := &in.History[i]
		if e.Type == history.Start {
			started[e.Node] = true
		}
		if e.Type != history.Role || e.F != roleLeader {
			continue
		}
		c.Detail, lacking = e.Node+" led first", ""
		switch late := slices.IndexFunc(names[len(names)/2+1:], func(n string) bool { return started[n] }); {
		case late >= 0:
			lacking = names[len(names)/2+1+late] + " was started before anybody was seen to lead"
		case e.Node != want:
			f.add(violation, e.Node, "", func() Anomaly {
				return Anomaly{
					Claim: ClaimFirst, Sentence: fmt.Sprintf("%s led first, at %s; %s made the majority", e.Node, seconds(e.Time-RunStart(in.History)), want),
					Proof: ordered(int32(i)), Nodes: []string{e.Node, want}, From: e.Time, To: e.Time, Place: Server,
				}
			})
		}
		break
	}
	return f.close(c, "", p.lack(lacking))
}
