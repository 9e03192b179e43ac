package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"riven/results"
)

// words are what the templates can say.
var words = template.FuncMap{
	"mark": func(outcome string) string {
		return map[string]string{"pass": "✓", "violation": "✕", "inconclusive": "–", "error": "!", "": "…"}[outcome]
	},
	"outcome": func(outcome string) string {
		if outcome == "" {
			return unjudged
		}
		return outcome
	},
	"moment":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"rate":    func(v float64) string { return fmt.Sprintf("%.1f", v) },
	"percent": func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	"join":    func(list []string) string { return strings.Join(list, ", ") },
}

type runsPage struct {
	Tab                  string
	Query                query
	Runs                 []results.Digest
	Found, All, From, To int
	Before, After        string // addresses of the neighbour pages
	Outcomes             []count
	Workloads, Clusters  []string
	Problems             []string
	Running              int
}

type count struct {
	Name string
	N    int
}

func (s *Server) runs(w http.ResponseWriter, r *http.Request) {
	all, problems, err := s.index()
	if err != nil {
		problem(w, err)
		return
	}
	s.show(w, "runs", pageOf(all, problems, queryOf(r.URL.Query())))
}

func pageOf(all []results.Digest, problems []string, q query) runsPage {
	found := q.find(all)
	from := min((q.Page-1)*pageSize, max(len(found)-1, 0)/pageSize*pageSize)
	to := min(from+pageSize, len(found))
	p := runsPage{Tab: "runs", Query: q, Runs: found[from:to], Found: len(found), All: len(all), From: from + 1, To: to, Problems: problems}
	if from > 0 {
		p.Before = q.With("page", fmt.Sprint(from/pageSize))
	}
	if to < len(found) {
		p.After = q.With("page", fmt.Sprint(from/pageSize+2))
	}
	p.Workloads = distinct(all, func(d results.Digest) string { return d.Workload })
	p.Clusters = distinct(all, func(d results.Digest) string { return d.Cluster })
	for _, o := range slices.Backward(outcomes) {
		n := 0
		for _, d := range found {
			if rank(d.Outcome) == slices.Index(outcomes, o) {
				n++
			}
		}
		p.Outcomes = append(p.Outcomes, count{o, n})
		if o == unjudged {
			p.Running = n
		}
	}
	return p
}

func distinct(all []results.Digest, of func(results.Digest) string) []string {
	seen := map[string]bool{}
	var out []string
	for _, d := range all {
		if v := of(d); !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// api is the same list for programs: all runs that are found, without pages.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	all, _, err := s.index()
	if err != nil {
		problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(queryOf(r.URL.Query()).find(all)) // the reader may be gone
}
