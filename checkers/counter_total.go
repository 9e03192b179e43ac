package checkers

import (
	"fmt"

	"riven/harness/history"
)

// Total holds each total that was read against the additions around it: it is no lower than those that were acknowledged
// before it was asked for, and no higher than those that were invoked before it was answered and did not fail. One must
// have been read in the final phase, when no faults are left.
func Total(in Input) Check {
	p := in.promise(ClaimTotal)
	c := Check{Claim: ClaimTotal, Rule: p.Rule, Engine: "sum"}
	if in.Incomparable {
		return new(findings).close(c, "", p.lack("the nodes do not share a kernel, so their times can not be compared"))
	}
	final, came := phase(in.History, history.PhaseFinal)
	t := totals{in: in, refused: map[int64]bool{}, asked: map[int64]asked{}}
	t.findRefused()
	lacking := "the counter was not read at the end"
	var f findings
	for i := range in.History {
		read, ok := t.see(int32(i))
		if !ok {
			continue
		}
		if came && read.op.invoked > final {
			lacking = ""
			c.Detail = read.counted()
		}
		if read.value < read.acknowledged || read.value > read.possible {
			sort, why := survey(in).sort(p, circumstance{nodes: []string{in.History[i].Node}}, "")
			f.add(sort, "", "", func() Anomaly { return in.miscounted(read, sort == hazard, why) })
		}
	}
	return f.close(c, "", p.lack(lacking))
}

// totalRead is a total with what may have been counted in it.
type totalRead struct {
	op                            opSpan
	value, acknowledged, possible int64
}

func (r totalRead) counted() string {
	return fmt.Sprintf("%d read at the end, %d acknowledged, %d of unknown outcome", r.value, r.acknowledged, r.possible-r.acknowledged)
}

// totals goes through a history and counts.
type totals struct {
	in                     Input
	refused                map[int64]bool  // adds that failed, by id
	asked                  map[int64]asked // totals under way, by id
	acknowledged, possible int64
}

type asked struct {
	at           int32
	acknowledged int64
}

func (t *totals) findRefused() {
	for i := range t.in.History {
		if e := &t.in.History[i]; e.Type == history.Fail && e.F == OpAdd {
			t.refused[e.ID] = true
		}
	}
}

// see follows the event at position i; ok if it is the answer to a total.
func (t *totals) see(i int32) (r totalRead, ok bool) {
	e := &t.in.History[i]
	switch {
	case e.Type == history.Invoke && e.F == OpAdd && !t.refused[e.ID]:
		t.possible += e.N
	case e.Type == history.OK && e.F == OpAdd:
		t.acknowledged++
	case e.Type == history.Invoke && e.F == OpTotal:
		t.asked[e.ID] = asked{i, t.acknowledged}
	case e.Type == history.OK && e.F == OpTotal:
		a, known := t.asked[e.ID]
		return totalRead{opSpan{a.at, i}, e.N, a.acknowledged, t.possible}, known
	}
	return totalRead{}, false
}

// miscounted is the anomaly of a total that can not be.
func (in Input) miscounted(r totalRead, hazard bool, why string) Anomaly {
	e := &in.History[r.op.completed]
	but := fmt.Sprintf("%d additions had been acknowledged before", r.acknowledged)
	if r.value > r.possible {
		but = fmt.Sprintf("no more than %d can have been made: %d acknowledged and %d of unknown outcome", r.possible, r.acknowledged, r.possible-r.acknowledged)
	}
	return Anomaly{
		Claim:    ClaimTotal,
		Sentence: fmt.Sprintf("%s read %d at %s (process %d), but %s", e.Node, r.value, seconds(e.Time-RunStart(in.History)), e.Process, but),
		Proof:    ordered(r.op.invoked, r.op.completed),
		Nodes:    []string{e.Node},
		From:     in.History[r.op.invoked].Time, To: e.Time,
		Hazard: hazard, Why: why,
	}
}
