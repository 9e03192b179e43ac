//go:build browser

package results

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/nemesis"
)

// tab is a page of a report, opened from disk, with what it asked for and complained of.
type tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex
	requests []string
	console  []string
}

// drawn is what the timeline tells of itself.
type drawn struct {
	Ops, Drawn, Holds, Accesses, Lanes, Faults, Anomalies, Current int
	Unit                                                           int64
	View                                                           [2]float64
	Took                                                           float64
}

type look struct {
	width, height int64
	scheme        string
	fragment      string
	noScript      bool
}

var desktop = look{width: 1280, height: 800, scheme: "light"}

func openReport(t *testing.T, b *Bundle, l look) *tab {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(int(l.width), int(l.height)))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() { chromedp.Cancel(ctx); cancel() })
	p := &tab{Context: ctx, t: t}
	require.NoError(t, chromedp.Listen(ctx, p.hear))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(l.width, l.height)))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.noScript})
	require.NoError(t, err)
	path, err := filepath.Abs(b.ReportPath())
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("file://"+path+l.fragment)))
	if !l.noScript {
		_, err = chromedp.Run(ctx, chromedp.Poll[bool]("!!window.__riven"))
		require.NoError(t, err)
	}
	return p
}

func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		p.console = append(p.console, fmt.Sprint(e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		p.console = append(p.console, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.console = append(p.console, e.Entry.Text)
	}
}

func eval[T any](p *tab, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p, chromedp.Evaluate[T](script))
	require.NoError(p.t, err, script)
	return v
}

func (p *tab) drawn() drawn { return eval[drawn](p, "window.__riven") }

// frames presses the key a few times and tells how long the drawings took that followed.
func (p *tab) frames(key string) string {
	p.t.Helper()
	var took []float64
	for range 15 {
		eval[int](p, "__riven.took = -1")
		require.NoError(p.t, chromedp.Do(p, chromedp.KeyEvent(key)))
		_, err := chromedp.Run(p, chromedp.Poll[bool]("__riven.took >= 0"))
		require.NoError(p.t, err)
		took = append(took, p.drawn().Took)
	}
	slices.Sort(took)
	return fmt.Sprintf("%.1f to %.1f ms, median %.1f", took[0], took[len(took)-1], took[len(took)/2])
}

func (p *tab) shot(name string) {
	png, err := chromedp.Run(p, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(p.t.ArtifactDir(), name+".png"), png, 0o644))
}

// requireQuiet checks that the page asked for nothing but itself and complained of nothing.
func (p *tab) requireQuiet() {
	p.t.Helper()
	eval[int](p, "1") // whatever was sent before has been heard by now
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(p.t, p.requests, 1, "%v", p.requests)
	require.Empty(p.t, p.console)
}

func TestReportInABrowser(t *testing.T) {
	b := newExample(1).write(t)
	ops, accesses := joinOps(b.History), 0
	for _, e := range b.History {
		if e.Type == history.Access {
			accesses++
		}
	}
	for _, l := range []look{desktop, {width: 420, height: 800, scheme: "dark"}, {width: 1600, height: 1000, scheme: "dark"}} {
		t.Run(fmt.Sprintf("%dx%d %s", l.width, l.height, l.scheme), func(t *testing.T) {
			p := openReport(t, b, l)
			got := p.drawn()
			got.Took = 0
			require.Equal(t, drawn{
				Ops: len(ops), Drawn: len(ops), Accesses: accesses, Holds: len(holds(b.History)), Lanes: 7, Faults: 3, Anomalies: 2, Current: -1, Unit: 1000, View: got.View,
			}, got)
			require.LessOrEqual(t, eval[int64](p, "document.documentElement.scrollWidth"), l.width, "nothing sticks out sideways")
			p.shot("top")
			full, err := chromedp.Run(p, chromedp.FullScreenshot(100))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "full.png"), full, 0o644))
			p.requireQuiet()
		})
	}
}

// Terms, partitions and health have rows of their own, above the nodes, and a table.
func TestTenuresInABrowser(t *testing.T) {
	x := newExample(1)
	x.more = terms(x.boot+2*s, s)
	p := openReport(t, x.write(t), desktop)
	require.Equal(t, 6, eval[int](p, "__riven.tenures"))
	require.Equal(t, 6, eval[int](p, "document.querySelectorAll('.tenures tbody tr').length"))
	p.shot("tenures")
	full, err := chromedp.Run(p, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "full.png"), full, 0o644))
	p.requireQuiet()
}

func TestProofIsSeenWithoutScrolling(t *testing.T) {
	b := newExample(1).write(t)
	p := openReport(t, b, desktop)
	for _, what := range []string{"h1", ".lead", ".anomaly .sentence", ".anomaly table"} {
		bottom := eval[float64](p, fmt.Sprintf("document.querySelector(%q).getBoundingClientRect().bottom", what))
		require.Less(t, bottom, float64(desktop.height), what)
	}
	require.Equal(t, proof(*b.Verdict), eval[string](p, "document.querySelector('.anomaly .sentence').textContent"))
	rows := eval[[]string](p, "[...document.querySelectorAll('.anomaly table')[0].tBodies[0].rows].map(r => r.innerText.replaceAll('\\t', '|'))")
	require.Len(t, rows, 3)
	require.Contains(t, rows[2], "|p3|access ")
}

