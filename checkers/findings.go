package checkers

import (
	"fmt"
	"slices"
)

// MaxShown is how many violations, and how many hazards, one check shows; the others are counted in its Detail.
const MaxShown = 20

// findings collects what one check sees.
type findings struct {
	violations, hazards            []Anomaly
	violated, hazardous, suspected int
	suspect                        string // the first anomaly that rests on a doubtful record, with the doubt
}

// kind of a finding.
type kind int

const (
	violation kind = iota
	hazard
	suspect // rests on a record that must not be relied on
)

// add counts a finding, and keeps it while there is room for one more of its kind and none about the same two holds
// is kept. Only then build is called.
func (f *findings) add(k kind, a, b string, build func() Anomaly) {
	switch k {
	case violation:
		f.violated++
		f.violations = keep(f.violations, a, b, build)
	case hazard:
		f.hazardous++
		f.hazards = keep(f.hazards, a, b, build)
	case suspect:
		f.suspected++
		if f.suspect == "" {
			n := build()
			f.suspect = fmt.Sprintf("not judged: %s (%s)", n.Sentence, n.Why)
		}
	}
}

func keep(list []Anomaly, a, b string, build func() Anomaly) []Anomaly {
	same := func(n Anomaly) bool { return len(n.Holds) == 2 && n.Holds[0] == a && n.Holds[1] == b }
	if len(list) == MaxShown || slices.ContainsFunc(list, same) {
		return list
	}
	return append(list, build())
}

// close makes the check: a violation whatever else is wrong, then an error, then a lack.
func (f *findings) close(c Check, broken, lacking string) Check {
	c.Anomalies = append(f.violations, f.hazards...)
	switch {
	case f.violated > 0:
		c.Outcome = Violation
	case broken != "" || f.suspected > 0:
		c.Outcome = Error
	case lacking != "":
		c.Outcome = Inconclusive
	}
	c.Detail = sentences(broken, lacking, f.suspect, f.shown("violation", f.violated, len(f.violations)), f.shown("hazard", f.hazardous, len(f.hazards)), c.Detail)
	return c
}

// chosen tells by what the shown ones were chosen.
func (f *findings) chosen() string {
	for _, list := range [][]Anomaly{f.violations, f.hazards} {
		if len(list) > 0 && len(list[0].Holds) == 2 {
			return ", one for each two holds"
		}
	}
	return ""
}

// shown tells how much of what was seen is shown.
func (f *findings) shown(name string, seen, shown int) string {
	if seen == shown {
		return ""
	}
	return fmt.Sprintf("%d of %d %ss shown%s", shown, seen, name, f.chosen())
}
