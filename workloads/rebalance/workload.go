package rebalance

import (
	"math/rand/v2"
	"strconv"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Roles of the nodes.
const (
	Consumer = "consumer"
	Producer = "producer"
)

// Ops.
const (
	Join    = "join"            // a consumer becomes a member of the group, unless it is one
	Leave   = "leave"           // it leaves in good order
	Produce = "produce"         // a message N, unique, for partition Key; OK: Token is its offset
	Grow    = checkers.OpGrow   // the topic gets another partition; OK: N of them
	Broker  = checkers.OpBroker // the second broker goes, or comes back
	Drain   = checkers.OpDrain
	Owners  = checkers.OpOwners // the group as ZooKeeper has it
	Rest    = "rest"            // N ms without anything
)

// The topic has so many partitions at first, and at most.
const (
	firstPartitions = 4
	mostPartitions  = 8
)

// partition is the name of the topic's n-th partition, from 0.
func partition(n int) string { return "t-" + strconv.Itoa(n) }

// Workload is the rebalance workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "rebalance",
		Doc:          "Consumers of a group divide the partitions of a topic among themselves, while members, partitions and brokers change.",
		Recipes:      []workloads.Recipe{highLevelRecipe()},
		Participants: 3,
		Roles: func(_ string, n int) []spec.Role {
			return []spec.Role{{Name: Consumer, Count: n}, {Name: Producer, Count: 1}}
		},
		Ops:      ops,
		Quiet:    quiet,
		Bound:    checkers.RebalanceBound,
		Last:     history.Op{F: checkers.OpOwners},
		Settled:  func(e history.Event) bool { return e.Type == history.OK && checkers.Unassigned(e) == "" },
		Resource: newLog,
		Judge:    judge,
		Floors:   checkers.RebalanceFloors,
	}
}

func judge(in checkers.Input) []checkers.Check {
	return []checkers.Check{
		checkers.Owner(in), checkers.OwnerBelief(in), checkers.Offsets(in), checkers.Consumed(in), checkers.Assignment(in), checkers.Drained(in),
	}
}

func ops(_ spec.Spec, participant string, r *rand.Rand) workloads.Stream {
	if spec.RoleOf(participant) == Producer {
		return &production{rng: r}
	}
	return &membership{rng: r}
}

// membership leaves now and then, and joins again. A consumer is a member from its start.
type membership struct {
	rng  *rand.Rand
	left bool
}

func (m *membership) Next() history.Op {
	switch {
	case m.left:
		m.left = false
		return history.Op{F: Join}
	case m.rng.IntN(12) == 0:
		m.left = true
		return history.Op{F: Leave}
	}
	return history.Op{F: Rest, N: 200 + m.rng.Int64N(600)}
}

func (m *membership) Rest() []history.Op { return nil }

// production produces in bursts; now and then the topic grows, or a broker changes.
type production struct {
	rng  *rand.Rand
	step int
	next int64
}

func (p *production) Next() history.Op {
	p.step++
	switch {
	case p.step%21 == 0:
		return history.Op{F: Rest, N: 50 + p.rng.Int64N(100)}
	case p.rng.IntN(700) == 0:
		return history.Op{F: Grow}
	case p.rng.IntN(700) == 0:
		return history.Op{F: Broker}
	}
	p.next++
	return history.Op{F: Produce, Key: partition(p.rng.IntN(firstPartitions)), N: p.next}
}

func (p *production) Rest() []history.Op { return nil }

// quiet has everybody join, and everything consumed.
func quiet(_ spec.Spec, participant string) []history.Op {
	if spec.RoleOf(participant) == Producer {
		return []history.Op{{F: Drain}}
	}
	return []history.Op{{F: Join}, {F: Rest, N: 200}}
}
