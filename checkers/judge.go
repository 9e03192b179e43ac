package checkers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"riven/nemesis"
)

// VerdictVersion of the encoding of Verdict.
const VerdictVersion = 1

// Judge makes the verdict of a run: the worst of what its checks, its faults, its coverage floors and the harness's own
// problems say. A violation always wins; a record that lacks something, nothing judged, a fault asked for that was not seen to be applied, and a floor
// not reached are all inconclusive. The pass sentence tells the first two floors in numbers.
func Judge(in Input, checks []Check, floors []Floor, problems []string) Verdict {
	v := Verdict{Version: VerdictVersion, Checks: checks, Floors: floors}
	reasons := slices.Concat(say(Error, problems...), say(Inconclusive, in.Lacks...), ofChecks(checks), ofFaults(in), ofFloors(floors))
	slices.SortStableFunc(reasons, func(a, b reason) int { return cmp.Compare(b.outcome, a.outcome) })
	for _, r := range reasons {
		v.Reasons = append(v.Reasons, r.text)
		v.Outcome = max(v.Outcome, r.outcome)
	}
	for _, c := range checks {
		v.Outcome = max(v.Outcome, c.Outcome)
	}
	v.Sentence = fmt.Sprintf("%v: %s", v.Outcome, v.headline(in))
	return v
}

// reason for a run not to pass.
type reason struct {
	outcome Outcome
	text    string
}

func say(o Outcome, texts ...string) []reason {
	out := make([]reason, len(texts))
	for i, t := range texts {
		out[i] = reason{o, t}
	}
	return out
}

func ofChecks(checks []Check) []reason {
	if len(checks) == 0 {
		return say(Inconclusive, "nothing was judged")
	}
	var out []reason
	for _, c := range checks {
		if c.Outcome == Inconclusive || c.Outcome == Error {
			out = append(out, reason{c.Outcome, fmt.Sprintf("%s: %s", c.Claim, c.Detail)})
		}
	}
	return out
}

// ofFaults wants the last receipt of every step to say applied. A fault that could not be applied or undone is an
// error even when it was tried again with success: what it left behind is not known.
func ofFaults(in Input) []reason {
	if len(in.Plan.Steps) == 0 && len(in.Spec.Faults) > 0 {
		return say(Inconclusive, fmt.Sprintf("the spec asks for faults (%s) but the plan is empty", strings.Join(in.Spec.Faults, ", ")))
	}
	var out []reason
	last := lastReceipts(in)
	for _, s := range in.Plan.Steps {
		r, ok := last[s.ID]
		name := fmt.Sprintf("fault %s (%s)", s.ID, s.Fault.Kind)
		switch {
		case !ok:
			out = append(out, say(Inconclusive, name+" has no receipt")...)
		case r.Status != nemesis.Applied && r.Status != nemesis.Failed:
			out = append(out, say(Inconclusive, fmt.Sprintf("%s is %s: %s", name, r.Status, r.Why))...)
		}
	}
	for _, r := range in.Receipts {
		if r.Status == nemesis.Failed {
			out = append(out, say(Error, fmt.Sprintf("fault %s (%s) could not be applied or undone: %s", r.Step.ID, r.Step.Fault.Kind, r.Why))...)
		}
	}
	return out
}

// lastReceipts are the receipts that count, by step: a step that was late or unmet is armed again and gets another. One
// that was applied can strike late elsewhere, before it is disarmed there.
func lastReceipts(in Input) map[string]*nemesis.Receipt {
	out := map[string]*nemesis.Receipt{}
	for i := range in.Receipts {
		r := &in.Receipts[i]
		if was := out[r.Step.ID]; was == nil || was.Status != nemesis.Applied || r.Status != nemesis.Late {
			out[r.Step.ID] = r
		}
	}
	return out
}

func ofFloors(floors []Floor) []reason {
	var out []reason
	for _, f := range floors {
		if !f.Met() {
			out = append(out, say(Inconclusive, fmt.Sprintf("too little happened: %s: %d of at least %d", f.Name, f.Got, f.Want))...)
		}
	}
	return out
}

// headline is the sentence of a verdict whose outcome and reasons are known.
func (v Verdict) headline(in Input) string {
	switch v.Outcome {
	case Violation:
		return v.firstViolation()
	case Pass:
		return v.accomplished(in)
	}
	if more := len(v.Reasons) - 1; more > 0 {
		return fmt.Sprintf("%s (and %s)", v.Reasons[0], plural(more, "more reason", "more reasons"))
	}
	return v.Reasons[0]
}

func (v Verdict) firstViolation() string {
	first, more := "", -1
	for _, c := range v.Checks {
		if c.Outcome != Violation {
			continue
		}
		if first == "" {
			first = fmt.Sprintf("%s — %s", c.Claim, c.Detail)
		}
		for _, a := range c.Anomalies {
			if a.Hazard {
				continue
			}
			if more++; more == 0 {
				first = fmt.Sprintf("%s — %s", c.Claim, a.Sentence)
			}
		}
	}
	if more > 0 {
		return fmt.Sprintf("%s (and %s)", first, plural(more, "more anomaly", "more anomalies"))
	}
	return first
}

func (v Verdict) accomplished(in Input) string {
	var did []string
	for _, f := range v.Floors[:min(2, len(v.Floors))] {
		did = append(did, fmt.Sprintf("%d %s", f.Got, f.Name))
	}
	did = append(did, plural(len(in.Plan.Steps), "fault with a receipt", "faults with receipts"))
	hazards := 0
	for _, c := range v.Checks {
		for _, a := range c.Anomalies {
			if a.Hazard {
				hazards++
			}
		}
	}
	did = append(did, plural(len(v.Checks), "claim held", "claims held"))
	if hazards > 0 {
		did = append(did, plural(hazards, "hazard", "hazards")+" outside a claim's preconditions")
	}
	return strings.Join(did, ", ")
}
