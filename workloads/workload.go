package workloads

import (
	"math/rand/v2"
	"slices"
	"time"

	"riven/checkers"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
)

// Completion is how an op ended.
type Completion struct {
	Type  history.Type // OK, Fail or Info
	Op    history.Op   // what was done; F may be left empty: it is the invocation's
	Error string       // for Fail and Info
}

// Driven is a recipe that is told what to do, op by op.
type Driven interface {
	Do(history.Op) Completion
}

// Idle is a recipe that is never told what to do: it acts by itself, in the tasks that it started when it was made.
type Idle struct{}

// Do is never called.
func (Idle) Do(op history.Op) Completion {
	return Completion{Type: history.Fail, Op: op, Error: "this participant takes no ops"}
}

// Config is what an incarnation of a recipe is started with.
type Config struct {
	Env     env.Env
	Role    string // of the node, in a workload that has roles
	Spec    spec.Spec
	Defects []string
}

// Has tells whether the defect is switched on.
func (c Config) Has(defect string) bool { return slices.Contains(c.Defects, defect) }

// Defect is a named bug that can be switched on in a recipe.
type Defect struct {
	Name    string
	Bug     string   // what is wrong, in one sentence
	Exposed string   // by which fault
	Breaks  []string // names of the claims it violates
}

// Recipe is one coordination algorithm of a workload.
type Recipe struct {
	Name    string
	Doc     string // one paragraph
	Native  bool   // a library's own algorithm: containers only
	Defects []Defect
	Claims  []checkers.Claim
	New     func(Config) Driven // nil for native recipes; may start tasks
}

// Foreign tells whether the recipe is in participants that somebody else has made.
func (r Recipe) Foreign() bool { return r.New == nil && !r.Native }

// Stream is one participant's sequence of ops.
type Stream interface {
	Next() history.Op
	// Rest are the ops that bring what has been begun to its end; the stream is over with them.
	Rest() []history.Op
}

// Workload is a kind of use of coordination with everything needed to run and to judge it.
type Workload struct {
	Name    string
	Doc     string
	Recipes []Recipe
	// Participants is how many there are if nobody says otherwise.
	Participants int
	// Roles are the nodes that so many participants take; nil where all are alike.
	Roles func(recipe string, participants int) []spec.Role
	// Ops is the endless stream of a participant; the same seed gives the same stream. It is nil for one that takes no ops.
	Ops func(s spec.Spec, participant string, r *rand.Rand) Stream
	// Quiet is one turn of a participant that takes ops after the final heal. It is repeated until every op of a turn is OK: they must
	// all be served.
	Quiet func(s spec.Spec, participant string) []history.Op
	// Bound is within which time after the final heal everybody must have been served.
	Bound func(s spec.Spec) time.Duration
	// Last is the last read, made by one participant that takes ops when nobody else does anything any more. It is repeated until it
	// is Settled, or what may still change must have. No F: there is none.
	Last    history.Op
	Settled func(last history.Event) bool
	// Resource is made anew for each run.
	Resource func(s spec.Spec) Resource
	// Judge holds the history against the recipe's claims.
	Judge func(checkers.Input) []checkers.Check
	// Floors is what must have happened for a pass.
	Floors func(checkers.Input) []checkers.Floor
}

// Recipe looks a recipe of the workload up.
func (w Workload) Recipe(name string) (Recipe, bool) {
	i := slices.IndexFunc(w.Recipes, func(r Recipe) bool { return r.Name == name })
	if i < 0 {
		return Recipe{}, false
	}
	return w.Recipes[i], true
}

// Resource is what a lock or a leadership protects. It numbers its decisions from 1 in the order in which it makes
// them; it is called from one goroutine at a time.
type Resource interface {
	Decide(node string, r env.Request) env.Reply
}
