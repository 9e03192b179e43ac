package results

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"riven/harness/config"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// policyFile is a gate policy as people write it. A rule that is not there demands nothing.
type policyFile struct {
	Name         config.At[string]          `yaml:"name"`
	Commit       config.At[string]          `yaml:"commit"` // "this" or one by name
	ZooKeeper    []config.At[string]        `yaml:"zookeeper"`
	Fresh        config.At[spec.Duration]   `yaml:"fresh"`
	NoViolation  bool                       `yaml:"no-violation"`
	NoError      bool                       `yaml:"no-error"`
	Inconclusive *config.At[config.Share]   `yaml:"inconclusive"`
	Canaries     bool                       `yaml:"canaries"`
	EveryCell    bool                       `yaml:"every-cell"`
	Cells        []config.At[requirement]   `yaml:"cells"`
	Coverage     map[string]config.At[int]  `yaml:"coverage"`
	Performance  *config.At[performanceDoc] `yaml:"performance"`
}

type requirement struct {
	Axes `yaml:",inline"`
	Runs config.At[int] `yaml:"runs"`
}

type performanceDoc struct {
	Baseline config.At[string]       `yaml:"baseline"`
	Floor    config.At[config.Share] `yaml:"floor"`
}

// Policy of a gate: what runs must show before a release goes out.
type GatePolicy struct {
	Name         string
	Commit       string // only runs of it count; empty: of any
	ZooKeeper    []string
	Fresh        time.Duration // only runs not older than this count; 0: of any age
	NoViolation  bool
	NoError      bool
	Inconclusive *float64 // share of the runs that count, at most
	Canaries     bool
	EveryCell    bool
	Cells        []requiredCell
	Coverage     []coverage
	Baseline     string // folder; empty: no rule of performance
	Floor        float64
}

// requiredCell is one cell that must be there.
type requiredCell struct {
	name     string
	selector Selector
	runs     int
}

type coverage struct {
	kind nemesis.Kind
	want int
}

// defaultFloor is the part of the baseline's throughput that a policy asks for when it gives no figure.
const defaultFloor = 0.8

// LoadPolicy reads a policy. commit is what "this" means in it. Errors about the file are *config.Error.
func LoadPolicy(name, commit string) (GatePolicy, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return GatePolicy{}, fmt.Errorf("read policy: %w", err)
	}
	return parsePolicy(name, content, commit)
}

func parsePolicy(name string, content []byte, commit string) (GatePolicy, error) {
	var f policyFile
	if err := config.Read(name, content, &f); err != nil {
		return GatePolicy{}, err
	}
	p := GatePolicy{
		Name: f.Name.V, Commit: f.Commit.V, ZooKeeper: values(f.ZooKeeper), Fresh: f.Fresh.V.D(), NoViolation: f.NoViolation, NoError: f.NoError,
		Canaries: f.Canaries, EveryCell: f.EveryCell,
	}
	if p.Name == "" {
		p.Name = filepath.Base(name)
	}
	if p.Commit == "this" {
		p.Commit = commit
	}
	if f.Inconclusive != nil {
		share := float64(f.Inconclusive.V)
		p.Inconclusive = &share
	}
	if f.Fresh.V < 0 {
		return GatePolicy{}, &config.Error{File: name, Line: f.Fresh.Line, Key: "fresh", Why: fmt.Sprintf("%v, must not be negative", f.Fresh.V.D())}
	}
	for i, c := range f.Cells {
		required, err := c.V.spread(name, fmt.Sprintf("cells[%d].", i+1), c.Line)
		if err != nil {
			return GatePolicy{}, err
		}
		p.Cells = append(p.Cells, required...)
	}
	if err := p.takeCoverage(name, f.Coverage); err != nil {
		return GatePolicy{}, err
	}
	if x := f.Performance; x != nil {
		if x.V.Baseline.V == "" {
			return GatePolicy{}, &config.Error{File: name, Line: x.Line, Key: "performance.baseline", Why: "name the folder with the runs to compare with"}
		}
		p.Baseline, p.Floor = filepath.Join(filepath.Dir(name), x.V.Baseline.V), float64(x.V.Floor.V)
		if filepath.IsAbs(x.V.Baseline.V) {
			p.Baseline = x.V.Baseline.V
		}
		if x.V.Floor.Line == 0 {
			p.Floor = defaultFloor
		}
	}
	if !p.demands() {
		return GatePolicy{}, &config.Error{File: name, Why: "the policy demands nothing"}
	}
	return p, nil
}

