package results

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"riven/harness/spec"
	"riven/nemesis"
)

// Origin is how a search came by the run of a bundle: what the run was before it was reduced, and what that took. The
// run that was found first is kept beside it, as files that riven run takes as --spec and --plan.
type Origin struct {
	Finding string `json:"finding"` // what it shows: claim and place
	Planner string `json:"planner"` // that drew the plan
	Seeds   int    `json:"seeds"`   // that were searched
	Times   int    `json:"times"`   // of them that showed the same
	Faults  int    `json:"faults"`  // in the plan as it was found
	Left    int    `json:"left"`    // in the plan of this bundle
	Runs    int    `json:"runs"`    // that it took to reduce it; 0: it is as it was found
	Timed   Rate   `json:"timed"`   // other seeds that show the same when faults begin at their times
	Armed   Rate   `json:"armed"`   // and with the plan of this bundle, whose faults begin at events where that does better
}

// Rate is k of n.
type Rate struct {
	K int `json:"k"`
	N int `json:"n"`
}

// words tell it to people, a sentence each.
func (o Origin) words() []string {
	out := []string{fmt.Sprintf("found by riven hunt (%s): %s in %d of %d seeds", o.Planner, o.Finding, o.Times, o.Seeds)}
	if o.Runs == 0 {
		return out
	}
	return append(out, fmt.Sprintf("%s; the run as it was found: %s, %s", o.Reduced(), fileFoundSpec, fileFoundPlan))
}

// Reduced tells what reducing has come to, for people.
func (o Origin) Reduced() string {
	if o.Runs == 0 {
		return "not reduced: the search was interrupted"
	}
	text := fmt.Sprintf("reduced from %d faults to %d in %d runs", o.Faults, o.Left, o.Runs)
	if o.Armed.K > o.Timed.K {
		return fmt.Sprintf("%s, armed on events: shows in %d of %d other seeds, by time in %d", text, o.Armed.K, o.Armed.N, o.Timed.K)
	}
	return fmt.Sprintf("%s: shows in %d of %d other seeds", text, o.Armed.K, o.Armed.N)
}

// Keep writes down where the run came from, with the run as it was found, and says so in the report.
func (b *Bundle) Keep(o Origin, s spec.Spec, p nemesis.Plan) error {
	b.Origin = &o
	file := func(name string) string { return filepath.Join(b.Dir, name) }
	return errors.Join(writeJSON(file(fileOrigin), o), writeJSON(file(fileFoundSpec), s), writeJSON(file(fileFoundPlan), p), b.WriteReport())
}

func (b *Bundle) readOrigin() error {
	var o Origin
	err := b.readJSON(fileOrigin, &o)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		b.Origin = &o
	}
	return err
}
