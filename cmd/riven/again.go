package main

import (
	"strconv"
	"strings"

	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads/catalogue"
)

// commandLine is what runs the spec again, for a shell. It is empty when flags can not tell the run: it had a plan or
// scripts of its own, or a timing without a name. Then the bundle says how to run it from its own spec and plan.
func commandLine(s spec.Spec, plan *nemesis.Plan) string {
	timing, ok := timingName(s.Timing)
	if plan != nil || s.Scripts != "" || !ok {
		return ""
	}
	def := spec.Default()
	words := []string{"riven", "run", s.Workload, "--recipe=" + s.Recipe}
	add := func(given bool, flag, value string) {
		if given {
			words = append(words, flag+"="+value)
		}
	}
	add(s.Cluster != def.Cluster, "--cluster", s.Cluster)
	add(len(s.Defects) > 0, "--defect", strings.Join(s.Defects, ","))
	add(len(s.Broken) > 0, "--broken", strings.Join(s.Broken, ","))
	add(s.Client != "", "--client", s.Client)
	add(true, "--fencing", strconv.FormatBool(s.Fencing))
	faults := s.Faults
	if len(faults) == 0 {
		faults = []string{"none"}
	}
	add(true, "--faults", strings.Join(faults, ","))
	add(true, "--time", s.Time.D().String())
	add(s.Servers != def.Servers, "--servers", strconv.Itoa(s.Servers))
	add(s.Staged, "--staged", "true")
	usual := catalogue.Complete(spec.Spec{Workload: s.Workload, Recipe: s.Recipe})
	add(s.Participants != usual.Participants, "--participants", strconv.Itoa(s.Participants))
	add(timing != defaultTiming, "--timing", timing)
	add(s.Timing.Session != spec.Timings[timing].Session, "--session", s.Timing.Session.D().String())
	add(s.Hold != def.Hold, "--hold", s.Hold.D().String())
	add(s.Pause != 0, "--pause", s.Pause.D().String())
	for _, p := range s.Pins {
		add(true, "--pin", p.Participant+"="+p.Server)
	}
	add(len(s.Claims) > 0, "--claim", strings.Join(s.Claims, ","))
	add(s.Suite != def.Suite, "--suite", s.Suite)
	add(s.Image != "", "--image", s.Image)
	add(s.Participant != "", "--participant", s.Participant)
	add(true, "--seed", strconv.FormatUint(s.Seed, 10))
	return results.ShellLine(words)
}

// timingName finds the named timing that a spec's is, but for the session timeout, which has a flag of its own.
func timingName(t spec.Timing) (name string, ok bool) {
	for name, known := range spec.Timings {
		if known.Session = t.Session; known == t {
			return name, true
		}
	}
	return "", false
}
