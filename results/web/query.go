package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"riven/results"
)

// query is what the address asks for.
type query struct {
	Text     string // words that must all occur
	Outcome  string
	Workload string
	Cluster  string
	Cell     string
	Day      string
	Sort     string // a key of orders; "-" before it turns it round
	Page     int    // from 1
	Live     bool   // the page loads itself again
}

const pageSize = 100

// unjudged is how a run without a verdict is asked for.
const unjudged = "unjudged"

func queryOf(v url.Values) query {
	page, err := strconv.Atoi(v.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	q := query{
		Text: v.Get("q"), Outcome: v.Get("outcome"), Workload: v.Get("workload"), Cluster: v.Get("cluster"), Cell: v.Get("cell"), Day: v.Get("day"),
		Sort: v.Get("sort"), Page: page, Live: v.Get("live") != "",
	}
	if orders[strings.TrimPrefix(q.Sort, "-")] == nil {
		q.Sort = "-started"
	}
	return q
}

// orders are what runs can be sorted by.
var orders = map[string]func(a, b results.Digest) int{
	"started": func(a, b results.Digest) int { return a.Started.Compare(b.Started) },
	"outcome": func(a, b results.Digest) int { return cmp.Compare(rank(a.Outcome), rank(b.Outcome)) },
	"cell":    func(a, b results.Digest) int { return cmp.Compare(a.Cell, b.Cell) },
	"seed":    func(a, b results.Digest) int { return cmp.Compare(a.Seed, b.Seed) },
	"ops":     func(a, b results.Digest) int { return cmp.Compare(a.OK, b.OK) },
	"rate":    func(a, b results.Digest) int { return cmp.Compare(a.PerSecond, b.PerSecond) },
	"faults":  func(a, b results.Digest) int { return cmp.Compare(a.Applied, b.Applied) },
}

// outcomes from the best to the worst.
var outcomes = []string{"pass", "inconclusive", unjudged, "error", "violation"}

func rank(outcome string) int { return slices.Index(outcomes, cmp.Or(outcome, unjudged)) }

// find gives the runs that are asked for, in the order that is asked for.
func (q query) find(all []results.Digest) []results.Digest {
	words := strings.Fields(strings.ToLower(q.Text))
	var out []results.Digest
	for _, d := range all {
		if q.fits(d) && containsAll(d, words) {
			out = append(out, d)
		}
	}
	key, down := strings.CutPrefix(q.Sort, "-")
	order := orders[key]
	slices.SortStableFunc(out, func(a, b results.Digest) int {
		if down {
			a, b = b, a
		}
		return order(a, b)
	})
	return out
}

func (q query) fits(d results.Digest) bool {
	for _, x := range [][2]string{
		{q.Outcome, cmp.Or(d.Outcome, unjudged)}, {q.Workload, d.Workload}, {q.Cluster, d.Cluster}, {q.Cell, d.Cell}, {q.Day, d.Day()},
	} {
		if x[0] != "" && x[0] != x[1] {
			return false
		}
	}
	return true
}

func containsAll(d results.Digest, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join([]string{
		d.Run, d.Cell, d.Sentence, strings.Join(d.Claims, " "), strings.Join(d.Defects, " "), d.Riven, d.Commit, d.ZooKeeper, strconv.FormatUint(d.Seed, 10),
	}, "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// With is the address of the same query with one thing changed; everything but a page leads to the first page.
func (q query) With(key, value string) string {
	v := url.Values{}
	for _, x := range [][2]string{
		{"q", q.Text}, {"outcome", q.Outcome}, {"workload", q.Workload}, {"cluster", q.Cluster}, {"cell", q.Cell}, {"day", q.Day}, {"sort", q.Sort},
	} {
		if x[1] != "" {
			v.Set(x[0], x[1])
		}
	}
	if v.Get("sort") == "-started" {
		v.Del("sort")
	}
	if value == "" {
		v.Del(key)
	} else {
		v.Set(key, value)
	}
	return "/?" + v.Encode()
}

// Order is the address that sorts by the key, or turns the order round if it is sorted by it already.
func (q query) Order(key string) string {
	if q.Sort == "-"+key {
		return q.With("sort", key)
	}
	return q.With("sort", "-"+key)
}

// Sorted is how a column is sorted, for the accessibility tree.
func (q query) Sorted(key string) string {
	switch q.Sort {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return "none"
}
