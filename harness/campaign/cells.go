package campaign

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"riven/harness/config"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
	"riven/workloads/catalogue"
)

// Cell is one kind of run; its runs differ in their seeds.
type Cell struct {
	ID     string        `json:"id"` // results.Cell
	Spec   spec.Spec     `json:"spec"`
	Plan   *nemesis.Plan `json:"plan,omitempty"` // nil: drawn from the seed
	Canary bool          `json:"canary,omitempty"`
	Runs   int           `json:"runs"`

	line int // of the file, for people
}

// Check tells why a run can not be made here.
type Check func(spec.Spec, *nemesis.Plan) error

// Run is one run of a cell.
type Run struct {
	Cell *Cell
	N    int // from 1
	Seed uint64
}

// Spec is the run's whole description.
func (r Run) Spec() spec.Spec {
	s := r.Cell.Spec
	s.Seed = r.Seed
	return s
}

// seed of a run follows from the campaign's seed, the cell and the number, so that a cell keeps its seeds whatever else is in
// the file. It has 48 bits: everything that reads JSON can hold it.
func seed(campaign uint64, cell string, n int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%d", campaign, cell, n))
	return binary.BigEndian.Uint64(sum[:8]) >> 16
}

func (c *Campaign) run(cell *Cell, n int) Run { return Run{cell, n, seed(c.Seed, cell.ID, n)} }

// Digest is the same for campaigns that make the same runs, whatever their budgets and what they keep.
func (c *Campaign) Digest() string {
	b, err := json.Marshal(Campaign{Name: c.Name, Seed: c.Seed, Cells: c.Cells})
	if err != nil { // it came from files and flags
		panic(fmt.Sprintf("a campaign that can not be encoded: %v", err))
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))[:16]
}

// check holds every run against what can be run here.
func (c *Campaign) check(file string, check Check) error {
	runs := 0
	for i := range c.Cells {
		cell := &c.Cells[i]
		if runs += cell.Runs; runs > maxRuns {
			return &config.Error{File: file, Line: cell.line, Key: "matrix", Why: fmt.Sprintf("more than %d runs", maxRuns)}
		}
		for n := 1; n <= cell.Runs; n++ {
			if err := check(c.run(cell, n).Spec(), cell.Plan); err != nil {
				return &config.Error{File: file, Line: cell.line, Key: "cell " + cell.ID, Why: err.Error()}
			}
		}
	}
	return nil
}