func (p *GatePolicy) takeCoverage(name string, want map[string]config.At[int]) error {
	var known []string
	for _, k := range nemesis.Kinds {
		known = append(known, string(k))
		if n, ok := want[string(k)]; ok {
			if n.V < 1 {
				return &config.Error{File: name, Line: n.Line, Key: "coverage." + string(k), Why: fmt.Sprintf("%d, need at least 1", n.V)}
			}
			p.Coverage = append(p.Coverage, coverage{k, n.V})
		}
	}
	for k, n := range want {
		if !slices.Contains(known, k) {
			return &config.Error{File: name, Line: n.Line, Key: "coverage", Why: (&catalogue.UnknownError{What: "fault", Name: k, Known: known}).Error()}
		}
	}
	return nil
}

func (p GatePolicy) demands() bool {
	return p.NoViolation || p.NoError || p.Inconclusive != nil || p.Canaries || p.EveryCell || len(p.Cells) > 0 || len(p.Coverage) > 0 || p.Baseline != "" ||
		p.Commit != "" || p.Fresh > 0 || len(p.ZooKeeper) > 0
}

// spread gives one required cell for each combination of the values that are given.
func (r requirement) spread(file, key string, line int) ([]requiredCell, error) {
	if r.Runs.Line > 0 && r.Runs.V < 1 {
		return nil, &config.Error{File: file, Line: r.Runs.Line, Key: key + "runs", Why: fmt.Sprintf("%d, need at least 1", r.Runs.V)}
	}
	if len(r.Recipe) == 0 {
		return nil, &config.Error{File: file, Line: line, Key: key + "recipe", Why: "name at least one WORKLOAD/RECIPE"}
	}
	var recipes []config.At[string]
	for _, text := range r.Recipe {
		found, err := Recipes(text.V)
		if err != nil {
			return nil, &config.Error{File: file, Line: text.Line, Key: key + "recipe", Why: err.Error()}
		}
		for _, x := range found {
			recipes = append(recipes, config.At[string]{V: x[0] + "/" + x[1], Line: text.Line})
		}
	}
	all := []Axes{{}}
	all = product(all, recipes, func(a *Axes, v config.At[string]) { a.Recipe = []config.At[string]{v} })
	all = product(all, r.Servers, func(a *Axes, v config.At[int]) { a.Servers = []config.At[int]{v} })
	all = product(all, r.Suite, func(a *Axes, v config.At[string]) { a.Suite = []config.At[string]{v} })
	all = product(all, r.Cluster, func(a *Axes, v config.At[string]) { a.Cluster = []config.At[string]{v} })
	all = product(all, r.Faults, func(a *Axes, v config.At[string]) { a.Faults = []config.At[string]{v} })
	all = product(all, r.Image, func(a *Axes, v config.At[string]) { a.Image = []config.At[string]{v} })
	all = product(all, r.Participant, func(a *Axes, v config.At[string]) { a.Participant = []config.At[string]{v} })
	var out []requiredCell
	for _, a := range all {
		s, err := a.Selector(file, key)
		if err != nil {
			return nil, err
		}
		out = append(out, requiredCell{a.words(), s, max(1, r.Runs.V)})
	}
	return out, nil
}

func product[T any](all []Axes, choices []config.At[T], set func(*Axes, config.At[T])) (out []Axes) {
	if len(choices) == 0 {
		return all
	}
	for _, a := range all {
		for _, c := range choices {
			x := a
			set(&x, c)
			out = append(out, x)
		}
	}
	return out
}

// words are a combination in the order of a cell's id; "*" where the choice is open.
func (a Axes) words() string {
	text := "*"
	if len(a.Recipe) > 0 {
		text = a.Recipe[0].V
	}
	for _, list := range [][]config.At[string]{a.Cluster, append(a.Image, a.Suite...)} {
		if len(list) > 0 {
			text += "/" + list[0].V
		} else {
			text += "/*"
		}
	}
	if len(a.Servers) > 0 {
		text += fmt.Sprintf("/%dx*", a.Servers[0].V)
	} else {
		text += "/*"
	}
	if len(a.Faults) > 0 {
		text += "/" + a.Faults[0].V
	} else {
		text += "/*"
	}
	if len(a.Participant) > 0 {
		text += "/participant=" + a.Participant[0].V
	}
	return text
}
