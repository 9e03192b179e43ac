package checkers

// Operations of the lock workload.
const (
	OpAcquire = "acquire" // OK carries Hold and Token
	OpWork    = "work"    // accesses under the present hold
	OpRelease = "release" //
	OpList    = "list"    // OK carries the number N of the lock's children and their names in Text; it must not be stale
)

// Operations of the counter workload.
const (
	OpAdd   = "add"   // N = 1; OK carries the value N that it made
	OpRead  = "read"  // OK carries a value N, not older than what the participant knew
	OpTotal = "total" // OK carries the value N; it must not be stale
)

// Operations of the register workload, besides OpRead, OpWrite and OpCas.
const (
	OpGet     = "get"      // OK carries value N and version Token as a server had them; Hold is the session
	OpSyncGet = "sync-get" // the same after a sync
)

// Operations of the rebalance workload.
const (
	OpDrain  = "drain"  // OK: everything that was produced before is consumed
	OpOwners = "owners" // OK: the group as Unassigned reads it
	OpGrow   = "grow"   // OK: the topic has another partition, unless it has all that it may have
	OpBroker = "broker" // OK: a broker has gone or come
)

// Operations of the election workload.
const (
	OpWrite = "write" // N, unique in the run; OK: it was taken
	OpPut   = "put"   // OK: the ensemble has committed it
)

// Operations of a register, beside OpRead and OpWrite. Key is which register. Token of an OK is the version that the op made or saw,
// from 1, 0 where versions are not told or there is none; Text is the zxid of the creation or deletion since which it counts, where
// that is told. A read is told the value N, 0 where nobody has written or it was deleted.
const (
	OpCas    = "cas"    // N, to replace what is in Token: a version if versions are told, else a value
	OpCreate = "create" // N, unique in the run; OK: it is version 1
	OpDelete = "delete" // OK: the register is gone
)

// Text of a refused op of a register: what was seen instead.
const (
	RefusedExists  = "exists"
	RefusedMissing = "missing"
	RefusedChanged = "changed" // there, with another version than Token
)

// rules are said for recipes whose claim has no rule of its own.
var rules = map[string]string{
	ClaimExclusion:  "the resource never accepts an access of a hold again once it has accepted one of another hold",
	ClaimBelief:     "no two participants believe at the same time that they hold the lock",
	ClaimTokens:     "the resource never accepts a token below one that it has accepted before",
	ClaimHandOver:   "after the last heal every participant gets the lock within a bound",
	ClaimOrphans:    "nothing is left under the lock when nobody holds it or waits for it",
	ClaimCounter:    "additions can be put in one order that keeps to real time, in which each was told the value that it made",
	ClaimRegister:   "writes, reads and compare-and-sets can be put in one order that keeps to real time and explains what each was told",
	ClaimTotal:      "the counter is never read lower than what was acknowledged, nor higher than that and what is unknown",
	ClaimOrder:      "no start of a participant reads less than it has read or made before",
	ClaimSession:    "within a session no read shows an older version than one seen before",
	ClaimOwner:      "the log never lets a claim of a partition consume again once it has let another one",
	ClaimOffsets:    "the committed offset of a partition never goes back",
	ClaimConsumed:   "no message is passed over, and where the log fences none is consumed twice",
	ClaimAssignment: "when nothing changes any more everybody owns what the strategy gives it",
	ClaimEpoch:      "no epoch has two leaders, and no leader comes with an epoch below one before",
	ClaimFence:      "nobody becomes active before the one before has resigned or has been fenced",
	ClaimAcked:      "every write that was acknowledged is in the resource's record",
	ClaimQuorum:     "nothing is committed while a majority of the servers is dead, and something is while one runs undisturbed",
	ClaimFirst:      "servers that are started one by one are led by the one that makes the majority",
	ClaimImage:      "within a session no reply of a server is older than one before",
	ClaimServed:     "after the last heal everyone's addition is acknowledged within a bound",
}

// promise is a claim as this run is held to it.
type promise struct {
	Claim
	made     bool // by the recipe, or insisted on
	insisted bool // judged without its preconditions
}

func (in Input) promise(name string) promise {
	p := promise{Claim: Claim{Name: name}, insisted: in.Spec.Insists(name)}
	p.made = p.insisted
	for _, c := range in.Claims {
		if c.Name == name {
			p.Claim, p.made = c, true
		}
	}
	if p.Rule == "" {
		p.Rule = rules[name]
	}
	return p
}

// blame is where a lock that was not exclusive went wrong: nothing in the resource's record speaks against the servers.
func (in Input) blame() Place {
	if in.Native {
		return Library
	}
	return Recipe
}
