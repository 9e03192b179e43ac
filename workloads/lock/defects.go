package lock

import (
	"riven/checkers"
	"riven/workloads"
)

func curatorRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "curator",
		Doc: "Apache Curator's InterProcessMutex: a protected ephemeral sequential node, the lowest holds, everyone else watches exactly " +
			"the one before. The fencing token is the node's czxid. A hold is given up as soon as the connection is lost, and its node is " +
			"deleted when the connection is back; deletes are repeated until they are done or the session is over.",
		New:     newCurator,
		Claims:  claims(),
		Defects: append(curatorDefects(), holdDefects()...),
	}
}

func ephemeralRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "ephemeral",
		Doc: "The simple lock of the ZooKeeper paper: one ephemeral node whose owner holds; everyone else watches it, and all of them try again " +
			"when it goes. Who owns it is read from the node, so a lost reply leaves no doubt. The fencing token is the node's czxid. No order among " +
			"those who wait.",
		New:     newEphemeral,
		Claims:  claims(),
		Defects: append(ephemeralDefects(), holdDefects()...),
	}
}

func leaseRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "lease",
		Doc: "A lease: one persistent node, never deleted, with its holder's name and the end of its lease, which is a session timeout long and written anew by its holder every " +
			"quarter of it. Who has seen a lease unchanged for its whole length by its own monotonic clock takes it over. The holder stops a quarter of a lease " +
			"earlier unless it has renewed. The fencing token is the zxid of the write that took it. A holder that stands still for longer than that knows " +
			"nothing of its end: it takes fencing to be safe then.",
		New:    newLease,
		Claims: claimsOfLease(),
		Defects: []workloads.Defect{{
			Name: wallClock,
			Bug:  "The end of the lease that stands in the node is held against the reader's own wall clock.",
			Exposed: "clock jump of a waiter, forward by more than a lease (a session timeout), while another one holds: every time. With fencing belief is broken, without it " +
				"exclusion and tokens as well.",
			Breaks: overlap(),
		}},
	}
}

// overlap is what two holders at a time break. Without fencing the register accepts the older one's access: exclusion
// and tokens. With fencing it refuses it, and what is left to see is that two believed to hold: belief.
func overlap() []string {
	return []string{checkers.ClaimExclusion, checkers.ClaimTokens, checkers.ClaimBelief}
}

// stuck is what a node breaks that nobody deletes: whoever queues behind it is never served.
func stuck() []string { return []string{checkers.ClaimHandOver, checkers.ClaimOrphans} }

// holdDefects lie in how a participant treats its hold, whatever the algorithm.
func holdDefects() []workloads.Defect {
	return []workloads.Defect{
		{
			Name: ignoreLoss,
			Bug:  "The holder heeds neither the loss of its connection, nor the expiry of its session, nor a refused access, and works on.",
			Exposed: "partition from-servers of the holder, with a hold of about three session timeouts: most times, from the expiry to the end of the hold. " +
				"With fencing belief is broken, without it exclusion and tokens as well. A pause shows it too, but a correct recipe fails under that without fencing.",
			Breaks: overlap(),
		},
		{
			Name: ignoreSuspended,
			Bug:  "The holder works on while it is disconnected and stops only when it is told that its session has expired, which it learns when it is connected again.",
			Exposed: "partition from-servers of the holder that outlasts the session timeout by two ticks and more, with a hold of about three session timeouts: most times, " +
				"from the expiry to the heal. With fencing belief is broken, without it exclusion and tokens as well.",
			Breaks: overlap(),
		},
	}
}

