package checkers

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutcomesReadBack(t *testing.T) {
	want := []Outcome{Pass, Inconclusive, Error, Violation}
	b, err := json.Marshal(want)
	require.NoError(t, err)
	require.Equal(t, `["pass","inconclusive","error","violation"]`, string(b))
	var got []Outcome
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, want, got)

	var unknown *UnknownOutcomeError
	require.ErrorAs(t, new(Outcome).UnmarshalText([]byte("maybe")), &unknown)
	require.Equal(t, &UnknownOutcomeError{"maybe"}, unknown)
}

func TestNothingJudged(t *testing.T) {
	require.Equal(t, Verdict{
		Version: VerdictVersion, Outcome: Inconclusive, Sentence: "inconclusive: nothing was judged", Reasons: []string{"nothing was judged"},
	}, Judge(Input{}, nil, nil, nil))
}

// What a torn record does not show may have been wrong; what it does show was.
func TestATornRecordIsNoPass(t *testing.T) {
	in := Input{Lacks: []string{"history truncated"}}
	good, bad := []Check{{Claim: "exclusion"}}, []Check{{Claim: "exclusion", Outcome: Violation, Detail: "two at once"}}
	v := Judge(in, good, nil, nil)
	require.Equal(t, Inconclusive, v.Outcome)
	require.Equal(t, "inconclusive: history truncated", v.Sentence)
	require.Equal(t, Violation, Judge(in, bad, nil, nil).Outcome)
}

func TestHazardsAreCountedInAPass(t *testing.T) {
	checks := []Check{{Claim: ClaimBelief, Anomalies: []Anomaly{{Hazard: true}, {Hazard: true}}}}
	floors := []Floor{{"acquisitions", 1, 7}, {"hand-overs", 1, 3}, {"accesses accepted", 1, 9}}
	require.Equal(t, Verdict{
		Version: VerdictVersion, Outcome: Pass, Checks: checks, Floors: floors,
		Sentence: "pass: 7 acquisitions, 3 hand-overs, 0 faults with receipts, 1 claim held, 2 hazards outside a claim's preconditions",
	}, Judge(Input{}, checks, floors, nil))
}
