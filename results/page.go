package results

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"riven/checkers"
	"riven/harness/history"
	"riven/nemesis"
)

//go:embed page/report.tmpl
var pageText string

//go:embed page/style.css
var pageStyle string

//go:embed page/timeline.js
var pageScript string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

// page is what the template says. Everything in it but the four typed values is escaped.
type page struct {
	Title, Class, Word, Mark, Sentence string
	Policy                             string // Content-Security-Policy: nothing is loaded, and only our own script and style run
	Style                              template.CSS
	Script                             template.JS
	Data                               template.HTML // base64
	Run                                string
	Facts                              []fact
	Notes                              []string
	Anomalies, Hazards                 []anomalyView
	Command                            string
	Label, Coarse                      string
	Charts                             []chart
	Kinds                              [][]string
	Faults                             []faultView
	Floors                             []checkers.Floor
	Checks                             []checkView
	Spec                               []fact
	PlanText                           string
	Logs                               []string
}

type fact struct{ Name, Value string }

type anomalyView struct {
	checkers.Anomaly
	Number int
	Link   string // to its moment on the timeline
	Span   string
	Proof  []proofRow
	More   []proofRow // beyond what fits the first view
}

type proofRow struct{ Index, Time, Exact, Link, Node, What, Hold, Token, Value, Text string }

type faultView struct {
	ID, Fault, When, Mark, Status, Why, Nodes, Span, Link, Seen, Expect string
	Edges                                                               []nemesis.EdgeReceipt
}

type checkView struct {
	checkers.Check
	Mark string
}

// proofRows is how many rows of proof are shown before the rest is folded.
const proofRows = 12

