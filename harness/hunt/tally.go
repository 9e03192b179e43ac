package hunt

import (
	"cmp"
	"slices"
	"strings"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/run"
	"riven/nemesis"
)

// Counters are the runs in which things happened that must happen now and then: a search in which one of them stays 0
// has not tested what it says.
type Counters struct {
	Elections, Expiries, Reconnects, HandOvers, Lost, Unknown, Refused int
	Applied                                                            int // faults
}

func (c *Counters) add(o Counters) {
	c.Elections += o.Elections
	c.Expiries += o.Expiries
	c.Reconnects += o.Reconnects
	c.HandOvers += o.HandOvers
	c.Lost += o.Lost
	c.Unknown += o.Unknown
	c.Refused += o.Refused
	c.Applied += o.Applied
}

// Listed are the counters with their names, in order.
func (c Counters) Listed() []Count {
	return []Count{
		{"elections", c.Elections}, {"expiries", c.Expiries}, {"reconnects", c.Reconnects}, {"hand-overs", c.HandOvers},
		{"tenures lost", c.Lost}, {"unknown outcomes", c.Unknown}, {"accesses refused", c.Refused}, {"faults applied", c.Applied},
	}
}

// count looks through a history.
func count(t *run.Trial) (c Counters) {
	connected := map[string]bool{}
	holder := ""
	for _, e := range t.Input.History {
		switch {
		case e.Type == history.Role && e.F == "leader":
			c.Elections++
		case e.Type == history.Info:
			c.Unknown++
		case e.Type == history.Access && e.Rejected:
			c.Refused++
		case e.Type == history.OK && e.F == "acquire", e.Type == history.Note && (e.F == history.NoteElected || e.F == history.NoteAssigned):
			if holder != "" && holder != e.Node {
				c.HandOvers++
			}
			holder = e.Node
		case e.Type != history.Note:
		case e.F == history.NoteExpired:
			c.Expiries++
		case e.F == history.NoteConnected:
			if connected[e.Node] {
				c.Reconnects++
			}
			connected[e.Node] = true
		case e.F == history.NoteLost, e.F == history.NoteDeposed:
			c.Lost++
		}
	}
	for _, r := range t.Input.Receipts {
		if r.Status == nemesis.Applied {
			c.Applied++
		}
	}
	c.Elections = max(c.Elections-1, 0) // the first is the start
	return c
}

// tally sums trials up. Which seed of several stands for a finding does not depend on which worker was faster.
type tally struct {
	Status
	findings []found
	hazards  []Count
	repeated int
}

type found struct {
	Finding
	number uint64
}

func newTally(seeds int) *tally { return &tally{Status: Status{Of: seeds}} }

func (s *tally) add(t trial) {
	s.Seeds++
	if t.err != nil {
		return
	}
	s.Counters.add(t.counters)
	if t.again && !t.differs {
		s.repeated++
	}
	for _, c := range t.verdict.Checks {
		if slices.ContainsFunc(c.Anomalies, func(a checkers.Anomaly) bool { return a.Hazard }) {
			s.hazard(c.Claim)
		}
	}
	if t.verdict.Outcome == checkers.Error {
		s.Errors++
	}
	for _, x := range t.shown() {
		s.find(t, x)
	}
}

// shown is something that a run showed: what has the same key is the same finding.
type shown struct {
	key      string
	claims   []string
	sentence string
}

// differs is the key of runs that were made twice and were not the same.
const differs = "determinism"

func (t *trial) shown() (all []shown) {
	if t.differs {
		all = append(all, shown{differs, nil, "two runs of the seed were not the same"})
	}
	v := t.verdict
	for _, c := range v.Checks {
		if c.Outcome != checkers.Violation {
			continue
		}
		i := slices.IndexFunc(c.Anomalies, func(a checkers.Anomaly) bool { return !a.Hazard })
		key := c.Claim
		if i >= 0 && c.Anomalies[i].Place != "" {
			key += " at " + string(c.Anomalies[i].Place)
		}
		all = append(all, shown{key, []string{c.Claim}, v.Sentence})
	}
	if v.Outcome == checkers.Error {
		why := strings.Join(v.Reasons, "; ")
		all = append(all, shown{"error: " + kindOf(why), nil, why})
	}
	return all
}

// kindOf is the beginning of a message, up to where it names something.
func kindOf(why string) string {
	if i := strings.IndexAny(why, "0123456789"); i > 0 {
		why = why[:i]
	}
	return strings.TrimSpace(why)
}

func (s *tally) hazard(claim string) {
	i := slices.IndexFunc(s.hazards, func(c Count) bool { return c.Name == claim })
	if i < 0 {
		i = len(s.hazards)
		s.hazards = append(s.hazards, Count{Name: claim})
	}
	s.hazards[i].Seeds++
}

func (s *tally) find(t trial, x shown) {
	first := Finding{Key: x.key, Claims: x.claims, Sentence: x.sentence, Searcher: t.searcher, Spec: t.spec, Plan: t.plan, Times: 1, Outcome: t.verdict.Outcome}
	f := found{first, t.number}
	i := slices.IndexFunc(s.findings, func(o found) bool { return o.Key == x.key })
	if i < 0 {
		i = len(s.findings)
		s.findings = append(s.findings, f)
	} else if old := &s.findings[i]; t.number < old.number {
		f.Times, f.samples = old.Times+1, old.samples
		*old = f
	} else {
		old.Times++
	}
	s.findings[i].sample(t)
}

// sample keeps the first run of each planner that showed the finding.
func (f *Finding) sample(t trial) {
	i := slices.IndexFunc(f.samples, func(o trial) bool { return o.searcher == t.searcher })
	if i < 0 {
		f.samples = append(f.samples, t)
	} else if t.number < f.samples[i].number {
		f.samples[i] = t
	}
	slices.SortFunc(f.samples, func(a, b trial) int { return cmp.Compare(a.number, b.number) })
}

func (s *tally) status() Status {
	s.Findings = len(s.findings)
	return s.Status
}

func (s *tally) summary() Summary {
	slices.SortFunc(s.findings, func(a, b found) int { return cmp.Compare(a.number, b.number) })
	slices.SortFunc(s.hazards, func(a, b Count) int { return cmp.Compare(a.Name, b.Name) })
	sum := Summary{Status: s.status(), Hazards: s.hazards, Repeated: s.repeated}
	for _, f := range s.findings {
		sum.Findings = append(sum.Findings, f.Finding)
	}
	return sum
}
