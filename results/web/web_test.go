package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// evil is what a system under test may have said.
const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>`

type made struct {
	outcome  checkers.Outcome
	sentence string
	after    time.Duration
	change   func(*spec.Spec)
}

// bundle makes a judged bundle and gives its folder's name.
func bundle(t testing.TB, root string, m made) string {
	s := spec.Default()
	if m.change != nil {
		m.change(&s)
	}
	r, err := results.Create(root, s, began.Add(m.after))
	require.NoError(t, err)
	at := func(ms int64) int64 { return ms * int64(time.Millisecond) }
	for i, e := range []history.Event{
		{Time: at(0), Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseOps}},
		{Time: at(10), Type: history.Invoke, Node: "p1", ID: 1, Op: history.Op{F: "acquire"}},
		{Time: at(30), Type: history.OK, Node: "p1", ID: 1, Op: history.Op{F: "acquire", Text: evil}},
		{Time: at(1000), Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseHeal}},
	} {
		e.Index = i
		r.Record(e)
	}
	require.NoError(t, r.Plan(nemesis.Plan{Policy: "seeded", Seed: s.Seed}))
	require.NoError(t, r.Close())
	b, err := results.Open(r.Dir)
	require.NoError(t, err)
	v := checkers.Verdict{Version: 1, Outcome: m.outcome, Sentence: m.sentence, Checks: []checkers.Check{{Claim: checkers.ClaimExclusion, Outcome: m.outcome, Engine: "resource order", Detail: evil}}}
	require.NoError(t, b.WriteAll(v))
	return filepath.Base(r.Dir)
}

func example(t testing.TB) (root string, runs []string) {
	root = t.TempDir()
	counter := func(s *spec.Spec) { s.Workload, s.Recipe = "counter", "cas" }
	for _, m := range []made{
		{outcome: checkers.Pass, sentence: "The lock held."},
		{outcome: checkers.Violation, sentence: "Two holders: " + evil, after: 24 * time.Hour, change: func(s *spec.Spec) { s.Seed = 41 }},
		{outcome: checkers.Inconclusive, sentence: "Too little happened.", after: 25 * time.Hour, change: counter},
		{outcome: checkers.Pass, sentence: "The counter held.", after: 49 * time.Hour, change: counter},
	} {
		runs = append(runs, bundle(t, root, m))
	}
	return root, runs
}

func serverOf(t testing.TB, root string) *httptest.Server {
	s, err := New(root)
	require.NoError(t, err)
	h := httptest.NewServer(onlyLocal(secure(s.mux)))
	t.Cleanup(h.Close)
	return h
}

func get(t testing.TB, address string) (status int, header http.Header, body string) {
	res, err := http.Get(address)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(b)
}

func TestFind(t *testing.T) {
	root, runs := example(t)
	all, _, err := results.Index(root)
	require.NoError(t, err)
	for address, want := range map[string][]int{
		"":                                     {3, 2, 1, 0},
		"sort=started":                         {0, 1, 2, 3},
		"sort=-outcome":                        {1, 2, 3, 0},
		"sort=nonsense&page=-7":                {3, 2, 1, 0},
		"outcome=violation":                    {1},
		"workload=counter":                     {3, 2},
		"workload=counter&outcome=violation":   {},
		"q=41":                                 {1},
		"q=HELD+counter":                       {3},
		"day=2026-01-03":                       {2, 1},
		"cluster=sim":                          {},
		"cell=" + url.QueryEscape(all[0].Cell): {3, 2},
	} {
		v, err := url.ParseQuery(address)
		require.NoError(t, err)
		got := []int{}
		for _, d := range queryOf(v).find(all) {
			for i, r := range runs {
				if d.Run == r {
					got = append(got, i)
				}
			}
		}
		require.Equal(t, want, got, address)
	}
}

func TestPages(t *testing.T) {
	root, runs := example(t)
	h := serverOf(t, root)
	for path, has := range map[string][]string{
		"/":                   {"4 of 4 runs", "The counter held.", "1 violation", `href="/run/` + runs[0] + `/report.html"`},
		"/?q=held":            {"2 of 4 runs"},
		"/?q=nothing-like-it": {"0 of 4 runs", "No run fits."},
		"/grid":               {"2026-01-02", "2026-01-03", "2026-01-04", "1 violation"},
		"/trends":             {"Passed", "Throughput", "79 %"},
		"/compare?a=" + runs[0] + "&b=" + runs[1]: {"≠", "Two holders", "resource order"},
		"/style.css": {"--violation"},
	} {
		status, header, body := get(t, h.URL+path)
		require.Equal(t, http.StatusOK, status, path)
		require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", path)
		for _, text := range has {
			require.Contains(t, body, text, path)
		}
		require.NotContains(t, body, "<script>alert", path)
		require.NotContains(t, body, "<img", path)
	}
	_, _, body := get(t, h.URL+"/api/runs?outcome=violation")
	var list []results.Digest
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list, 1)
	require.Equal(t, runs[1], list[0].Run)
}

func TestFilesOfABundle(t *testing.T) {
	root, runs := example(t)
	require.NoError(t, os.WriteFile(filepath.Join(root, "secret"), []byte("s"), 0o644))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(root, runs[0], "logs", "link.log")))
	h := serverOf(t, root)
	status, header, body := get(t, h.URL+"/run/"+runs[0]+"/report.html")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "sandbox allow-scripts; frame-ancestors 'none'", header.Get("Content-Security-Policy"))
	require.Contains(t, body, "Riven")
	for path, want := range map[string]int{
		"/run/" + runs[0] + "/verdict.json":              http.StatusOK,
		"/run/" + runs[0] + "/nothing":                   http.StatusNotFound,
		"/run/" + runs[0] + "/logs/link.log":             http.StatusNotFound,
		"/run/" + runs[0] + "/%2e%2e/secret":             http.StatusNotFound,
		"/run/%2e%2e/" + filepath.Base(root) + "/secret": http.StatusNotFound,
		"/run/nobody/report.html":                        http.StatusNotFound,
		"/compare?a=" + runs[0]:                          http.StatusBadRequest,
		"/compare?a=..&b=" + runs[0]:                     http.StatusNotFound,
		"/compare?a=nobody&b=" + runs[0]:                 http.StatusNotFound,
		"/else":                                          http.StatusNotFound,
	} {
		status, _, body := get(t, h.URL+path)
		require.Equal(t, want, status, "%s: %.100s", path, body)
	}
}

// A page elsewhere that has its name point here is refused; this machine by any of its names is not.
func TestOnlyThisMachine(t *testing.T) {
	root, _ := example(t)
	h := serverOf(t, root)
	for host, want := range map[string]int{
		"evil.example": http.StatusForbidden, "evil.example:7480": http.StatusForbidden, "127.0.0.1.evil.example": http.StatusForbidden,
		"localhost": http.StatusOK, "localhost:7480": http.StatusOK, "127.0.0.1:1": http.StatusOK, "[::1]:7480": http.StatusOK,
	} {
		r, err := http.NewRequest(http.MethodGet, h.URL, nil)
		require.NoError(t, err)
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, host)
	}
}

func TestPagesOfManyRuns(t *testing.T) {
	var all []results.Digest
	for i := range 250 {
		all = append(all, results.Digest{Run: fmt.Sprint(i), Started: began.Add(time.Duration(-i) * time.Hour)})
	}
	p := pageOf(all, nil, query{Sort: "-started", Page: 2})
	require.Equal(t, []any{101, 200, 250, "/?page=1", "/?page=3"}, []any{p.From, p.To, p.Found, p.Before, p.After})
	require.Equal(t, "100", p.Runs[0].Run)
	p = pageOf(all, nil, query{Sort: "-started", Page: 99})
	require.Equal(t, []any{201, 250, "/?page=2", ""}, []any{p.From, p.To, p.Before, p.After})
	require.Equal(t, 250, p.Running)
}

func TestGrid(t *testing.T) {
	at := func(day int, cell, outcome string) results.Digest {
		return results.Digest{Cell: cell, Outcome: outcome, Started: began.AddDate(0, 0, day)}
	}
	g := gridOf([]results.Digest{at(0, "a", "pass"), at(0, "a", "violation"), at(0, "a", "pass"), at(1, "b", ""), at(1, "a", "pass")})
	require.Equal(t, []string{"2026-01-02", "2026-01-03"}, g.Days)
	require.Equal(t, []gridRow{
		{Cell: "a", Link: "/trends?cell=a", Spots: []spot{
			{Link: "/?cell=a&day=2026-01-02", Runs: 3, Worst: "violation", Detail: "1 violation 2 pass "}, {Link: "/?cell=a&day=2026-01-03", Runs: 1, Worst: "pass", Detail: "1 pass "}}},
		{Cell: "b", Link: "/trends?cell=b", Spots: []spot{{Link: "/?cell=b&day=2026-01-02"}, {Link: "/?cell=b&day=2026-01-03", Runs: 1, Worst: "unjudged", Detail: "1 unjudged "}}},
	}, g.Rows)
	var many []results.Digest
	for i := range nights + 3 {
		many = append(many, at(i, "a", "pass"))
	}
	require.Equal(t, 3, gridOf(many).More)
	require.Len(t, gridOf(many).Days, nights)
}

func TestTrends(t *testing.T) {
	run := func(day int, outcome string, rate float64, elections ...float64) results.Digest {
		return results.Digest{Outcome: outcome, Started: began.AddDate(0, 0, day), Measures: results.Measures{Seconds: 1, PerSecond: rate, Elections: elections}}
	}
	charts := trendsOf([]results.Digest{run(0, "pass", 10, 300, 100), run(0, "violation", 30, 200), run(1, "pass", 20), run(1, "", 0)})
	require.Len(t, charts, 3, "there is no recovery to show")
	passed, rate, elected := charts[0], charts[1], charts[2]
	require.Equal(t, []string{"Passed", "Throughput", "Elections"}, []string{passed.Title, rate.Title, elected.Title})
	require.Equal(t, point{Day: "2026-01-02", Value: "50 %", Low: "9.5 %", High: "91 %", Runs: 2, X: passed.Points[0].X, Y: passed.Points[0].Y, Top: passed.Points[0].Top, Under: passed.Points[0].Under}, passed.Points[0])
	require.Equal(t, []string{"200 ms", "100 ms", "300 ms"}, []string{elected.Points[0].Value, elected.Points[0].Low, elected.Points[0].High})
	require.Len(t, elected.Points, 1)
	require.Len(t, passed.Points, 2)
}

func TestNiceSteps(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, 1: .2, 5: 1, 9: 2, 100: 20, 320: 100, 0.03: 0.01} {
		require.InDelta(t, want, niceStep(most), 1e-9, "%v", most)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	root, _ := example(t)
	s, err := New(root)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, l) }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + l.Addr().String())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, res.Body.Close())
	cancel()
	require.NoError(t, <-ended)
	_, err = New(filepath.Join(root, "nowhere"))
	require.ErrorContains(t, err, "read the folder of bundles: open ")
}
