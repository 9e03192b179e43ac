package nemesis

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

// TestSearchers: every plan fits its run, and is the same for the same seed; seeds and searchers differ.
func TestSearchers(t *testing.T) {
	for _, workload := range []string{"lock", "counter", "election", "rebalance"} {
		s := spec.Default()
		s.Workload, s.Faults = workload, nil
		if workload == "election" {
			s.Roles = []spec.Role{{Name: "controller", Count: 2}, {Name: "service", Count: 2}, {Name: "client", Count: 2}, {Name: "journal", Count: 1}}
		}
		if workload == "rebalance" {
			s.Roles = []spec.Role{{Name: "consumer", Count: 3}, {Name: "producer", Count: 1}}
		}
		for _, x := range Searchers() {
			steps := 0
			for s.Seed = range uint64(200) {
				p := x.Draw(s)
				require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()), "%s %s seed %d", workload, x.Name, s.Seed)
				require.Equal(t, p, x.Draw(s))
				for _, step := range p.Steps {
					require.Less(t, step.At, s.Time)
				}
				steps += len(p.Steps)
			}
			require.Greater(t, steps, 150, "%s %s", workload, x.Name)
		}
	}
}

// TestSearchersKeepToKinds: a search that is to plan some kinds of faults plans no others.
func TestSearchersKeepToKinds(t *testing.T) {
	for _, only := range Kinds {
		s := spec.Default()
		s.Faults = []string{string(only)}
		if only == Slow {
			s.Workload, s.Recipe = "election", "zkfc"
			s.Roles = []spec.Role{{Name: "controller", Count: 2}, {Name: "service", Count: 2}, {Name: "client", Count: 2}, {Name: "journal", Count: 1}}
		}
		for _, x := range Searchers() {
			for s.Seed = range uint64(50) {
				for _, step := range x.Draw(s).Steps {
					require.Equal(t, only, step.Fault.Kind, "%s seed %d", x.Name, s.Seed)
				}
			}
		}
	}
}
