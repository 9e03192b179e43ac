package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"riven/harness/run"
	"riven/harness/spec"
)

// progress shows how a run goes: one line that is redrawn on a terminal, a plain line every few seconds elsewhere.
type progress struct {
	out   *os.File
	live  bool
	every time.Duration
	label string

	mu    sync.Mutex
	phase string
	drawn time.Time
	open  bool // the cursor stands behind a status

	rate    float64 // of the last second or more
	rated   time.Time
	ratedAt int // ops then
}

func newProgress(out *os.File, s spec.Spec) *progress {
	p := &progress{out: out, live: term.IsTerminal(int(out.Fd())), every: 5 * time.Second}
	if p.live {
		p.every = 200 * time.Millisecond
	}
	p.label = fmt.Sprintf("%s/%s seed %d", s.Workload, s.Recipe, s.Seed)
	return p
}

// Printf prints a line of its own.
func (p *progress) Printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// Update draws the status.
func (p *progress) Update(s run.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Phase == p.phase && time.Since(p.drawn) < p.every {
		return
	}
	p.phase, p.drawn = s.Phase, time.Now()
	p.measure(s.Ops.OK + s.Ops.Fail + s.Ops.Info)
	line := fmt.Sprintf("%s  %-5s  %d ok %d fail %d info  %.0f ops/s", p.label, s.Phase, s.Ops.OK, s.Ops.Fail, s.Ops.Info, p.rate)
	if s.Left > 0 {
		line += fmt.Sprintf("  %v left", s.Left.Round(time.Second))
	}
	if len(s.Faults) > 0 {
		line += "  [" + strings.Join(s.Faults, "; ") + "]"
	}
	p.clear()
	if p.open = p.live; !p.live {
		fmt.Fprintln(p.out, line)
		return
	}
	columns, _, err := term.GetSize(int(p.out.Fd()))
	if err != nil {
		columns = 0
	}
	fmt.Fprint(p.out, fit(line, columns))
}

// measure takes the rate of ops anew when it has gone on for long enough to tell.
func (p *progress) measure(done int) {
	since := time.Since(p.rated)
	if p.rated.IsZero() {
		p.rated = time.Now()
	} else if since >= time.Second {
		p.rate, p.rated, p.ratedAt = float64(done-p.ratedAt)/since.Seconds(), time.Now(), done
	}
}

// fit cuts the line so that a terminal of that many columns does not wrap it, which would break redrawing. A terminal
// that does not know its width has 0.
func fit(line string, columns int) string {
	text := []rune(line)
	if columns <= 0 || len(text) < columns {
		return line
	}
	return string(text[:max(columns-2, 0)]) + "…"
}

// done leaves the terminal on a fresh line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.open = false
	}
}
