package checkers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

var checkersByName = map[string]func(Input) Check{
	"exclusion": Exclusion, "tokens": Tokens, "belief": Belief, "hand-over": HandOver, "orphans": Orphans,
	"counter": Counter, "total": Total, "order": Order, "served": Served,
	"epoch": Epochs, "fence": Fence, "acked": Acked, "available": Available, "register": Register,
	"owner": Owner, "owner-belief": OwnerBelief, "offsets": Offsets, "consumed": Consumed, "assignment": Assignment, "drained": Drained,
	"leaders": Leaders, "quorum": Quorum, "first": First,
}

// lockChecks is what the lock workload judges.
func lockChecks(in Input) []Check {
	return []Check{Exclusion(in), Tokens(in), Belief(in), HandOver(in), Orphans(in)}
}

// TestScripts holds the whole result of each command against the file: "history" takes a history in, every other
// command judges the one before it.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var in Input
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "history":
				in = mustParse(t, d.Input)
				return ""
			case "floors":
				return show(t, LockFloors(in))
			case "election-floors":
				return show(t, ElectionFloors(in))
			case "rebalance-floors":
				return show(t, RebalanceFloors(in))
			case "ensemble-floors":
				return show(t, EnsembleFloors(in))
			case "counter-floors":
				return show(t, CounterFloors(in))
			case "judge":
				var problems []string
				if d.Input != "" {
					problems = strings.Split(d.Input, "\n")
				}
				v := Judge(in, lockChecks(in), LockFloors(in), problems)
				return show(t, struct {
					Outcome  Outcome
					Exit     int
					Sentence string
					Reasons  []string
				}{v.Outcome, v.Outcome.ExitCode(), v.Sentence, v.Reasons})
			}
			check, ok := checkersByName[d.Cmd]
			if !ok {
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return show(t, check(in))
		})
	})
}

func show(t testing.TB, v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
