package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// Cell names the kind of run that spec and plan describe, whatever its seed: runs of one cell can be compared. It is a
// path without blanks: workload, recipe, cluster, suite, servers x participants, faults, then what is not as usual.
//
//	lock/curator/docker/bookworm/3x4/partition+kill+pause
//	lock/curator/docker/bookworm/3x3/none/defect=sort-by-name/fencing=off/time=8s/hold=500ms
func Cell(s spec.Spec, p nemesis.Plan) string {
	word := strings.NewReplacer("/", "-", " ", "-").Replace
	parts := []string{s.Workload, s.Recipe, s.Cluster, word(cmp.Or(s.Image, s.Suite)), fmt.Sprintf("%dx%d", s.Servers, s.Participants), Policy(s, p)}
	add := func(unusual bool, name, value string) {
		if unusual {
			parts = append(parts, name+"="+word(value))
		}
	}
	usual := spec.Default()
	add(len(s.Defects) > 0, "defect", strings.Join(slices.Sorted(slices.Values(s.Defects)), "+"))
	add(len(s.Broken) > 0, "broken", strings.Join(slices.Sorted(slices.Values(s.Broken)), "+"))
	add(s.Client != "", "client", s.Client)
	add(s.Participant != "", "participant", s.Participant)
	scripts := sha256.Sum256([]byte(s.Scripts))
	add(s.Scripts != "", "scripts", fmt.Sprintf("%x", scripts[:4]))
	add(!s.Fencing, "fencing", "off")
	add(s.Staged, "staged", "on")
	timing, session := timingOf(s.Timing)
	add(timing != "fast", "timing", timing)
	add(s.Timing.Session != session, "session", s.Timing.Session.D().String())
	add(s.Time != usual.Time, "time", s.Time.D().String())
	add(s.Hold != usual.Hold, "hold", s.Hold.D().String())
	add(s.Pause != 0, "pause", s.Pause.D().String())
	roles := catalogue.Complete(spec.Spec{Workload: s.Workload, Recipe: s.Recipe, Participants: s.Participants}).Roles
	if !slices.Equal(roles, s.Roles) {
		for _, r := range s.Roles {
			add(true, "role", fmt.Sprintf("%s:%d", r.Name, r.Count))
		}
	}
	for _, pin := range s.Pins {
		add(true, "pin", pin.Participant+":"+pin.Server)
	}
	add(len(s.Claims) > 0, "claim", strings.Join(slices.Sorted(slices.Values(s.Claims)), "+"))
	return strings.Join(parts, "/")
}

// Policy says where a run's faults come from: the kinds that a plan is drawn from, none, or a plan of its own by its hash.
func Policy(s spec.Spec, p nemesis.Plan) string {
	if p.Policy == "file" {
		steps, err := json.Marshal(p.Steps)
		if err != nil { // steps came from JSON
			panic(fmt.Sprintf("a plan that can not be encoded: %v", err))
		}
		sum := sha256.Sum256(steps)
		return fmt.Sprintf("plan-%x", sum[:4])
	}
	return PolicyOf(s.Faults)
}

// PolicyOf is the policy of kinds of faults, in the order in which kinds are listed to people.
func PolicyOf(faults []string) string {
	var names []string
	for _, k := range nemesis.Kinds {
		if slices.Contains(faults, string(k)) {
			names = append(names, string(k))
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "+")
}

// timingOf is the name of the timing, but for its session, and that session; one without a name is told in figures.
func timingOf(t spec.Timing) (name string, session spec.Duration) {
	for _, name := range slices.Sorted(maps.Keys(spec.Timings)) {
		known := spec.Timings[name]
		session := known.Session
		if known.Session = t.Session; known == t {
			return name, session
		}
	}
	return fmt.Sprintf("%d-%d-%d", t.TickTime, t.InitLimit, t.SyncLimit), 0
}
