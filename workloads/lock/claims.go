package lock

import "riven/checkers"

// claims are what a recipe promises that gives its hold up when it is told of a lost connection.
func claims() []checkers.Claim {
	return []checkers.Claim{
		{
			Name: checkers.ClaimExclusion,
			Rule: "Once the register has accepted an access of another hold, it never again accepts one of the hold before.",
		},
		{
			Name: checkers.ClaimTokens,
			Rule: "The register never accepts a fencing token lower than one that it accepted before.",
		},
		{
			Name: checkers.ClaimBelief,
			Rule: "No two participants believe at the same moment that they hold the lock.",
			When: []checkers.Precondition{checkers.SessionOutlastsFollower, checkers.NoLongStall},
		},
		{
			Name: checkers.ClaimHandOver,
			Rule: "After the last fault is healed every participant gets the lock within a bounded time.",
		},
		{
			Name: checkers.ClaimOrphans,
			Rule: "When every hold is over, no node of any hold is left under the lock.",
		},
	}
}

// claimsOfLease are those of a recipe that rests on no session, but on its participants' own monotonic clocks.
func claimsOfLease() []checkers.Claim {
	cs := claims()
	for i := range cs {
		if cs[i].Name == checkers.ClaimBelief {
			cs[i].When = []checkers.Precondition{checkers.LeaseOutlastsStall}
		}
	}
	return cs
}

// claimsWithoutNotice are those of a recipe that is never told of a lost session: its belief holds while none expires.
func claimsWithoutNotice() []checkers.Claim {
	cs := claims()
	for i := range cs {
		if cs[i].Name == checkers.ClaimBelief {
			cs[i].When = append(cs[i].When, checkers.NoExpiry)
		}
	}
	return cs
}