func TestKeyboard(t *testing.T) {
	b := newExample(1).write(t)
	p := openReport(t, b, desktop)
	whole := p.drawn().View
	press := func(key string, until string) drawn {
		t.Helper()
		require.NoError(t, chromedp.Do(p, chromedp.KeyEvent(key)))
		_, err := chromedp.Run(p, chromedp.Poll[bool](until))
		require.NoError(t, err, "%s: %s", key, until)
		return p.drawn()
	}
	a := anomalies(*b.Verdict, false)[0]
	from, to := float64(a.From-zero(b.History))/1e9, float64(a.To-zero(b.History))/1e9

	at := press("n", "__riven.current === 0 && location.hash.startsWith('#t=')")
	require.Less(t, at.View[0], from)
	require.Greater(t, at.View[1], to)
	require.Less(t, at.View[1]-at.View[0], 2*(to-from)+1)
	require.Equal(t, fmt.Sprintf("#t=%.6f,%.6f", at.View[0], at.View[1]), eval[string](p, "location.hash"))
	require.True(t, eval[bool](p, "(r => r.top >= 0 && r.bottom <= innerHeight)(document.getElementById('canvas').getBoundingClientRect())"), "the timeline has come into view")
	require.Contains(t, eval[string](p, "document.getElementById('said').textContent"), a.Sentence)
	p.shot("anomaly")

	press("n", "__riven.current === 1")
	press("0", "__riven.view[1] - __riven.view[0] === "+fmt.Sprint(whole[1]-whole[0])+" && !location.hash")
	zoomed := press("w", fmt.Sprintf("__riven.view[1] - __riven.view[0] < %f", whole[1]-whole[0]-1))
	press("d", fmt.Sprintf("__riven.view[0] > %f", zoomed.View[0]+.001))
	back := press("a", fmt.Sprintf("Math.abs(__riven.view[0] - %f) < .001", zoomed.View[0]))
	press("s", fmt.Sprintf("__riven.view[1] - __riven.view[0] > %f", back.View[1]-back.View[0]+1))
	p.requireQuiet()
}

func TestMouse(t *testing.T) {
	p := openReport(t, newExample(1).write(t), desktop)
	require.NoError(t, chromedp.Do(p, chromedp.ScrollIntoView(chromedp.CSS("#canvas")), chromedp.Click(chromedp.CSS("[data-do=in]"))))
	_, err := chromedp.Run(p, chromedp.Poll[bool]("location.hash.startsWith('#t=')"))
	require.NoError(t, err)
	box := eval[[2]float64](p, "(r => [r.left, r.top])(document.getElementById('canvas').getBoundingClientRect())")
	before := p.drawn().View
	require.NoError(t, chromedp.Do(p, chromedp.DragAndDropXY(box[0]+600, box[1]+150, box[0]+300, box[1]+150, 3)))
	_, err = chromedp.Run(p, chromedp.Poll[bool](fmt.Sprintf("__riven.view[0] > %f", before[0]+1)))
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(p, chromedp.MouseEvent("mouseMoved", box[0]+500, box[1]+130)))
	_, err = chromedp.Run(p, chromedp.Poll[bool]("!document.getElementById('tip').hidden && document.getElementById('tip').textContent.length > 5"))
	require.NoError(t, err)
	p.shot("tip")
	p.requireQuiet()
}

func TestAMillionOps(t *testing.T) {
	b := busy(t, 1_000_000)
	requireSmall(t, b)
	p := openReport(t, b, desktop)
	got := p.drawn()
	require.Equal(t, 1_000_000, got.Ops)
	require.Equal(t, 1_000_000, got.Drawn)
	t.Logf("times in units of %d ns, drawn at first in %.0f ms", got.Unit, got.Took)
	t.Logf("the whole run is drawn in %s", p.frames("0"))
	t.Logf("zoomed in it is drawn in %s", p.frames("w"))
	require.Contains(t, eval[string](p, "document.querySelector('#timeline .notes:not(noscript *)').textContent"), "Every op is here")
	p.shot("million")
	p.requireQuiet()
}

func TestAnAddressNamesAMoment(t *testing.T) {
	l := desktop
	l.fragment = "#t=20.000000,21.500000"
	p := openReport(t, newExample(1).write(t), l)
	view := p.drawn().View
	require.InDelta(t, 20, view[0], 1e-4)
	require.InDelta(t, 21.5, view[1], 1e-4)
	require.NoError(t, chromedp.Do(p, chromedp.Click(chromedp.CSS(".proof a"))))
	_, err := chromedp.Run(p, chromedp.Poll[bool]("__riven.view[1] < 18"))
	require.NoError(t, err, "a time of the proof leads to its moment")
	p.requireQuiet()
}

