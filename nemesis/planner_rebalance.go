package nemesis

// rebalance are the steps of a kind for the members of a group, its producer and the ensemble.
func (p planner) rebalance(k Kind) []Step {
	at := func(roles ...Role) (steps []Step) {
		for _, r := range roles {
			steps = append(steps, Step{Fault: Fault{Target: Target{Role: r}}})
		}
		return steps
	}
	switch k {
	case Partition:
		steps := []Step{
			{Fault: Fault{Shape: FromServers, Target: Target{Role: Owner}}},
			{Fault: Fault{Shape: FromServers, Target: Target{Role: Owner}}},
			{Fault: Fault{Shape: FromServer, Target: Target{Role: Owner}}},
			{Fault: Fault{Shape: FromServers, Target: Target{Role: "consumer"}}, On: &Trigger{Event: OnRebalance}},
			{Fault: Fault{Shape: FromServers, Target: Target{Role: "producer"}}},
		}
		if p.spec.Servers > 1 {
			steps = append(steps,
				Step{Fault: Fault{Shape: FromPeers, Target: Target{Role: Leader}}},
				Step{Fault: Fault{Shape: Isolate, Target: Target{Role: AnyServer}}},
				Step{Fault: Fault{Shape: Halves, Target: Target{Role: AnyServer}}},
				Step{Fault: Fault{Shape: OneWayOut, Target: Target{Role: AnyServer}}},
			)
		}
		return steps
	case Kill:
		return at(Owner, Owner, "consumer", "producer", Leader, AnyServer)
	case Pause:
		return append(at(Owner, Owner, Leader), Step{Fault: Fault{Target: Target{Role: Owner}}, On: &Trigger{Event: OnRebalance}})
	case Clock:
		return p.clocksOf(Owner, "consumer")
	case LoseReply:
		// Offsets are written all the time, the rest only in a rebalance: creates come at its end.
		steps := []Step{{Fault: Fault{Target: Target{Role: "consumer"}, Op: "setData"}}}
		for _, op := range []string{"create", "getData"} {
			steps = append(steps, Step{Fault: Fault{Target: Target{Role: "consumer"}, Op: op}, On: &Trigger{Event: OnRebalance}})
		}
		return steps
	}
	return nil
}
