package run

import (
	"fmt"

	"riven/checkers"
	"riven/results"
	"riven/workloads"
	"riven/workloads/catalogue"
)

// checks are those of the workload, and what the servers promise to every session.
func checks(w workloads.Workload, in checkers.Input) []checkers.Check {
	return append(w.Judge(in), checkers.Image(in))
}

// Judge holds the bundle in dir against the claims of its recipe, and writes verdict, report and summaries into it. It
// needs nothing but the bundle, so any old run can be judged again.
func Judge(dir string) (*results.Bundle, error) {
	b, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	w, recipe, err := catalogue.Find(b.Spec.Workload, b.Spec.Recipe)
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", dir, err)
	}
	in := b.Input(recipe.Native, recipe.Claims)
	in = in.Once()
	v := checkers.Judge(in, checks(w, in), w.Floors(in), b.Meta.Problems)
	if err := b.WriteAll(v); err != nil {
		return nil, fmt.Errorf("write the results of %s: %w", dir, err)
	}
	return b, nil
}
