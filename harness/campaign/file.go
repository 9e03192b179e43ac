package campaign

import (
	"fmt"
	"os"
	"time"

	"riven/harness/config"
	"riven/harness/spec"
	"riven/results"
)

// file is a campaign as people write it.
type file struct {
	Name    config.At[string]        `yaml:"name"`
	Seed    uint64                   `yaml:"seed"`
	Timeout config.At[spec.Duration] `yaml:"timeout"`
	Budget  struct {
		Time         config.At[spec.Duration] `yaml:"time"`
		Runs         config.At[int]           `yaml:"runs"`
		UntilFinding bool                     `yaml:"until-finding"`
	} `yaml:"budget"`
	Keep struct {
		Passes config.At[int] `yaml:"passes"`
		Bytes  config.Bytes   `yaml:"bytes"`
	} `yaml:"keep"`
	Run    settings `yaml:"run"`
	Matrix struct {
		results.Axes `yaml:",inline"`
		Seeds        config.At[int] `yaml:"seeds"`
	} `yaml:"matrix"`
	Exclude  []results.Axes      `yaml:"exclude"`
	Canaries []config.At[canary] `yaml:"canaries"`
}

// settings of a run beside the axes of the matrix. What is not given is as in `riven run`.
type settings struct {
	Time         *config.At[spec.Duration] `yaml:"time"`
	Participants *config.At[int]           `yaml:"participants"`
	Timing       *config.At[string]        `yaml:"timing"`
	Session      *config.At[spec.Duration] `yaml:"session"`
	Hold         *config.At[spec.Duration] `yaml:"hold"`
	Pause        *config.At[spec.Duration] `yaml:"pause"`
	Fencing      *bool                     `yaml:"fencing"`
	Claims       []config.At[string]       `yaml:"claims"`
	Pins         []config.At[string]       `yaml:"pins"` // PARTICIPANT=SERVER
}

// canary is a cell with a defect that must be found.
type canary struct {
	Recipe   config.At[string] `yaml:"recipe"`
	Defect   config.At[string] `yaml:"defect"`
	Servers  config.At[int]    `yaml:"servers"`
	Suite    config.At[string] `yaml:"suite"`
	Cluster  config.At[string] `yaml:"cluster"`
	Image    config.At[string] `yaml:"image"` // of the servers, instead of a suite
	Faults   config.At[string] `yaml:"faults"`
	Tries    config.At[int]    `yaml:"tries"` // runs within which it must be found
	settings `yaml:",inline"`

	participant string // image, of a foreign recipe's
}

// Campaign is a campaign file, read, checked and spread out into cells.
type Campaign struct {
	Name    string        `json:"name"`
	Seed    uint64        `json:"seed"`
	Timeout time.Duration `json:"timeout"` // of one run
	Budget  Budget        `json:"budget"`
	Keep    Keep          `json:"keep"`
	Cells   []Cell        `json:"cells"` // by id
}

// Budget is what a campaign may use up; zero is no limit. It is looked at between runs.
type Budget struct {
	Time         time.Duration `json:"time,omitempty"`
	Runs         int           `json:"runs,omitempty"`
	UntilFinding bool          `json:"untilFinding,omitempty"`
}

// Keep is what stays of the bundles. Violations always do.
type Keep struct {
	Passes int   `json:"passes"` // whole bundles of passes and found canaries in each cell, the latest; the others are thinned
	Bytes  int64 `json:"bytes,omitempty"`
}

// Defaults of a campaign file.
const (
	defaultPasses = 1
	defaultTries  = 3
	maxRuns       = 100_000
)

// overhead is what a run may take beside the time of its ops, when the file says nothing: images, start, heal, judging.
const overhead = 5 * time.Minute

// Load reads a campaign file and everything it names. Each run of each cell must be one that check lets pass. Errors about
// the file are *config.Error.
func Load(name string, check Check) (Campaign, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return Campaign{}, fmt.Errorf("read campaign: %w", err)
	}
	return parse(name, content, check)
}

// Reseed is the campaign with another seed, from which those of all runs follow.
func Reseed(c Campaign, seed uint64, check Check) (Campaign, error) {
	c.Seed = seed
	return c, c.check(fmt.Sprintf("seed %d", seed), check)
}

func parse(name string, content []byte, check Check) (Campaign, error) {
	f := file{}
	f.Keep.Passes.V = defaultPasses
	if err := config.Read(name, content, &f); err != nil {
		return Campaign{}, err
	}
	if err := f.validate(name); err != nil {
		return Campaign{}, err
	}
	cells, err := f.cells(name)
	if err != nil {
		return Campaign{}, err
	}
	c := Campaign{
		Name: f.Name.V, Seed: f.Seed, Timeout: f.Timeout.V.D(),
		Budget: Budget{f.Budget.Time.V.D(), f.Budget.Runs.V, f.Budget.UntilFinding}, Keep: Keep{f.Keep.Passes.V, int64(f.Keep.Bytes)}, Cells: cells,
	}
	if c.Timeout == 0 {
		for _, x := range cells {
			c.Timeout = max(c.Timeout, x.Spec.Time.D()+overhead)
		}
	}
	return c, c.check(name, check)
}

// validate refuses figures that mean nothing.
func (f *file) validate(name string) error {
	wrong := func(line int, key, format string, args ...any) error {
		return &config.Error{File: name, Line: line, Key: key, Why: fmt.Sprintf(format, args...)}
	}
	switch {
	case f.Name.V == "":
		return wrong(f.Name.Line, "name", "a campaign needs a name")
	case !plain(f.Name.V):
		return wrong(f.Name.Line, "name", "%q: want letters, digits, - and _", f.Name.V)
	case f.Timeout.V < 0:
		return wrong(f.Timeout.Line, "timeout", "%v, must not be negative", f.Timeout.V.D())
	case f.Budget.Time.V < 0:
		return wrong(f.Budget.Time.Line, "budget.time", "%v, must not be negative", f.Budget.Time.V.D())
	case f.Budget.Runs.V < 0:
		return wrong(f.Budget.Runs.Line, "budget.runs", "%d, must not be negative", f.Budget.Runs.V)
	case f.Keep.Passes.V < 0:
		return wrong(f.Keep.Passes.Line, "keep.passes", "%d, must not be negative", f.Keep.Passes.V)
	case f.Matrix.Seeds.Line > 0 && (f.Matrix.Seeds.V < 1 || f.Matrix.Seeds.V > maxRuns):
		return wrong(f.Matrix.Seeds.Line, "matrix.seeds", "%d, need 1 to %d", f.Matrix.Seeds.V, maxRuns)
	case len(f.Matrix.Image) > 0 && len(f.Matrix.Suite) > 0:
		return wrong(f.Matrix.Image[0].Line, "matrix.image", "beside a suite: the servers come from one of them")
	case len(f.Matrix.Recipe) == 0:
		return wrong(0, "matrix.recipe", "nothing to run: name at least one WORKLOAD/RECIPE")
	case len(f.Canaries) == 0:
		return wrong(0, "canaries", "a campaign needs at least one canary: a cell with a defect switched on, which must be found")
	}
	return nil
}

func plain(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}
