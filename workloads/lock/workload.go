package lock

import (
	"time"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

const (
	// Root is the parent of every node of the lock.
	Root = "/lock"
	// Register is the name of the resource that the lock protects.
	Register = "register"
)

// Ops of the workload.
const (
	Acquire = "acquire" // OK: Hold and Token; Fail: surely not held
	Work    = "work"    // N ms of accesses under the hold; OK: N is how many were accepted, Text "lost" if the hold was
	Release = "release" // OK: Hold and Token; Fail: nothing was held
	List    = "list"    // OK: N children of Root, Text their sorted names
)

// Errors and texts that completions carry.
const (
	NotHeld = "not held" // of work and release
	Lost    = "lost"     // of work: the hold was known to be lost before its time was over
)

// Workload is the lock workload.
func Workload() workloads.Workload {
	return workloads.Workload{
		Name:         "lock",
		Doc:          "Participants take turns at a lock in ZooKeeper and write to a register while they hold it.",
		Recipes:      []workloads.Recipe{curatorRecipe(), ephemeralRecipe(), leaseRecipe(), nativeRecipe(), foreignRecipe()},
		Participants: 4,
		Ops:          ops,
		Quiet:        quiet,
		Bound:        checkers.HandOverBound,
		Last:         history.Op{F: List},
		Settled:      func(e history.Event) bool { return e.Type == history.OK && e.N == 0 },
		Resource:     newRegister,
		Judge:        judge,
		Floors:       checkers.LockFloors,
	}
}

func judge(in checkers.Input) []checkers.Check {
	return []checkers.Check{
		checkers.Exclusion(in), checkers.Tokens(in), checkers.Belief(in), checkers.HandOver(in), checkers.Orphans(in),
	}
}

// nativeRecipe is go-zookeeper's own lock; its participant does not run here, since the library blocks by itself.
func nativeRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name:   "zk.Lock",
		Native: true,
		Doc: "go-zookeeper's Lock as the library has it: a protected ephemeral sequential node, watching the predecessor. " +
			"It does not tell its user that the session was lost, has no bound on waiting, and gives no fencing token but the node's czxid.",
		Claims: claimsWithoutNotice(),
	}
}

// foreignRecipe is a participant that somebody else has made: nothing is known of how it locks.
func foreignRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "foreign",
		Doc: "A participant of your own, from a container image that speaks the participant protocol (--participant IMAGE), " +
			"held to what every lock promises.",
		Claims: claimsWithoutNotice(),
	}
}

// Patience is how long an acquire waits before it cleans up and fails: a session timeout longer than everybody must be
// served within after the last heal. So nobody fails for being last in the queue or for waiting behind a stalled holder,
// and an acquire that fails when there are no faults is one that was not served in time.
func Patience(s spec.Spec) time.Duration { return checkers.HandOverBound(s) + s.Timing.Session.D() }

// Pace is the time between two accesses of a hold that works for that long: at least two accesses fit.
func Pace(work time.Duration) time.Duration { return min(50*time.Millisecond, work/2) }
