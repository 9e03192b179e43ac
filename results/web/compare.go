package web

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"riven/results"
)

type comparePage struct {
	Tab  string
	A, B string
	Rows []compareRow
}

type compareRow struct{ Name, A, B string }

// Differs tells whether the two runs differ in it.
func (r compareRow) Differs() bool { return r.A != r.B }

func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	p := comparePage{Tab: "runs", A: r.FormValue("a"), B: r.FormValue("b")}
	var facts [2][]fact
	for i, name := range []string{p.A, p.B} {
		if name == "" {
			http.Error(w, "choose two runs to compare", http.StatusBadRequest)
			return
		}
		b, err := s.open(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		facts[i] = factsOf(b)
	}
	p.Rows = align(facts[0], facts[1])
	s.show(w, "compare", p)
}

// open reads a bundle of the folder by its name; what leads out of the folder is none.
func (s *Server) open(name string) (*results.Bundle, error) {
	if !filepath.IsLocal(name) || strings.ContainsRune(name, filepath.Separator) {
		return nil, fmt.Errorf("there is no run %q", name)
	}
	dir := filepath.Join(s.root, name)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("there is no run %q", name)
	}
	return results.OpenBrief(dir)
}

type fact struct{ name, value string }

// factsOf is all that can be set beside another run's.
func factsOf(b *results.Bundle) (out []fact) {
	d := b.Digest()
	add := func(name, format string, args ...any) { out = append(out, fact{name, fmt.Sprintf(format, args...)}) }
	add("verdict", "%s", strings.TrimSpace(d.Outcome+" "+d.Sentence))
	add("cell", "%s", d.Cell)
	add("seed", "%d", d.Seed)
	add("riven", "%s", d.Riven)
	add("commit", "%s", d.Commit)
	add("ZooKeeper", "%s", d.ZooKeeper)
	add("begun", "%s", d.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	add("faults applied of planned", "%d of %d", d.Applied, d.Planned)
	add("ops ok, failed, unknown", "%d, %d, %d", d.OK, d.Fail, d.Info)
	add("ops a second", "%.1f", d.PerSecond)
	for _, kind := range sortedKeys(d.Latency) {
		l := d.Latency[kind]
		add("latency of "+kind+", p50 p99 max in ms", "%.1f, %.1f, %.1f", l.P50, l.P99, l.Max)
	}
	if b.Verdict == nil {
		return out
	}
	for _, c := range b.Verdict.Checks {
		add("claim "+c.Claim, "%s by %s: %s", c.Outcome, c.Engine, c.Detail)
	}
	for _, f := range b.Verdict.Floors {
		add("floor "+f.Name, "%d of %d", f.Got, f.Want)
	}
	for _, r := range b.Receipts {
		add("fault "+r.Step.ID, "%s %s %s on %s", r.Step.Fault.Kind, r.Step.Fault.Shape, r.Status, strings.Join(r.Nodes, ", "))
	}
	return out
}

// align puts what both have into one row, in the order of a and then of b.
func align(a, b []fact) (rows []compareRow) {
	at := map[string]int{}
	for _, f := range slices.Concat(a, b) {
		if _, known := at[f.name]; !known {
			at[f.name] = len(rows)
			rows = append(rows, compareRow{Name: f.name})
		}
	}
	for _, f := range a {
		rows[at[f.name]].A = f.value
	}
	for _, f := range b {
		rows[at[f.name]].B = f.value
	}
	return rows
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func plural(n int, what string) string { return fmt.Sprintf("%d %s", n, what) }