// writePage writes the report of a judged bundle.
func (b *Bundle) writePage(w io.Writer) error {
	p, err := b.page()
	if err != nil {
		return err
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (b *Bundle) page() (page, error) {
	v := *b.Verdict
	t := b.timeline()
	data, d, err := t.pack(packBudget)
	if err != nil {
		return page{}, err
	}
	logs, err := b.Logs()
	if err != nil {
		return page{}, err
	}
	plan, err := json.MarshalIndent(b.Plan, "", "  ")
	if err != nil {
		return page{}, fmt.Errorf("encode plan: %w", err)
	}
	ops := joinOps(b.History)
	p := page{
		Title: fmt.Sprintf("%s · %s · seed %d · Riven", outcomeWords[v.Outcome], b.what(), b.Spec.Seed),
		Class: v.Outcome.String(), Word: outcomeWords[v.Outcome], Mark: outcomeMarks[v.Outcome], Sentence: v.Sentence,
		Policy: fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'; script-src '%s'", hash(pageStyle), hash(pageScript)),
		Style:  template.CSS(pageStyle), Script: template.JS(pageScript), Data: template.HTML(data),
		Run: b.what(), Facts: b.facts(ops, t), Notes: append(slices.Clone(b.Notes), v.Reasons...),
		Command: b.command(), Label: t.label(len(ops)), Coarse: d.words(),
		Faults: b.faults(t.Zero), Floors: v.Floors, Spec: b.specFacts(), PlanText: string(plan), Logs: logs,
	}
	for i, a := range anomalies(v, false) {
		p.Anomalies = append(p.Anomalies, b.anomaly(a, i+1, t))
	}
	for i, a := range anomalies(v, true) {
		p.Hazards = append(p.Hazards, b.anomaly(a, len(p.Anomalies)+i+1, t))
	}
	for _, c := range v.Checks {
		p.Checks = append(p.Checks, checkView{c, outcomeMarks[c.Outcome]})
	}
	if len(ops) > 0 {
		slots, length := slots(ops, t.interval)
		p.Charts = []chart{latencyChart(t, slots, length), rateChart(t, slots, length)}
	}
	for _, k := range statsByKind(ops) {
		row := []string{k.F}
		for _, n := range k.By {
			row = append(row, strconv.Itoa(n))
		}
		p.Kinds = append(p.Kinds, append(row, short(k.Latency.P50), short(k.Latency.P95), short(k.Latency.P99), short(k.Latency.Max)))
	}
	return p, nil
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// what ran: workload, recipe and its defects.
func (b *Bundle) what() string {
	what := b.Spec.Workload + " / " + b.Spec.Recipe
	if len(b.Spec.Defects) > 0 {
		what += " with " + strings.Join(b.Spec.Defects, ", ")
	}
	return what
}

func (b *Bundle) facts(ops []op, t timeline) []fact {
	applied := 0
	for _, r := range b.Receipts {
		if r.Status == nemesis.Applied {
			applied++
		}
	}
	return []fact{
		{"Cluster", fmt.Sprintf("%d servers, %d participants on %s", b.Spec.Servers, b.Spec.Participants, b.Spec.Cluster)},
		{"Ops", fmt.Sprintf("%d in %s", len(ops), short(t.To-t.Zero))},
		{"Faults", fmt.Sprintf("%d applied of %d planned", applied, len(b.Plan.Steps))},
		{"Seed", strconv.FormatUint(b.Spec.Seed, 10)},
		{"Started", b.Meta.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
	}
}

func (t timeline) label(ops int) string {
	return fmt.Sprintf("Timeline of %d nodes, %d ops, %d faults and %d anomalies over %s. Everything it shows of faults and anomalies is in the tables of this page.",
		len(t.Lanes), ops, len(t.Faults), len(t.Anomalies), short(t.To-t.From))
}

// words say what was left out of the timeline; nothing for the finest detail.
func (d detail) words() string {
	if d == details[0] {
		return ""
	}
	return fmt.Sprintf("Every op is here, but so many that times are rounded to %s and values are left out; history.rvn has them. The times of proofs are exact.", short(d.Unit))
}

func (b *Bundle) anomaly(a checkers.Anomaly, number int, t timeline) anomalyView {
	v := anomalyView{Anomaly: a, Number: number}
	from, to := a.From, a.To
	for i, e := range b.events(a.Proof) {
		row := proof1(e, t.Zero)
		if i < proofRows {
			v.Proof = append(v.Proof, row)
		} else {
			v.More = append(v.More, row)
		}
		if from == 0 {
			from = e.Time
		}
		to = max(to, e.Time)
	}
	if from != 0 {
		v.Link, v.Span = moment(from-t.Zero, to-t.Zero), seconds(from-t.Zero)+" to "+seconds(to-t.Zero)
	}
	return v
}

func proof1(e history.Event, zero int64) proofRow {
	row := proofRow{
		Index: strconv.Itoa(e.Index), Time: seconds(e.Time - zero), Exact: fmt.Sprintf("%d ns of CLOCK_MONOTONIC", e.Time), Link: moment(e.Time-zero, e.Time-zero),
		Node: e.Node, What: eventWords(e), Hold: e.Hold, Text: strings.TrimSpace(e.Error + " " + e.Text),
	}
	if e.Token != 0 {
		row.Token = strconv.FormatInt(e.Token, 10)
	}
	if e.N != 0 {
		row.Value = strconv.FormatInt(e.N, 10)
	}
	return row
}

// moment is the fragment that brings the timeline to these times, with some room around them.
func moment(from, to int64) string {
	room := max((to-from)/4, 200_000_000)
	return fmt.Sprintf("#t=%.6f,%.6f", float64(from-room)/1e9, float64(to+room)/1e9)
}

func (b *Bundle) faults(zero int64) []faultView {
	var out []faultView
	reported := map[string]bool{}
	for _, r := range b.Receipts {
		reported[r.Step.ID] = true
		v := faultView{
			ID: r.Step.ID, Fault: faultWords(r.Step.Fault), When: whenWords(r.Step), Mark: statusMarks[r.Status], Status: string(r.Status), Why: r.Why,
			Nodes: strings.Join(r.Nodes, ", "), Seen: seenWords(r), Expect: expectWords(r.Expect), Edges: r.Edges,
		}
		if r.Begin != 0 {
			end := "the end"
			if r.End != 0 {
				end = millis(r.End - zero)
			}
			v.Span, v.Link = millis(r.Begin-zero)+" to "+end, moment(r.Begin-zero, max(r.End, r.Begin)-zero)
		}
		out = append(out, v)
	}
	for _, s := range b.Plan.Steps {
		if !reported[s.ID] {
			out = append(out, faultView{ID: s.ID, Fault: faultWords(s.Fault), When: whenWords(s), Mark: "✕", Status: "no receipt", Why: "the run ended before anything was known of it"})
		}
	}
	return out
}

func (b *Bundle) specFacts() []fact {
	s := b.Spec
	yes := map[bool]string{true: "on", false: "off"}
	pins := []string{}
	for _, p := range s.Pins {
		pins = append(pins, p.Participant+" to "+p.Server)
	}
	facts := []fact{
		{"Workload, recipe", b.what()},
		{"Servers", fmt.Sprintf("%d from %s, on %s", s.Servers, s.Suite, s.Cluster)},
		{"Participants", strconv.Itoa(s.Participants)},
		{"Timing", fmt.Sprintf("tickTime %d ms, initLimit %d, syncLimit %d, session %s", s.Timing.TickTime, s.Timing.InitLimit, s.Timing.SyncLimit, s.Timing.Session.D())},
		{"Time under faults", s.Time.D().String()},
		{"Hold", s.Hold.D().String()},
		{"Pause", s.PauseLength().String()},
		{"Fencing", yes[s.Fencing]},
		{"Faults allowed", strings.Join(s.Faults, ", ")},
		{"Pins", strings.Join(pins, ", ")},
		{"Claims insisted on", strings.Join(s.Claims, ", ")},
		{"Riven", b.Meta.Riven},
		{"Engine", b.Meta.Engine},
		{"Boot id", b.Meta.BootID},
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}
