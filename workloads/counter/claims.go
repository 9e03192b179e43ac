package counter

import "riven/checkers"

func claims() []checkers.Claim {
	return []checkers.Claim{
		{
			Name: checkers.ClaimCounter,
			Rule: "Additions are linearizable: they can be put in one order that keeps to real time, in which each was told the value that it made.",
		},
		{
			Name: checkers.ClaimTotal,
			Rule: "At the end the counter is no lower than the acknowledged additions, and no higher than those and the ones of unknown outcome.",
		},
		{
			Name: checkers.ClaimOrder,
			Rule: "What a participant reads is never lower than what the same start of it has read or made before.",
		},
		{
			Name: checkers.ClaimServed,
			Rule: "After the last fault is healed every participant's addition is acknowledged within a bounded time.",
		},
	}
}
