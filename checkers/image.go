package checkers

import (
	"fmt"

	"riven/harness/history"
)

// Image wants no reply of a server to be older than one that the same session has had before, whatever server it was
// connected to then (single system image): a server refuses a client that has seen more than it has itself
// (ZooKeeperServer.processConnectRequest). Hold of a reply is its session, Token the zxid.
func Image(in Input) Check {
	p := in.promise(ClaimImage)
	newest := map[string]int32{} // session → index of its newest reply
	var f findings
	h := in.History
	replies := 0
	for i := range h {
		e := &h[i]
		if e.Type != history.Wire || e.F != "reply" || e.Token <= 0 || e.Hold == "" {
			continue
		}
		replies++
		j, before := newest[e.Hold]
		if !before || h[j].Token <= e.Token {
			newest[e.Hold] = int32(i)
			continue
		}
		f.add(violation, e.Hold, e.Node, func() Anomaly {
			zero := RunStart(h)
			return Anomaly{
				Claim: ClaimImage, Place: Server,
				Sentence: fmt.Sprintf("%s had the reply to %s at %s as of zxid 0x%x, after its session %s had had one as of 0x%x at %s",
					e.Node, e.Text, seconds(e.Time-zero), e.Token, e.Hold, h[j].Token, seconds(h[j].Time-zero)),
				Proof: ordered(j, int32(i)), Nodes: in.scene(i, e.Node), From: h[j].Time, To: e.Time,
			}
		})
	}
	c := Check{Claim: ClaimImage, Rule: p.Rule, Engine: "running maximum", Detail: fmt.Sprintf("%s in %s", plural(replies, "reply", "replies"), plural(len(newest), "session", "sessions"))}
	return f.close(c, "", "")
}
