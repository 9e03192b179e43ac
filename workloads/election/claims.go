package election

import "riven/checkers"

func claims() []checkers.Claim {
	return []checkers.Claim{
		{
			Name: checkers.ClaimExclusion,
			Rule: "Once the journal has taken a write of another term, it never again takes one of the term before.",
		},
		{
			Name: checkers.ClaimTokens,
			Rule: "The journal never takes a write of an epoch lower than one that it took before.",
		},
		{
			Name: checkers.ClaimEpoch,
			Rule: "No epoch has more than one active controller, and no controller is elected with an epoch lower than one before.",
		},
		{
			Name: checkers.ClaimFence,
			Rule: "Nobody becomes active before the one before has resigned in good order or has been fenced.",
		},
		{
			Name: checkers.ClaimAcked,
			Rule: "Every write that a client was told of is in the journal.",
		},
		{
			Name: checkers.ClaimBelief,
			Rule: "No two controllers believe at the same moment that they are active.",
			When: []checkers.Precondition{checkers.SessionOutlastsFollower, checkers.NoLongStall},
		},
		{
			Name: checkers.ClaimServed,
			Rule: "After the last fault is healed a write of every client is taken within a bounded time.",
		},
	}
}
