package run

import (
	"fmt"

	"riven/checkers"
	"riven/results"
	"riven/workloads/catalogue"
)

// Judge holds the bundle in dir against the claims of its recipe, and writes verdict, report and summaries into it. It
// needs nothing but the bundle, so any old run can be judged again.
func Judge(dir string) (checkers.Verdict, error) {
	b, err := results.Open(dir)
	if err != nil {
		return checkers.Verdict{}, err
	}
	defer b.Close()
	w, recipe, err := catalogue.Find(b.Spec.Workload, b.Spec.Recipe)
	if err != nil {
		return checkers.Verdict{}, fmt.Errorf("judge %s: %w", dir, err)
	}
	in := checkers.Input{Spec: b.Spec, Plan: b.Plan, Receipts: b.Receipts, History: b.History, Claims: recipe.Claims}
	v := checkers.Judge(in, w.Judge(in), w.Floors(in), b.Problems())
	if err := results.WriteAll(b, v); err != nil {
		return v, fmt.Errorf("write the results of %s: %w", dir, err)
	}
	return v, nil
}
