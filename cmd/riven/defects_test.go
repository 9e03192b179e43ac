//go:build docker || accept

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/checkers"
)

// armed is a defect with the settings and the plan that expose it.
type armed struct {
	recipe, defect string // a recipe of the lock workload, or WORKLOAD/RECIPE
	args           string
	plan           string   // steps in JSON; empty: no faults
	breaks         []string // one of these claims must be violated
}

// Sessions are short where a hold must outlast one.
const (
	quick   = "--time 8s --participants 3 --hold 500ms"
	outlast = "--time 14s --participants 3 --session 800ms --hold 2400ms --fencing=false"
)

var (
	stuck   = []string{checkers.ClaimHandOver, checkers.ClaimOrphans}
	overlap = []string{checkers.ClaimExclusion, checkers.ClaimTokens}
)

// step writes one step of a plan.
func step(id, at, length, on, fault string) string {
	if on != "" {
		on = `"on": ` + on + `, `
	}
	return fmt.Sprintf(`{"id": %q, "at": %q, "for": %q, %s"fault": %s}`, id, at, length, on, fault)
}

const (
	midHold    = `{"event": "acquired", "after": "150ms"}`
	holder     = `"target": {"role": "holder"}}`
	p1         = `"target": {"node": "p1"}}`
	lateInHold = `{"event": "acquired", "after": "800ms"}`
)

var defects = slices.Concat(holding, registers, failovers, rebalances)

var holding = []armed{
	{"curator", "leave-suspended", quick, step("f1", "1s", "1s", midHold, `{"kind": "kill", "target": {"role": "holder-server"}}`), stuck},
	{"curator", "unprotected-create", quick, step("f1", "1s", "4s", "", `{"kind": "lose-reply", "op": "create", `+p1), stuck},
	{"curator", "search-once", quick, step("f1", "1s", "5s", "", `{"kind": "lose-reply", "op": "create", `+p1) + "," +
		step("f2", "1s", "5s", "", `{"kind": "lose-reply", "op": "setData", `+p1), stuck},
	{"curator", "release-lowest", quick + " --fencing=false", step("f1", "1s", "5s", "", `{"kind": "lose-reply", "op": "delete", "count": 3, `+p1), overlap},
	{"curator", "watch-lowest", quick + " --fencing=false", "", overlap},
	{"curator", "predecessor-gone", outlast, step("f1", "2s", "3s", lateInHold, `{"kind": "kill", "target": {"role": "waiter"}}`) + "," +
		step("f2", "8s", "3s", lateInHold, `{"kind": "kill", "target": {"role": "waiter", "pick": 1}}`), overlap},
	{"curator", "sort-by-name", quick + " --fencing=false", "", overlap},
	{"curator", "persistent-node", quick, step("f1", "1s", "1s", midHold, `{"kind": "kill", `+holder), stuck},
	{"curator", "no-token", quick + " --session 1s", step("f1", "1s", "2s", midHold, `{"kind": "pause", `+holder), []string{checkers.ClaimExclusion}},
	{"curator", "session-token", quick + " --fencing=false", "", []string{checkers.ClaimTokens}},
	{"curator", "ignore-loss", outlast, step("f1", "2s", "2400ms", midHold, `{"kind": "partition", "shape": "from-servers", `+holder), overlap},
	{"curator", "ignore-suspended", outlast, step("f1", "2s", "2s", midHold, `{"kind": "partition", "shape": "from-servers", `+holder), overlap},
	{"lease", "wall-clock", "--time 10s --participants 3 --session 1s --hold 2s --fencing=false", step("f1", "1s", "7s", midHold, `{"kind": "clock", "jump": "1m", "target": {"role": "waiter"}}`), overlap},
	{"ephemeral", "check-then-create", quick + " --fencing=false", "", overlap},
	{"ephemeral", "loss-is-failure", quick, step("f1", "1s", "4s", "", `{"kind": "lose-reply", "op": "create", `+p1), stuck},
	{"ephemeral", "release-any", quick + " --fencing=false", step("f1", "1s", "5s", "", `{"kind": "lose-reply", "op": "delete", "count": 3, `+p1), overlap},
	{"ephemeral", "persistent-node", quick, step("f1", "1s", "1s", midHold, `{"kind": "kill", `+holder), stuck},
	{"counter/cas", "any-version", counting, "", miscounted},
	{"counter/cas", "blind-retry", counting, lostSets, miscounted},
	{"counter/cas", "loss-is-success", counting, step("f1", "2s", "2s", "", `{"kind": "partition", "shape": "from-peers", "target": {"role": "leader"}}`), miscounted},
	{"counter/cas", "loss-is-failure", counting, lostSets, miscounted},
	{"counter/cas", "two-sessions", counting + " --pin p1=follower,p1=leader", step("f1", "1s", "1500ms", "", `{"kind": "lose-reply", "op": "setData", `+p1) + "," +
		step("f2", "3s", "2s", "", `{"kind": "partition", "shape": "from-peers", "target": {"role": "follower"}}`), []string{checkers.ClaimOrder}},
}

