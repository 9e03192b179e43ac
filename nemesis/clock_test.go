package nemesis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

func TestValidateClock(t *testing.T) {
	for want, f := range map[string]Fault{
		"": {Kind: Clock, Jump: spec.Duration(-time.Hour), Rate: 0.5},
		"clock needs a jump, or a rate other than 1":                                                               {Kind: Clock, Rate: 1},
		"kill has no jump and no rate":                                                                             {Kind: Kill, Jump: 1},
		"clock: jump 0s, rate 11: at most 8760h0m0s either way, rate 0.1 to 10":                                    {Kind: Clock, Rate: 11},
		"mono-rate: jump 1ns, rate 2: needs a rate of 0.1 to 10 other than 1, and a monotonic clock does not jump": {Kind: MonoRate, Jump: 1, Rate: 2},
		"mono-rate: jump 0s, rate 0: needs a rate of 0.1 to 10 other than 1, and a monotonic clock does not jump":  {Kind: MonoRate},
	} {
		f.Target = Target{Role: Waiter}
		err := f.validate([]string{"zk1"}, []string{"p1"})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}

// TestMonoRateOfServer: it can not be had, and the plan says so at once.
func TestMonoRateOfServer(t *testing.T) {
	for _, target := range []Target{{Role: Leader}, {Role: HolderServer}, {Node: "zk1"}} {
		err := Fault{Kind: MonoRate, Rate: 2, Target: target}.validate([]string{"zk1"}, []string{"p1"})
		require.EqualError(t, err, "mono-rate needs a participant as its target: a server's JVM waits for absolute times of the kernel's own clock")
	}
	require.NoError(t, Fault{Kind: MonoRate, Rate: 2, Target: Target{Node: "p1"}}.validate([]string{"zk1"}, []string{"p1"}))
}

func TestPlannedMonoRatesAreValid(t *testing.T) {
	for _, workload := range []string{"lock", "counter", "register"} {
		s := spec.Default()
		s.Workload, s.Faults = workload, []string{string(MonoRate)}
		for seed := range uint64(20) {
			s.Seed = seed
			p, err := NewPlan(s)
			require.NoError(t, err, "seed %d", seed)
			require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()), "seed %d", seed)
			require.True(t, p.Has(MonoRate))
		}
	}
}

func TestPlannedClocksAreValid(t *testing.T) {
	s := spec.Default()
	s.Faults = []string{string(Clock)}
	jumps, rates := 0, 0
	for seed := range uint64(50) {
		s.Seed = seed
		p, err := NewPlan(s)
		require.NoError(t, err, "seed %d", seed)
		require.NoError(t, p.Validate(s.ServerNames(), s.ParticipantNames()), "seed %d", seed)
		require.True(t, p.Has(Clock))
		for _, st := range p.Steps {
			if st.Fault.Jump != 0 {
				jumps++
			}
			if st.Fault.Rate != 0 {
				rates++
			}
		}
	}
	require.Positive(t, jumps)
	require.Positive(t, rates)
}
