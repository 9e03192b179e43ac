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
	last  run.Status
	drawn time.Time
	ops   int // at the last drawing, for the rate
	open  bool
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
	since := time.Since(p.drawn)
	if s.Phase == p.last.Phase && since < p.every {
		return
	}
	done := s.Ops.OK + s.Ops.Fail + s.Ops.Info
	rate := 0.0
	if !p.drawn.IsZero() {
		rate = float64(done-p.ops) / since.Seconds()
	}
	p.last, p.drawn, p.ops = s, time.Now(), done
	line := fmt.Sprintf("%s  %-5s  %d ok %d fail %d info  %.0f ops/s", p.label, s.Phase, s.Ops.OK, s.Ops.Fail, s.Ops.Info, rate)
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
