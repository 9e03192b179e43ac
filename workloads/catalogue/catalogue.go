package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads"
	"riven/workloads/conformance"
	"riven/workloads/counter"
	"riven/workloads/election"
	"riven/workloads/lock"
	"riven/workloads/rebalance"
	"riven/workloads/register"
)

// All are the workloads there are, in the order in which they are listed to people.
func All() []workloads.Workload {
	return []workloads.Workload{lock.Workload(), register.Workload(), counter.Workload(), election.Workload(), rebalance.Workload()}
}

// hidden are workloads that are listed nowhere.
func hidden() []workloads.Workload { return []workloads.Workload{conformance.Workload()} }

// UnknownError is a name that is not in the catalogue.
type UnknownError struct {
	What  string   // "workload", "recipe of lock", …
	Name  string   // as it was asked for
	Known []string // names that would do
}

func (e *UnknownError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("unknown %s %q: there is none", e.What, e.Name)
	}
	text := fmt.Sprintf("unknown %s %q (know %s)", e.What, e.Name, strings.Join(e.Known, ", "))
	if near := nearest(e.Name, e.Known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return text
}

// Find looks a workload and one of its recipes up. The error is an UnknownError.
func Find(workload, recipe string) (workloads.Workload, workloads.Recipe, error) {
	var known []string
	for _, w := range append(All(), hidden()...) {
		if w.Name == workload {
			r, err := findRecipe(w, recipe)
			return w, r, err
		}
	}
	for _, w := range All() {
		known = append(known, w.Name)
	}
	return workloads.Workload{}, workloads.Recipe{}, &UnknownError{"workload", workload, known}
}

// Complete gives the spec the nodes that its workload needs, and the number of participants that is usual there if it
// has none. A name that is not known is for Validate to tell.
func Complete(s spec.Spec) spec.Spec {
	w, _, err := Find(s.Workload, s.Recipe)
	if err != nil {
		w = lock.Workload()
	}
	if s.Participants == 0 {
		s.Participants = w.Participants
	}
	if s.Roles == nil && w.Roles != nil {
		s.Roles = w.Roles(s.Recipe, s.Participants)
	}
	return s
}

// FirstRecipe is the name of the recipe that a workload runs when none is asked for; empty if there is no such workload.
func FirstRecipe(workload string) string {
	for _, w := range append(All(), hidden()...) {
		if w.Name == workload {
			return w.Recipes[0].Name
		}
	}
	return ""
}

func findRecipe(w workloads.Workload, name string) (workloads.Recipe, error) {
	if r, ok := w.Recipe(name); ok {
		return r, nil
	}
	var known []string
	for _, r := range w.Recipes {
		known = append(known, r.Name)
	}
	return workloads.Recipe{}, &UnknownError{"recipe of " + w.Name, name, known}
}

// Validate checks the names in the spec: workload, recipe, defects, claims and faults.
func Validate(s spec.Spec) error {
	_, r, err := Find(s.Workload, s.Recipe)
	if err != nil {
		return err
	}
	switch {
	case r.Foreign() && s.Participant == "":
		return fmt.Errorf("recipe %s of %s needs the participants' container image (--participant IMAGE)", r.Name, s.Workload)
	case !r.Foreign() && s.Participant != "":
		return fmt.Errorf("recipe %s of %s runs in riven's own participant, not in %s: want the recipe foreign", r.Name, s.Workload, s.Participant)
	}
	var defects, claims, faults []string
	for _, d := range r.Defects {
		defects = append(defects, d.Name)
	}
	for _, c := range r.Claims {
		claims = append(claims, c.Name)
	}
	for _, k := range nemesis.Kinds {
		faults = append(faults, string(k))
	}
	if err := allKnown("fault", s.Faults, faults); err != nil {
		return err
	}
	if err := allKnown("defect of "+r.Name, s.Defects, defects); err != nil {
		return err
	}
	return allKnown("claim of "+r.Name, s.Claims, claims)
}

func allKnown(what string, names, known []string) error {
	for _, n := range names {
		if !slices.Contains(known, n) {
			return &UnknownError{what, n, known}
		}
	}
	return nil
}
