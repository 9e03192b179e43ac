package checkers

import (
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// Input is everything that a verdict may rest on. It comes from a bundle or straight from a run.
type Input struct {
	Spec     spec.Spec
	Plan     nemesis.Plan
	Receipts []nemesis.Receipt
	History  []history.Event // sorted by Time, Index is the position
	Claims   []Claim         // of the recipe
	// Native: the recipe is a client library's own algorithm, so what it does wrong is the library's.
	Native bool
	// Incomparable: the nodes do not share a kernel (boot ids differ), so times of different nodes must not be compared.
	Incomparable bool
	// Lacks is what is missing of the run's record, in words. What was not recorded may have been wrong: no pass.
	Lacks []string

	once *readings // nil: every check reads the history for itself
}

// readings are what several checks of one verdict want to know of the history, each found when it is first asked for.
type readings struct {
	accesses *accessLog
	ops      []opSpan
	exits    map[incarnation]int64
}

// Once is the input for all checks of one verdict: what several of them want to know of the history is read once. From
// then on it must not be changed, nor be judged by two goroutines at a time.
func (in Input) Once() Input {
	in.once = &readings{}
	return in
}

func (in Input) readings() *readings {
	if in.once == nil {
		return &readings{}
	}
	return in.once
}

// Precondition under which a recipe promises a claim; evaluated on spec, receipts and measurements.
type Precondition string

// Preconditions.
const (
	// SessionOutlastsFollower: no server that was cut from its peers went on answering its clients for so long that their
	// sessions were over first (Learner.java, ZOOKEEPER's soTimeout), as it may where the session timeout is not longer
	// than tickTime*syncLimit, or where a participant was cut from such a server with it or later.
	SessionOutlastsFollower Precondition = "session outlasts follower"
	// NoLongStall: neither the participants concerned nor a server stood still, planned or measured, longer than the margin.
	// What the participant's monotonic clock gained or lost counts as well.
	NoLongStall Precondition = "no long stall"
	// LeaseOutlastsStall: neither did, nor was what the two monotonic clocks gained or lost, longer than the margin of a
	// lease as long as a session timeout, of which the holder leaves a quarter unused.
	LeaseOutlastsStall Precondition = "lease outlasts stall"
	// Fenced: the resource refuses old tokens.
	Fenced Precondition = "fencing"
	// FencedOrNoExpiry: one of the two.
	FencedOrNoExpiry Precondition = "fencing or no expiry"
	// NoExpiry: no session of a participant concerned expired; for recipes with no notice of a loss at all.
	NoExpiry Precondition = "no expiry"
)

// Names of claims.
const (
	ClaimExclusion  = "exclusion"  // at the resource: never hold A, B, A again
	ClaimBelief     = "belief"     // no two participants think at once that they hold
	ClaimTokens     = "tokens"     // no accepted token below one accepted before
	ClaimHandOver   = "hand-over"  // after the last heal every participant is served within a bound
	ClaimOrphans    = "orphans"    // nothing is left behind at the end by holds that are over
	ClaimCounter    = "counter"    // additions are linearizable
	ClaimRegister   = "register"   // writes, reads and compare-and-sets are linearizable
	ClaimTotal      = "total"      // acknowledged <= read at the end <= acknowledged + unknown
	ClaimOrder      = "order"      // no start of a participant reads less than it knew
	ClaimServed     = "served"     // after the last heal everyone's op succeeds within a bound
	ClaimSession    = "session"    // no read goes back within a session
	ClaimOwner      = "owner"      // at the log: no claim of a partition consumes again after another one
	ClaimOffsets    = "offsets"    // committed offsets never go back
	ClaimConsumed   = "consumed"   // no message is passed over, nor consumed twice where the log fences
	ClaimAssignment = "assignment" // at the end everybody owns what the strategy says
	ClaimEpoch      = "epoch"      // at most one leader in an epoch, and epochs never go back
	ClaimFence      = "fence"      // nobody is active before the one before is fenced
	ClaimQuorum     = "quorum"     // commits with a majority, and none without
	ClaimFirst      = "first"      // the first leader of servers that are started one by one
	ClaimImage      = "image"      // no reply within a session is older than one before
	ClaimAcked      = "acked"      // what was acknowledged is in the resource's record
)

// Claim is what a recipe promises, and when. Outside its preconditions a violation of it is a hazard.
type Claim struct {
	Name string         `json:"name"`
	Rule string         `json:"rule"` // in one sentence
	When []Precondition `json:"when,omitempty"`
}