// Scenarios of the counter. What p1 reads is at the follower, what it adds goes to the leader once a reply was lost.
const counting = "--time 8s --participants 3"

var (
	lostSets   = step("f1", "1s", "4s", "", `{"kind": "lose-reply", "op": "setData", "count": 8, `+p1)
	miscounted = []string{checkers.ClaimCounter, checkers.ClaimTotal}
)

// Failovers. Which controller is active first is not known: what is done to the one is done to the other.
const (
	failingOver = "--time 9s --session 1s"
	twoSeconds  = "--time 11s" // of the session, so that a belief is not excused by a follower's timeout
	active      = `"target": {"role": "active"}}`
)

// noFenceReaches cuts each controller from what it would fence the other's service with.
func noFenceReaches(length, peers1, peers2 string) string {
	return step("c1", "0s", length, "", `{"kind": "partition", "shape": "from-nodes", "peers": [`+peers1+`], "target": {"node": "controller1"}}`) + "," +
		step("c2", "0s", length, "", `{"kind": "partition", "shape": "from-nodes", "peers": [`+peers2+`], "target": {"node": "controller2"}}`)
}

// offAndOn cuts p1's follower off for half a second, again and again: p1 sees something old only if what it does first
// is to read what has just been written.
var offAndOn = func() string {
	var steps []string
	for i := range 5 {
		at := fmt.Sprintf("%dms", 1000+1200*i)
		steps = append(steps, step(fmt.Sprintf("f%d", i+1), at, "500ms", "", `{"kind": "partition", "shape": "from-peers", "target": {"role": "follower"}}`))
	}
	return strings.Join(steps, ",")
}()

// Registers: p1 reads at a follower that is cut off, or loses replies.
var registers = []armed{
	{"register/znode", "plain-read", counting + " --pin p1=follower", offAndOn, []string{checkers.ClaimRegister}},
	{"register/znode", "blind-retry", counting, lostSets, []string{checkers.ClaimRegister}},
	{"register/znode", "loss-is-failure", counting, lostSets, []string{checkers.ClaimRegister}},
}

var failovers = []armed{
	{"election/zkfc", "no-fencing", failingOver, step("f1", "1s", "3s", "", `{"kind": "kill", `+active), []string{checkers.ClaimFence}},
	{"election/zkfc", "ignore-fence-failure", failingOver, noFenceReaches("7s", `"service2", "journal1"`, `"service1", "journal1"`) + "," +
		step("f1", "1s", "4s", "", `{"kind": "partition", "shape": "from-servers", `+active), []string{checkers.ClaimFence}},
	{"election/zkfc", "exists-is-other", failingOver, step("l1", "0s", "7s", "", `{"kind": "lose-reply", "op": "create", "count": 9, "target": {"node": "controller1"}}`) + "," +
		step("l2", "0s", "7s", "", `{"kind": "lose-reply", "op": "create", "count": 9, "target": {"node": "controller2"}}`) + "," +
		step("f1", "1s", "2s", "", `{"kind": "pause", `+active), []string{checkers.ClaimServed}},
	{"election/zkfc", "crumb-deleted", failingOver, step("f1", "1s", "2s", "", `{"kind": "pause", "target": {"node": "service1"}}`) + "," +
		step("f2", "5s", "2s", "", `{"kind": "pause", "target": {"node": "service2"}}`), []string{checkers.ClaimFence}},
	{"election/zkfc", "cached-leadership", twoSeconds, step("f1", "1s", "6s", "", `{"kind": "partition", "shape": "from-servers", `+active), []string{checkers.ClaimBelief}},
	{"election/zkfc", "zombie", twoSeconds, noFenceReaches("9s", `"service2"`, `"service1"`) + "," + step("f1", "1s", "1s", "", `{"kind": "kill", `+active) + "," +
		step("z1", "1s", "3s", `{"event": "note", "note": "fencing", "node": "controller1"}`, `{"kind": "partition", "shape": "from-servers", "target": {"node": "controller1"}}`) + "," +
		step("z2", "1s", "3s", `{"event": "note", "note": "fencing", "node": "controller2"}`, `{"kind": "partition", "shape": "from-servers", "target": {"node": "controller2"}}`), []string{checkers.ClaimBelief}},
}