func TestWithoutScripts(t *testing.T) {
	b := newExample(1).write(t)
	l := desktop
	l.noScript = true
	p := openReport(t, b, l)
	text, err := chromedp.Run(p, chromedp.Text(chromedp.CSS("body")))
	require.NoError(t, err)
	for _, want := range []string{"Violation", proof(*b.Verdict), b.command(), "partition from servers", "hand-overs", "The timeline needs scripts"} {
		require.Contains(t, text, want)
	}
	p.requireQuiet()
}

// hostile is a run in which everything that a system under test may say is markup.
func TestNothingThatANodeSaysIsMarkup(t *testing.T) {
	const evil = `</script><img src=x onerror=alert(1)>`
	r := create(t)
	for i, typ := range []history.Type{history.Invoke, history.Info, history.Access, history.Note, history.Role} {
		r.Record(history.Event{Time: int64(i+1) * s, Type: typ, Node: "p1", ID: 1, Error: evil, Op: history.Op{F: evil, Key: evil, Hold: evil, Text: evil, Token: 1}})
	}
	require.NoError(t, r.Receipt(nemesis.Receipt{Status: evil, Why: evil, Nodes: []string{evil}, Begin: s, Step: nemesis.Step{ID: evil, Fault: nemesis.Fault{Kind: evil}}}))
	_, err := r.Log("<img onerror=alert(1)>").Write([]byte(evil))
	require.NoError(t, err)
	require.NoError(t, r.Describe(func(m *Meta) { m.Command = evil }))
	require.NoError(t, r.Close())
	b, err := Open(r.Dir)
	require.NoError(t, err)
	require.NoError(t, b.WriteAll(checkers.Verdict{Outcome: checkers.Violation, Sentence: evil, Reasons: []string{evil}, Floors: []checkers.Floor{{Name: evil}}, Checks: []checkers.Check{
		{Claim: evil, Rule: evil, Engine: evil, Detail: evil, Outcome: checkers.Violation, Anomalies: []checkers.Anomaly{{Claim: evil, Sentence: evil, Proof: []int{0, 1, 2, 3, 4, 99}, Place: evil}}}}}))
	p := openReport(t, b, desktop)
	require.Equal(t, 1, p.drawn().Drawn)
	require.Equal(t, evil, eval[string](p, "document.querySelector('.lead').textContent"))
	require.Zero(t, eval[int](p, "document.querySelectorAll('img').length"))
	require.Equal(t, 2, eval[int](p, "document.scripts.length + !document.getElementById('data')"))
	p.requireQuiet()
	for _, name := range []string{fileReport, fileJUnit, fileSummary} {
		content, err := os.ReadFile(filepath.Join(b.Dir, name))
		require.NoError(t, err)
		content = bytes.ReplaceAll(content, []byte(fence(evil)), nil) // in Markdown the command stands in a fence, as it is
		require.NotContains(t, string(content), "<img", name)
	}
}

func TestPrintedReportHasTheVerdict(t *testing.T) {
	b := newExample(1).write(t)
	l := desktop
	l.scheme = "dark"
	p := openReport(t, b, l)
	pdf, err := chromedp.Run(p, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground(), chromedp.PDFOutlineAndTagged()))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "report.pdf"), pdf, 0o644))
	for _, heading := range []string{"Violation", "Timeline", "Checks"} {
		require.True(t, inOutline(pdf, heading), heading)
	}
	require.Equal(t, p.drawn().Ops, p.drawn().Drawn, "back to what it was")
	_, err = chromedp.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	require.NoError(t, err)
	text, err := chromedp.Run(p, chromedp.Text(chromedp.CSS("body")))
	require.NoError(t, err)
	require.Contains(t, text, proof(*b.Verdict))
	p.requireQuiet()
}

// inOutline looks for a bookmark of the PDF that ends in the heading: text as it is, or UTF-16 in hex digits.
func inOutline(pdf []byte, heading string) bool {
	var wide []byte
	for _, u := range utf16.Encode([]rune(heading)) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	return bytes.Contains(pdf, []byte(heading+")")) || bytes.Contains(bytes.ToLower(pdf), []byte(hex.EncodeToString(wide)+">"))
}

func TestAccessibilityTreeHasNames(t *testing.T) {
	p := openReport(t, newExample(1).write(t), desktop)
	tree, err := chromedp.Call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	require.NoError(t, err)
	named := map[string][]string{}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role, name := strings.Trim(string(n.Role.Value), `"`), ""
		if n.Name != nil {
			name = strings.Trim(string(n.Name.Value), `"`)
		}
		if slices.Contains([]string{"button", "link", "image", "img", "table", "region", "heading", "navigation", "article", "figure"}, role) {
			require.NotEmpty(t, name, "a %s without a name", role)
		}
		named[role] = append(named[role], name)
	}
	require.Contains(t, named["heading"], "Violation")
	require.Contains(t, named["region"], "Verdict")
	require.Contains(t, named["table"], "The events that prove it")
	require.Contains(t, named["button"], "Zoom in")
	require.Equal(t, "en", eval[string](p, "document.documentElement.lang"))
}
