package results

import (
	"bytes"
	"cmp"
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
	MoreAnomalies, MoreHazards         int // that are not told here
	Command                            string
	Flags                              string // that make the run without the bundle
	Label, Coarse                      string
	Tenures                            []tenureView
	MoreTenures                        int
	Charts                             []chart
	Kinds                              [][]string
	Faults                             []faultView
	Failovers                          [][]string
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
	Proof  []proofRow
	More   []proofRow // beyond what fits the first view
	Rest   int        // events of the proof that are not told here
	Scene  scene
}

type proofRow struct{ Index, Time, Exact, Link, Node, What, Hold, Token, Value, Text string }

type faultView struct {
	ID, Fault, When, Mark, Status, Nodes, Span, Link, Seen, Expect string
	Edges                                                          []nemesis.EdgeReceipt
}

type checkView struct {
	checkers.Check
	Mark string
}

// maxReport is what a report may take, in bytes.
const maxReport = 5_000_000

// Of a proof the first rows are shown, further ones are folded, and beyond maxProof they are only counted.
const (
	proofRows = 12
	maxProof  = 40
)

// writePage writes the report of a judged bundle. The timeline gets the room that everything else leaves.
func (b *Bundle) writePage(w io.Writer) error {
	t := b.timeline()
	p, err := b.page(t)
	if err != nil {
		return err
	}
	var rest bytes.Buffer
	if err := pageTemplate.Execute(&rest, p); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	const coarse = 1000 // for the words on what was left out
	data, d, err := t.pack(maxReport - rest.Len() - coarse)
	if err != nil {
		return err
	}
	p.Data, p.Coarse = template.HTML(data), d.words()
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is everything but the timeline's data.
func (b *Bundle) page(t timeline) (page, error) {
	v := *b.Verdict
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
		Class: v.Outcome.String(), Word: outcomeWords[v.Outcome], Mark: outcomeMarks[v.Outcome], Sentence: sentence(v),
		Policy: fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'; script-src '%s'", hash(pageStyle), hash(pageScript)),
		Style:  template.CSS(pageStyle), Script: template.JS(pageScript),
		Run: b.what(), Facts: b.facts(ops, t), Notes: b.remarks(), Command: b.command(), Flags: b.Meta.Command, Label: t.label(len(ops)),
		Faults: b.faults(t.Zero), Floors: v.Floors, Spec: b.specFacts(), PlanText: string(plan), Logs: logs,
	}
	if b.Measures != nil {
		p.Failovers = failoverRows(b.Measures.Failovers)
	}
	p.Anomalies, p.MoreAnomalies = b.anomalies(false, 0, t)
	p.Hazards, p.MoreHazards = b.anomalies(true, len(p.Anomalies), t)
	p.Tenures, p.MoreTenures = tenureViews(t.Tenures, t.Zero)
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
			row = append(row, count(n))
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
		{"Ops", count(len(ops)) + " in " + short(t.To-t.Zero)},
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
	return fmt.Sprintf("Every op is here, but there are so many that their times are rounded to %s and their keys, values and holds are left out; history.rvn has them. The tables of this page are exact.", short(d.Unit))
}

// anomalies are the violations or the hazards that are told in full, numbered on, and how many are not.
func (b *Bundle) anomalies(hazards bool, before int, t timeline) (out []anomalyView, more int) {
	list, more := first(anomalies(*b.Verdict, hazards))
	for i, a := range list {
		out = append(out, b.anomaly(a, before+i+1, t))
	}
	return out, more
}

func (b *Bundle) anomaly(a checkers.Anomaly, number int, t timeline) anomalyView {
	v := anomalyView{Anomaly: a, Number: number}
	mark := t.Anomalies[number-1]
	for i, e := range mark.Proof {
		if i < proofRows {
			v.Proof = append(v.Proof, proofOf(e, t.Zero))
		} else {
			v.More = append(v.More, proofOf(e, t.Zero))
		}
	}
	v.Rest = max(0, len(a.Proof)-maxProof)
	if mark.From != 0 {
		v.Link = moment(mark.From-t.Zero, mark.To-t.Zero)
		v.Scene = b.scene(sceneNodes(a, mark.Proof), mark.From, mark.To, t.Zero)
	}
	return v
}

// sceneNodes are those that the anomaly and its proof name.
func sceneNodes(a checkers.Anomaly, proof []history.Event) []string {
	nodes := slices.Clone(a.Nodes)
	for _, e := range proof {
		if e.Node != "" && !slices.Contains(nodes, e.Node) {
			nodes = append(nodes, e.Node)
		}
	}
	return nodes
}

func proofOf(e history.Event, zero int64) proofRow {
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
			ID: r.Step.ID, Fault: faultWords(r.Step.Fault), When: whenWords(r.Step), Mark: statusMarks[r.Status], Status: string(r.Status),
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
			out = append(out, faultView{ID: s.ID, Fault: faultWords(s.Fault), When: whenWords(s), Mark: "✕", Status: "no receipt", Seen: "the run ended before anything was known of it"})
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
		{"Servers", fmt.Sprintf("%d from %s, on %s", s.Servers, cmp.Or(s.Image, s.Suite), s.Cluster)},
		{"ZooKeeper", b.Meta.ZooKeeper},
		{"Participants' image", s.Participant},
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
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}
