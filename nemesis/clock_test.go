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
		"clock needs a jump, or a rate other than 1":                            {Kind: Clock, Rate: 1},
		"kill has no jump and no rate":                                          {Kind: Kill, Jump: 1},
		"clock: jump 0s, rate 11: at most 8760h0m0s either way, rate 0.1 to 10": {Kind: Clock, Rate: 11},
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