// cells spreads the file out.
func (f *file) cells(name string) ([]Cell, error) {
	usual := spec.Default()
	base := canary{
		Servers: config.At[int]{V: usual.Servers}, Suite: config.At[string]{V: usual.Suite},
		Cluster: config.At[string]{V: usual.Cluster}, Faults: config.At[string]{V: results.PolicyOf(usual.Faults)},
	}
	cells, err := f.matrix(name, base)
	if err != nil {
		return nil, err
	}
	for i, c := range f.Canaries {
		key := fmt.Sprintf("canaries[%d]", i+1)
		x := c.V
		wrong := func(line int, field, why string) error {
			return &config.Error{File: name, Line: cmp.Or(line, c.Line), Key: key + field, Why: why}
		}
		switch {
		case x.Recipe.V == "":
			return nil, wrong(0, "", "a canary needs a recipe, WORKLOAD/RECIPE")
		case x.Defect.V == "":
			return nil, wrong(0, "", "a canary needs the defect that is to be found")
		case x.Tries.Line > 0 && (x.Tries.V < 1 || x.Tries.V > maxRuns):
			return nil, wrong(x.Tries.Line, ".tries", fmt.Sprintf("%d, need at least 1", x.Tries.V))
		}
		x.Servers, x.Suite, x.Cluster = cmp.Or(x.Servers, base.Servers), cmp.Or(x.Suite, base.Suite), cmp.Or(x.Cluster, base.Cluster)
		x.Faults, x.Tries.V = cmp.Or(x.Faults, base.Faults), cmp.Or(x.Tries.V, defaultTries)
		cell, err := f.cell(name, key+".", c.Line, x)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
	}
	slices.SortStableFunc(cells, func(a, b Cell) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(cells); i++ {
		if cells[i].ID == cells[i-1].ID {
			return nil, &config.Error{File: name, Line: cells[i].line, Key: "cell " + cells[i].ID, Why: "is there twice"}
		}
	}
	return cells, nil
}

// matrix is the product of the axes without what is excluded. An axis that is not given has the usual value.
func (f *file) matrix(name string, base canary) (cells []Cell, err error) {
	m := f.Matrix
	excluded, hits, err := f.excluders(name)
	if err != nil {
		return nil, err
	}
	base.Tries = config.At[int]{V: max(1, m.Seeds.V)}
	all := []canary{}
	for _, recipe := range m.Recipe {
		names, err := results.Recipes(recipe.V)
		if err != nil {
			return nil, &config.Error{File: name, Line: recipe.Line, Key: "matrix.recipe", Why: err.Error()}
		}
		for _, r := range names {
			x := base
			x.Recipe = config.At[string]{V: r[0] + "/" + r[1], Line: recipe.Line}
			all = append(all, participants(x, r, m.Participant)...)
		}
	}
	all = times(all, m.Servers, func(x *canary, v config.At[int]) { x.Servers = v })
	all = times(all, m.Suite, func(x *canary, v config.At[string]) { x.Suite = v })
	all = times(all, m.Image, func(x *canary, v config.At[string]) { x.Image = v })
	all = times(all, m.Cluster, func(x *canary, v config.At[string]) { x.Cluster = v })
	all = times(all, m.Faults, func(x *canary, v config.At[string]) { x.Faults = v })
	for _, x := range all {
		cell, err := f.cell(name, "matrix.", x.Recipe.Line, x)
		if err != nil {
			return nil, err
		}
		if !excluded(cell) {
			cells = append(cells, cell)
		}
	}
	for i, n := range hits {
		if n == 0 {
			return nil, &config.Error{File: name, Key: fmt.Sprintf("exclude[%d]", i+1), Why: "excludes nothing: no cell of the matrix is like that"}
		}
	}
	if len(cells) == 0 {
		return nil, &config.Error{File: name, Key: "exclude", Why: "nothing is left of the matrix"}
	}
	return cells, nil
}

// times gives each of the cells with each value of an axis; an axis that is not given leaves them as they are.
func times[T any](all []canary, axis []config.At[T], set func(*canary, config.At[T])) (out []canary) {
	if len(axis) == 0 {
		return all
	}
	for _, x := range all {
		for _, v := range axis {
			y := x
			set(&y, v)
			out = append(out, y)
		}
	}
	return out
}

// participants gives a foreign recipe each of the images of participants; other recipes run in riven's own.
func participants(x canary, names [2]string, images []config.At[string]) []canary {
	if _, r, err := catalogue.Find(names[0], names[1]); err != nil || !r.Foreign() {
		return []canary{x}
	}
	return times([]canary{x}, images, func(x *canary, v config.At[string]) { x.participant = v.V })
}

// excluders tell what is excluded and count how often each of them did.
func (f *file) excluders(name string) (excluded func(Cell) bool, hits []int, err error) {
	var selectors []results.Selector
	for i, x := range f.Exclude {
		s, err := x.Selector(name, fmt.Sprintf("exclude[%d].", i+1))
		if err != nil {
			return nil, nil, err
		}
		selectors = append(selectors, s)
	}
	hits = make([]int, len(selectors))
	return func(c Cell) (out bool) {
		for i, s := range selectors {
			if s(c.Spec, c.plan()) {
				hits[i]++
				out = true
			}
		}
		return out
	}, hits, nil
}

func (c Cell) plan() nemesis.Plan {
	if c.Plan == nil {
		return nemesis.Plan{}
	}
	return *c.Plan
}

// cell makes one cell; key is where its values stand in the file.
func (f *file) cell(name, key string, line int, x canary) (Cell, error) {
	fail := func(at int, field string, err error) (Cell, error) {
		return Cell{}, &config.Error{File: name, Line: cmp.Or(at, line), Key: key + field, Why: err.Error()}
	}
	names, err := results.Recipes(x.Recipe.V)
	if err != nil {
		return fail(x.Recipe.Line, "recipe", err)
	}
	if len(names) != 1 {
		return fail(x.Recipe.Line, "recipe", fmt.Errorf("want one recipe, %q is several", x.Recipe.V))
	}
	kinds, plan, err := results.Faults(x.Faults.V, filepath.Dir(name))
	if err != nil {
		return fail(x.Faults.Line, "faults", err)
	}
	s := spec.Default()
	s.Workload, s.Recipe, s.Servers, s.Suite, s.Cluster = names[0][0], names[0][1], x.Servers.V, x.Suite.V, x.Cluster.V
	s.Image, s.Participant = x.Image.V, x.participant
	if plan == nil {
		s.Faults = kinds
	} else {
		s.Faults = planned(*plan)
	}
	if x.Defect.V != "" {
		s.Defects = []string{x.Defect.V}
	}
	s.Participants = 0
	for _, set := range []struct {
		settings
		key string
	}{{f.Run, "run."}, {x.settings, key}} {
		if err := set.apply(&s); err != nil {
			err.File, err.Key = name, set.key+err.Key
			return Cell{}, err
		}
	}
	s = catalogue.Complete(s)
	if err := s.Validate(); err != nil {
		return fail(0, x.Recipe.V, err)
	}
	if err := catalogue.Validate(s); err != nil {
		if x.Defect.V == "" {
			return fail(x.Recipe.Line, "recipe", err)
		}
		return fail(x.Defect.Line, "defect", err)
	}
	c := Cell{Spec: s, Plan: plan, Canary: x.Defect.V != "", Runs: x.Tries.V, line: line}
	c.ID = results.Cell(s, c.plan())
	return c, nil
}

// planned are the kinds of faults of a plan.
func planned(p nemesis.Plan) (kinds []string) {
	for _, k := range nemesis.Kinds {
		if p.Has(k) {
			kinds = append(kinds, string(k))
		}
	}
	return kinds
}

// apply changes the spec by what is set.
func (x settings) apply(s *spec.Spec) *config.Error {
	if x.Timing != nil {
		t, ok := spec.Timings[x.Timing.V]
		if !ok {
			err := &catalogue.UnknownError{What: "timing", Name: x.Timing.V, Known: slices.Sorted(maps.Keys(spec.Timings))}
			return &config.Error{Line: x.Timing.Line, Key: "timing", Why: err.Error()}
		}
		s.Timing = t
	}
	for _, d := range []struct {
		from *config.At[spec.Duration]
		to   *spec.Duration
	}{{x.Time, &s.Time}, {x.Session, &s.Timing.Session}, {x.Hold, &s.Hold}, {x.Pause, &s.Pause}} {
		if d.from != nil {
			*d.to = d.from.V
		}
	}
	if x.Participants != nil {
		s.Participants = x.Participants.V
	}
	if x.Fencing != nil {
		s.Fencing = *x.Fencing
	}
	for _, c := range x.Claims {
		s.Claims = append(s.Claims, c.V)
	}
	for _, p := range x.Pins {
		participant, server, ok := strings.Cut(p.V, "=")
		if !ok {
			return &config.Error{Line: p.Line, Key: "pins", Why: fmt.Sprintf("want PARTICIPANT=SERVER, have %q", p.V)}
		}
		s.Pins = append(s.Pins, spec.Pin{Participant: participant, Server: server})
	}
	return nil
}
