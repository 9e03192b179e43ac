//go:build browser

package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// tab is a browser with what it asked for and complained of.
type tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex
	requests []string
	console  []string
}

func open(t *testing.T, width, height int64) *tab {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(int(width), int(height)))
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
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, height)))
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

func (p *tab) goTo(address string) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p, chromedp.Navigate(address)))
}

func eval[T any](p *tab, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p, chromedp.Evaluate[T](script))
	require.NoError(p.t, err, script)
	return v
}

func (p *tab) shot(name string) {
	png, err := chromedp.Run(p, chromedp.FullScreenshot(100))
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(p.t.ArtifactDir(), name+".png"), png, 0o644))
}

// quiet checks that the pages asked nobody but this server, and that the browser complained of nothing.
func (p *tab) quiet(address string) {
	p.t.Helper()
	eval[int](p, "1") // whatever was sent before has been heard by now
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		require.True(p.t, strings.HasPrefix(r, address), r)
	}
	require.Empty(p.t, p.console)
}

func TestPagesInABrowser(t *testing.T) {
	root, runs := example(t)
	h := serverOf(t, root)
	for _, size := range [][2]int64{{1400, 900}, {420, 800}} {
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) {
			p := open(t, size[0], size[1])
			for _, path := range []string{"/", "/grid", "/trends", "/compare?a=" + runs[0] + "&b=" + runs[1]} {
				p.goTo(h.URL + path)
				require.LessOrEqual(t, eval[int64](p, "document.documentElement.scrollWidth"), size[0], "nothing sticks out sideways of %s", path)
				require.NotEmpty(t, eval[string](p, "document.querySelector('h1').textContent"), path)
				require.Zero(t, eval[int](p, "document.scripts.length + document.images.length"), "what a system said is text: %s", path)
				p.shot(strings.NewReplacer("/", "at-", "?", "-").Replace(strings.SplitN(path, "?", 2)[0]))
			}
			p.quiet(h.URL)
		})
	}
}

// A person looks for a run, sorts, compares two, and opens a report, whose script runs although it is in a sandbox.
func TestWayToAReport(t *testing.T) {
	root, runs := example(t)
	h := serverOf(t, root)
	p := open(t, 1400, 900)
	wait := func(what string) {
		t.Helper()
		require.Eventually(t, func() bool { // a page that is being left can not be asked
			is, err := chromedp.Run(p, chromedp.Evaluate[bool]("!!("+what+")"))
			return err == nil && is
		}, time.Minute, 10*time.Millisecond, what)
	}
	p.goTo(h.URL)
	eval[bool](p, "document.querySelector('[name=q]').value = 'holders'; document.querySelector('.filters').requestSubmit(); true")
	wait("location.search.includes('holders') && document.querySelectorAll('tbody tr').length === 1")
	p.goTo(h.URL)
	eval[bool](p, "[...document.querySelectorAll('thead a')].find(a => a.textContent === 'verdict').click(); true")
	wait("location.search.includes('-outcome') && document.querySelector('tbody .v').classList.contains('violation')")
	eval[bool](p, fmt.Sprintf("document.querySelector('[name=a][value=%q]').click(); document.querySelector('[name=b][value=%q]').click(); document.querySelector('thead button').click(); true", runs[0], runs[1]))
	wait("location.pathname === '/compare' && document.querySelectorAll('.differs').length > 2")
	p.goTo(h.URL + "/run/" + runs[1] + "/report.html")
	wait("window.__riven && __riven.ops === 1")
	eval[bool](p, "document.querySelector('[data-do=in]').click(); true")
	wait("location.hash.startsWith('#t=')")
	require.Equal(t, "null", eval[string](p, "origin"), "the report is not of our origin")
	p.quiet(h.URL)
}
