package nemesis

import (
	"riven/harness/history"
	"riven/harness/spec"
)

// election are the steps of a kind for failover controllers, their services and the ensemble.
func (p planner) election(k Kind) []Step {
	at := func(roles ...Role) (steps []Step) {
		for _, r := range roles {
			steps = append(steps, Step{Fault: Fault{Target: Target{Role: r}}})
		}
		return steps
	}
	switch k {
	case Partition:
		steps := []Step{
			{Fault: Fault{Shape: FromServers, Target: Target{Role: Active}}},
			{Fault: Fault{Shape: FromServers, Target: Target{Role: "controller"}}},
			{Fault: Fault{Shape: Isolate, Target: Target{Role: Active}}},
			{Fault: Fault{Shape: Isolate, Target: Target{Role: "service"}}},
			p.cutMessages(),
		}
		if p.spec.Servers > 1 {
			steps = append(steps,
				Step{Fault: Fault{Shape: FromPeers, Target: Target{Role: Leader}}},
				Step{Fault: Fault{Shape: FromPeers, Target: Target{Role: ActiveServer}}},
				Step{Fault: Fault{Shape: Isolate, Target: Target{Role: AnyServer}}},
				Step{Fault: Fault{Shape: OneWayOut, Target: Target{Role: AnyServer}}},
			)
		}
		return steps
	case Kill:
		return at(Active, "controller", "service", Leader, AnyServer)
	case Pause:
		return at(Active, Active, Active, "service", "controller", "journal", Leader)
	case Clock:
		return p.clocksOf(Active, "service")
	case LoseReply:
		// A controller calls the servers only when somebody's term has ended.
		var steps []Step
		for _, op := range []string{"create", "exists"} {
			steps = append(steps, Step{Fault: Fault{Target: Target{Role: "controller"}, Op: op}, On: &Trigger{Event: OnNote, Note: history.NoteDeposed}})
		}
		return steps
	case Slow:
		// A probe waits for half a session timeout: a service that is slower is found silent, one that is quicker is not.
		session := p.spec.Timing.Session
		steps := at("service", "service", "service", "journal")
		for i, delay := range []spec.Duration{session / 5, session * 3 / 4, session * 3 / 4, session * 3 / 4} {
			steps[i].Fault.Delay = delay
		}
		return steps
	}
	return nil
}

// cutMessages cuts one of the ways on which a failover depends besides those to the ensemble: a monitor's to its service,
// the services' to the journal, a client's to the services. None is ever silent for long.
func (p planner) cutMessages() Step {
	controllers, services, clients := p.spec.Of("controller"), p.spec.Of("service"), p.spec.Of("client")
	k, c := p.rng.IntN(len(controllers)), p.rng.IntN(len(clients))
	ways := []Fault{
		{Target: Target{Node: controllers[k]}, Peers: services[k : k+1]},
		{Target: Target{Node: p.spec.Of("journal")[0]}, Peers: services},
		{Target: Target{Node: clients[c]}, Peers: services},
	}
	f := ways[p.rng.IntN(len(ways))]
	f.Shape = FromNodes
	return Step{Fault: f}
}
