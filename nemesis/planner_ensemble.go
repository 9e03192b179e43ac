package nemesis

import "riven/harness/spec"

// ensemble tells whether the servers' own leader is what the run is about.
func (p planner) ensemble() bool {
	return p.spec.Workload == "election" && p.spec.Recipe == "ensemble"
}

// ofEnsemble are the steps of a kind for an ensemble whose elections are watched: mostly its leader is hit.
func (p planner) ofEnsemble(k Kind) []Step {
	leader, server, client := Target{Role: Leader}, Target{Role: AnyServer}, Target{Role: Participant}
	switch k {
	case Partition:
		if p.spec.Servers == 1 {
			return []Step{{Fault: Fault{Shape: FromServers, Target: client}}}
		}
		return []Step{
			{Fault: Fault{Shape: FromPeers, Target: leader}},
			{Fault: Fault{Shape: Isolate, Target: leader}},
			{Fault: Fault{Shape: OneWayIn, Target: leader}},
			{Fault: Fault{Shape: OneWayOut, Target: leader}},
			{Fault: Fault{Shape: Isolate, Target: server}},
			{Fault: Fault{Shape: Halves, Target: server}},
		}
	case Kill, Pause:
		return []Step{{Fault: Fault{Target: leader}}, {Fault: Fault{Target: leader}}, {Fault: Fault{Target: server}}}
	case LoseReply:
		return []Step{{Fault: Fault{Target: client, Op: "setData"}}} // the last client gets nothing
	}
	var steps []Step
	for _, s := range p.clocks() {
		steps = append(steps, anybody(s))
	}
	return steps
}

// wave kills as many servers as an ensemble bears, its leader among them, then the next leader: from then on it is to
// serve nobody. All of them are started again at about the same time.
func (p planner) wave() []Step {
	// As long as it may take until somebody is served again, and some time more to be served in.
	rest := p.spec.Timing.FollowerTimeout() + 2*p.spec.Timing.Session.D()
	leader := Step{Fault: Fault{Kind: Kill, Target: Target{Role: Leader}}, For: spec.Duration(2 * rest)}
	steps := []Step{leader}
	for range (p.spec.Servers-1)/2 - 1 {
		steps = append(steps, Step{Fault: Fault{Kind: Kill, Target: Target{Role: Follower, Pick: p.rng.IntN(8)}}, For: leader.For})
	}
	last := leader
	last.At, last.For = spec.Duration(rest), spec.Duration(rest)
	return append(steps, last)
}