// Rebalances. Without fencing the log gives everything to everybody.
const (
	sharing = "--time 10s --session 1s"
	loose   = "--time 10s --fencing=false"
	owner   = `"target": {"role": "owner"}}`
)

// ownersLost keeps an owner from the servers, and later to two at once: one that happens to leave meanwhile, in good order, shows nothing.
func ownersLost(length, fault string) string {
	return step("f1", "2s", length, "", fault+owner) + "," + step("f2", "7s", length, "", fault+owner) + "," +
		step("f3", "7s", length, "", fault+`"target": {"role": "owner", "pick": 1}}`)
}

const cutOff = `{"kind": "partition", "shape": "from-servers", `

var rebalances = []armed{
	{"rebalance/high-level", "fetchers-not-stopped", loose, "", []string{checkers.ClaimOwner, checkers.ClaimBelief}},
	{"rebalance/high-level", "owner-overwritten", "--time 12s --session 4s --fencing=false", ownersLost("2s", cutOff), []string{checkers.ClaimOwner, checkers.ClaimBelief}},
	{"rebalance/high-level", "unsorted", sharing, "", []string{checkers.ClaimAssignment, checkers.ClaimServed}},
	{"rebalance/high-level", "old-set-kept", sharing + " --fencing=false", ownersLost("2500ms", cutOff), []string{checkers.ClaimOwner, checkers.ClaimAssignment, checkers.ClaimServed}},
	{"rebalance/high-level", "unconditional-commit", sharing, ownersLost("2500ms", cutOff), []string{checkers.ClaimOffsets}},
}

// names are the workload and the recipe.
func (a armed) names() (workload, recipe string) {
	if workload, recipe, named := strings.Cut(a.recipe, "/"); named {
		return workload, recipe
	}
	return "lock", a.recipe
}

// run makes the run of the scenario with a seed, with the defect or without.
func (a armed) run(t testing.TB, seed int, with bool) outcome {
	workload, _ := a.names()
	return runWorkload(t, workload, a.command(t, seed, with)...)
}

// command is the arguments of that run.
func (a armed) command(t testing.TB, seed int, with bool) []string {
	_, recipe := a.names()
	args := append(strings.Fields(a.args), "--recipe", recipe, "--seed", fmt.Sprint(seed))
	if with {
		args = append(args, "--defect", a.defect)
	}
	if a.plan == "" {
		return append(args, "--faults", "none")
	}
	file := filepath.Join(t.TempDir(), a.defect+".json")
	require.NoError(t, os.WriteFile(file, []byte(`{"steps": [`+a.plan+`]}`), 0o644))
	return append(args, "--plan", file)
}

// violated are the claims that the verdict says are violated.
func violated(v checkers.Verdict) (claims []string) {
	for _, c := range v.Checks {
		if c.Outcome == checkers.Violation {
			claims = append(claims, c.Claim)
		}
	}
	return claims
}

// breaksOwn tells whether one of the claims is violated that the defect is to violate.
func (a armed) breaksOwn(v checkers.Verdict) bool {
	return slices.ContainsFunc(violated(v), func(c string) bool { return slices.Contains(a.breaks, c) })
}