func curatorDefects() []workloads.Defect {
	return []workloads.Defect{
		{
			Name: leaveSuspended,
			Bug:  "A hold that was given up because the connection was lost leaves its node behind: the session lives on at another server, and so does the node.",
			Exposed: "partition from-server of the holder, or kill of the server that it is connected to: every time, unless a later fault expires that session. " +
				"The longer the holds, the more likely it is hit in one; fencing does not matter.",
			Breaks: stuck(),
		},
		{
			Name:    unprotectedCreate,
			Bug:     "The node's name has no GUID, and a create whose reply was lost is simply repeated: the first node is in front of the second, and nobody deletes it.",
			Exposed: "lose-reply of create at a participant: every time, unless a later fault expires its session; fencing does not matter.",
			Breaks:  stuck(),
		},
		{
			Name: searchOnce,
			Bug:  "When the search for the node of a lost create fails as well, acquire returns an error and leaves that node behind (go-zookeeper's Lock).",
			Exposed: "lose-reply of create and, at the same participant at the same time, of setData, which begins the search: every time; " +
				"one kind alone does not show it, so it takes a plan from a file.",
			Breaks: stuck(),
		},
		{
			Name: releaseLowest,
			Bug:  "Release deletes the lowest node rather than its own: when the first delete's reply was lost, the second try deletes the next holder's.",
			Exposed: "lose-reply of delete at a participant: every time that another one waits and works by then. With fencing belief is broken, without it exclusion and " +
				"tokens as well.",
			Breaks: overlap(),
		},
		{
			Name:    watchLowest,
			Bug:     "Everyone who waits watches the lowest node, and takes its end for a turn of its own.",
			Exposed: "no fault, contention alone: in the first seconds. With fencing belief is broken, without it exclusion and tokens as well.",
			Breaks:  overlap(),
		},
		{
			Name: predecessorGone,
			Bug:  "The end of the node before is taken for a turn of one's own, though others may be in front of it.",
			Exposed: "kill of a waiter that is not the last of the queue, with a hold of about three session timeouts, so that its session expires while it still waits: " +
				"about one time in two. With fencing belief is broken, without it exclusion and tokens as well.",
			Breaks: overlap(),
		},
		{
			Name:    sortByName,
			Bug:     "The queue is sorted by the whole name, which begins with the random GUID, rather than by the sequence number.",
			Exposed: "no fault, contention alone: in the first seconds. With fencing belief is broken, without it exclusion and tokens as well.",
			Breaks:  overlap(),
		},
		{
			Name:    persistentNode,
			Bug:     "The node is persistent: it outlives its session.",
			Exposed: "kill of a holder or a waiter, or a partition from-servers that outlasts the session timeout: every time; fencing does not matter.",
			Breaks:  stuck(),
		},
		{
			Name:    noToken,
			Bug:     "The accesses carry token 0, so that fencing has nothing to compare.",
			Exposed: "pause of the holder that outlasts its session, with fencing: every time that another one works meanwhile, which a correct recipe is proof against.",
			Breaks:  []string{checkers.ClaimExclusion},
		},
		{
			Name:    sessionToken,
			Bug:     "The session's id serves as the token: it is ordered by the server that created the session, not by the turn.",
			Exposed: "no fault and no fencing, contention alone: at the first turn that goes to a lower id. With fencing the register refuses those, so that they never get any work done.",
			Breaks:  []string{checkers.ClaimTokens},
		},
	}
}

func ephemeralDefects() []workloads.Defect {
	return []workloads.Defect{
		{
			Name: checkThenCreate,
			Bug:  "The node is looked for first and created only if it is absent, but then a create that finds it is taken for a success.",
			Exposed: "no fault, contention alone: within seconds, since all who wait look at once. The token is that of whoever did create it, so that fencing is no help and " +
				"exclusion is broken with it and without.",
			Breaks: []string{checkers.ClaimExclusion, checkers.ClaimBelief},
		},
		{
			Name:    lossIsFailure,
			Bug:     "A create whose reply was lost is taken for a failure: the participant waits for the end of its own node.",
			Exposed: "lose-reply of create at a participant: every time, unless a later fault expires its session; fencing does not matter.",
			Breaks:  stuck(),
		},
		{
			Name: releaseAny,
			Bug:  "Release deletes the node by its path without a look at its owner: when the first delete's reply was lost, the second try deletes the next holder's.",
			Exposed: "lose-reply of delete at a participant: most times, as those who wait are quicker than the second try. With fencing belief is broken, without it exclusion " +
				"and tokens as well.",
			Breaks: overlap(),
		},
		{
			Name:    persistentNode,
			Bug:     "The node is persistent: it outlives its session.",
			Exposed: "kill of the holder: every time; fencing does not matter.",
			Breaks:  stuck(),
		},
	}
}
