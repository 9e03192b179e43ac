package results

import (
	"slices"

	"riven/checkers"
	"riven/harness/spec"
	"riven/workloads/catalogue"
)

// ViolatedClaims are the claims that the verdict says are violated.
func ViolatedClaims(v checkers.Verdict) (claims []string) {
	for _, c := range v.Checks {
		if c.Outcome == checkers.Violation {
			claims = append(claims, c.Claim)
		}
	}
	return claims
}

// Finds tells whether the violation of these claims is that of a defect that is switched on in the spec: a canary sings when its
// own claim is broken, not when anything is.
func Finds(s spec.Spec, claims []string) bool {
	_, r, err := catalogue.Find(s.Workload, s.Recipe)
	if err != nil {
		return false
	}
	for _, d := range r.Defects {
		if slices.Contains(s.Defects, d.Name) && slices.ContainsFunc(claims, func(c string) bool { return slices.Contains(d.Breaks, c) }) {
			return true
		}
	}
	return false
}
