package counter

import (
	"riven/checkers"
	"riven/workloads"
)

// Defects of the cas recipe.
const (
	anyVersion    = "any-version"
	blindRetry    = "blind-retry"
	lossIsSuccess = "loss-is-success"
	lossIsFailure = "loss-is-failure"
	twoSessions   = "two-sessions"
)

func casRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "cas",
		Doc: "Apache Curator's DistributedAtomicLong: read the node with its version, write it on the condition that the version is still " +
			"the same, and again if it is not. The data keeps the id of each participant's last addition, so that one whose reply was lost is found in " +
			"it, or is seen to have had no effect.",
		New:     newParticipant,
		Claims:  claims(),
		Defects: casDefects(),
	}
}

func casDefects() []workloads.Defect {
	miscounted := []string{checkers.ClaimCounter, checkers.ClaimTotal}
	return []workloads.Defect{
		{
			Name:    anyVersion,
			Bug:     "The node is written with version -1, whatever it is by then: what somebody else added since the reading is lost.",
			Exposed: "no fault, contention alone: in the first second.",
			Breaks:  miscounted,
		},
		{
			Name:    blindRetry,
			Bug:     "After a lost reply the addition is made again without a look for its id in the node: it counts twice if the first write took effect.",
			Exposed: "lose-reply of setData at a participant: every time that the lost reply was a success.",
			Breaks:  miscounted,
		},
		{
			Name: lossIsSuccess,
			Bug:  "A write whose reply was lost is taken for done.",
			Exposed: "partition from-peers of the leader, or its kill: every time, as requests are under way that are never done. A lost reply alone does not show it, since " +
				"what is lost then is a success.",
			Breaks: miscounted,
		},
		{
			Name:    lossIsFailure,
			Bug:     "A write whose reply was lost is taken for failed.",
			Exposed: "lose-reply of setData at a participant: every time that the lost reply was a success.",
			Breaks:  miscounted,
		},
		{
			Name: twoSessions,
			Bug:  "Reads go through a session of their own, without sync: its server need not have seen what the participant itself has added through the other one.",
			Exposed: "partition from-peers of a follower that one participant's reads go to and its additions do not (lose-reply of setData moves the latter): it answers " +
				"for tickTime × syncLimit more, with old values. The counting stays right.",
			Breaks: []string{checkers.ClaimOrder},
		},
	}
}
