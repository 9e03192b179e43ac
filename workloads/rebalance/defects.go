package rebalance

import (
	"riven/checkers"
	"riven/workloads"
)

// Defects of high-level.
const (
	fetchersNotStopped  = "fetchers-not-stopped"
	ownerOverwritten    = "owner-overwritten"
	unsorted            = "unsorted"
	oldSetKept          = "old-set-kept"
	unconditionalCommit = "unconditional-commit"
)

func highLevelRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "high-level",
		Doc: "Kafka 0.8's high-level consumer (ZookeeperConsumerConnector): members register under ids; when members, partitions or brokers change everyone stops its fetchers, commits its offsets, " +
			"releases its owner nodes, reads what there is, and claims its range of the sorted partitions by creating owner nodes, all or nothing, again after a while when one is taken. A new session " +
			"owns nothing and registers again. Offsets are committed on the condition that nobody else has since, which 0.8 does not do.",
		New:     newNode,
		Claims:  claims(),
		Defects: defects(),
	}
}

func claims() []checkers.Claim {
	return []checkers.Claim{
		{
			Name: checkers.ClaimOwner,
			Rule: "Once the log has let another claim consume from a partition, it never again lets the one before.",
			When: []checkers.Precondition{checkers.FencedOrNoExpiry},
		},
		{
			Name: checkers.ClaimBelief,
			Rule: "No two members believe at the same moment that they own a partition.",
			When: []checkers.Precondition{checkers.SessionOutlastsFollower, checkers.NoLongStall, checkers.NoExpiry},
		},
		{
			Name: checkers.ClaimOffsets,
			Rule: "The offset of a partition that is kept in ZooKeeper never goes back.",
		},
		{
			Name: checkers.ClaimConsumed,
			Rule: "Every message is consumed; with fencing at the log, exactly once.",
		},
		{
			Name: checkers.ClaimAssignment,
			Rule: "When nothing changes any more everybody owns what the strategy gives it, and nobody anything else.",
		},
		{
			Name: checkers.ClaimServed,
			Rule: "After the last fault is healed everything that is produced is consumed within a bounded time.",
		},
	}
}

func defects() []workloads.Defect {
	return []workloads.Defect{
		{
			Name:    fetchersNotStopped,
			Bug:     "Partitions are released before their fetchers are stopped, which happens only after the new ones were claimed.",
			Exposed: "no fault, members that come and go: whenever another one claims meanwhile. Without fencing at the log the old fetcher consumes after the new one.",
			Breaks:  []string{checkers.ClaimBelief, checkers.ClaimOwner},
		},
		{
			Name:    ownerOverwritten,
			Bug:     "An owner node that is there is overwritten rather than respected.",
			Exposed: "partition from-servers of an owner for less than its session, without fencing: whoever claims meanwhile consumes beside it, every time. Without any fault now and then, for as long as the owner takes to look.",
			Breaks:  []string{checkers.ClaimBelief, checkers.ClaimOwner},
		},
		{
			Name:    unsorted,
			Bug:     "The members are taken in the order in which they come, which is another one for each of them.",
			Exposed: "no fault, contention alone: members claim what is not theirs, and wait for each other.",
			Breaks:  []string{checkers.ClaimAssignment, checkers.ClaimServed},
		},
		{
			Name:    oldSetKept,
			Bug:     "A consumer whose session has expired registers again, and goes on with what it owned in the old one, without a claim.",
			Exposed: "partition from-servers of an owner that outlasts its session: nobody has an owner node for what it keeps, or somebody else has and both consume. With fencing it is refused, and only a partition that nobody claims is left to show.",
			Breaks:  []string{checkers.ClaimOwner, checkers.ClaimAssignment, checkers.ClaimServed},
		},
		{
			Name:    unconditionalCommit,
			Bug:     "Offsets are written whatever they are by then, in whichever session there is: an owner that was, writes its old one (Kafka 0.8 itself).",
			Exposed: "partition from-servers of an owner that outlasts its session: what it consumed until another one took over it commits when it is back.",
			Breaks:  []string{checkers.ClaimOffsets},
		},
	}
}
