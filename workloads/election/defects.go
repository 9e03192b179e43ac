package election

import (
	"riven/checkers"
	"riven/workloads"
)

// Defects of zkfc.
const (
	noFencing          = "no-fencing"
	ignoreFenceFailure = "ignore-fence-failure"
	existsIsOther      = "exists-is-other"
	crumbDeleted       = "crumb-deleted"
	cachedLeadership   = "cached-leadership"
	zombie             = "zombie"
)

func zkfcRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "zkfc",
		Doc: "Hadoop's failover controllers: each watches over a service of its own and competes for an ephemeral lock node while that is healthy. Who owns it fences whoever the " +
			"breadcrumb names (asks its service to be standby, else has the journal refuse its epoch), writes the breadcrumb by version, and then makes its own service active. The epoch is " +
			"the zxid of that write. A controller that is disconnected stops to lead and leaves its service as it is; only a failover in good order deletes the breadcrumb.",
		New:     newNode,
		Claims:  claims(),
		Defects: defects(),
	}
}

func defects() []workloads.Defect {
	return []workloads.Defect{
		{
			Name:    noFencing,
			Bug:     "The old active is not fenced: whoever owns the lock makes its service active at once.",
			Exposed: "kill, pause or partition of the active controller: every failover. Without fencing at the journal the old service goes on writing, and exclusion and tokens are broken too.",
			Breaks:  []string{checkers.ClaimFence, checkers.ClaimExclusion, checkers.ClaimTokens},
		},
		{
			Name: ignoreFenceFailure,
			Bug:  "When the old active can not be fenced the new one goes on as if it had been.",
			Exposed: "the active controller cut from the servers, while the other one reaches neither the old service nor the journal: every time. Without fencing at the journal exclusion and " +
				"tokens are broken too.",
			Breaks: []string{checkers.ClaimFence, checkers.ClaimExclusion, checkers.ClaimTokens},
		},
		{
			Name:    existsIsOther,
			Bug:     "A lock node that is found after a create whose reply was lost is taken for somebody else's.",
			Exposed: "lose-reply of create at a controller that becomes active: its own lock keeps everybody waiting, itself too, as long as its session lives.",
			Breaks:  []string{checkers.ClaimServed},
		},
		{
			Name:    crumbDeleted,
			Bug:     "The breadcrumb is deleted on a departure that was not in good order: the next active finds nobody to fence.",
			Exposed: "pause of the active service for longer than its monitor waits: every time that it goes on after the failover. Without fencing at the journal it writes again.",
			Breaks:  []string{checkers.ClaimFence, checkers.ClaimExclusion, checkers.ClaimTokens},
		},
		{
			Name:    cachedLeadership,
			Bug:     "The controller heeds neither a disconnect nor the expiry of its session while it is active.",
			Exposed: "partition from-servers of the active controller that outlasts its session: every time.",
			Breaks:  []string{checkers.ClaimBelief},
		},
		{
			Name:    zombie,
			Bug:     "When the session expires while the old active is being fenced, all of it is done again in a new session, which owns no lock.",
			Exposed: "pause of a controller that has begun to fence, for longer than its session: the true active is fenced, and two controllers believe to be active.",
			Breaks:  []string{checkers.ClaimBelief},
		},
	}
}
