package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"riven/harness/config"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// Axes select cells, in campaigns and in policies: each that is given names the values that will do.
type Axes struct {
	Recipe  []config.At[string] `yaml:"recipe"` // WORKLOAD/RECIPE; WORKLOAD/* for all of a workload
	Servers []config.At[int]    `yaml:"servers"`
	Suite   []config.At[string] `yaml:"suite"`
	Cluster []config.At[string] `yaml:"cluster"`
	Faults  []config.At[string] `yaml:"faults"` // partition+kill, none, or plan:FILE
	// Container images: of the servers, instead of a suite, and of the participants of a foreign recipe.
	Image       []config.At[string] `yaml:"image"`
	Participant []config.At[string] `yaml:"participant"`
}

// Selector tells whether the cell of a run is among those selected.
type Selector func(spec.Spec, nemesis.Plan) bool

// Selector checks the names and reads the plans, which lie relative to the folder of the file. Errors are *config.Error.
func (a Axes) Selector(file, key string) (Selector, error) {
	var recipes [][2]string
	for _, r := range a.Recipe {
		found, err := Recipes(r.V)
		if err != nil {
			return nil, &config.Error{File: file, Line: r.Line, Key: key + "recipe", Why: err.Error()}
		}
		recipes = append(recipes, found...)
	}
	var policies []string
	for _, f := range a.Faults {
		faults, plan, err := Faults(f.V, filepath.Dir(file))
		if err != nil {
			return nil, &config.Error{File: file, Line: f.Line, Key: key + "faults", Why: err.Error()}
		}
		if plan != nil {
			policies = append(policies, Policy(spec.Spec{}, *plan))
		} else {
			policies = append(policies, PolicyOf(faults))
		}
	}
	servers, suites, clusters := values(a.Servers), values(a.Suite), values(a.Cluster)
	images, participants := values(a.Image), values(a.Participant)
	return func(s spec.Spec, p nemesis.Plan) bool {
		return among(recipes, [2]string{s.Workload, s.Recipe}) && among(servers, s.Servers) && among(clusters, s.Cluster) &&
			(len(suites) == 0 || s.Image == "" && among(suites, s.Suite)) && among(images, s.Image) &&
			among(participants, s.Participant) && among(policies, Policy(s, p))
	}, nil
}

func values[T any](list []config.At[T]) (out []T) {
	for _, x := range list {
		out = append(out, x.V)
	}
	return out
}

// among: an axis that is not given leaves the choice open.
func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// Recipes are the workload and recipe that the text names; all of the workload's that need no image of somebody else's for WORKLOAD/*.
func Recipes(text string) (out [][2]string, err error) {
	workload, recipe, ok := strings.Cut(text, "/")
	if !ok {
		return nil, fmt.Errorf("want WORKLOAD/RECIPE or WORKLOAD/*, have %q", text)
	}
	if recipe == "*" {
		recipe = catalogue.FirstRecipe(workload)
	}
	w, _, err := catalogue.Find(workload, recipe)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(text, "/*") {
		return [][2]string{{workload, recipe}}, nil
	}
	for _, r := range w.Recipes {
		if !r.Foreign() {
			out = append(out, [2]string{workload, r.Name})
		}
	}
	return out, nil
}

// Faults reads a policy of faults: kinds that a plan is drawn from ("partition+kill"), "none", or "plan:FILE", relative to
// the folder.
func Faults(text, folder string) (kinds []string, plan *nemesis.Plan, err error) {
	if text == "none" {
		return nil, nil, nil
	}
	if file, ok := strings.CutPrefix(text, "plan:"); ok {
		plan, err := ReadPlan(filepath.Join(folder, file))
		return nil, plan, err
	}
	kinds = strings.Split(text, "+")
	for i, k := range kinds {
		if slices.Contains(kinds[:i], k) {
			return nil, nil, fmt.Errorf("the fault %s is named twice", k)
		}
		if !slices.Contains(nemesis.Kinds, nemesis.Kind(k)) {
			var known []string
			for _, k := range nemesis.Kinds {
				known = append(known, string(k))
			}
			return nil, nil, &catalogue.UnknownError{What: "fault", Name: k, Known: append(known, "none", "plan:FILE")}
		}
	}
	return kinds, nil, nil
}

// ReadPlan reads a plan from a file.
func ReadPlan(file string) (*nemesis.Plan, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = fmt.Errorf("%s: %w", p.Path, p.Err)
		}
		return nil, fmt.Errorf("read plan: %w", err)
	}
	plan, err := nemesis.ParsePlan(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &plan, nil
}
