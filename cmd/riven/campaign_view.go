package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"riven/harness/campaign"
	"riven/results"
)

// campaignView shows how a campaign goes: a table that is redrawn on a terminal, a line a run elsewhere.
type campaignView struct {
	out  io.Writer
	size func() (columns, rows int) // of the terminal; nil: there is none

	mu    sync.Mutex
	last  results.Campaign
	now   *campaign.Run
	since time.Time
	drawn int // lines that the table takes
	stop  chan struct{}
	ended sync.WaitGroup
}

func newCampaignView(out io.Writer) *campaignView {
	v := &campaignView{out: out, stop: make(chan struct{})}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		v.size = func() (int, int) {
			columns, rows, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80, 24
			}
			return columns, rows
		}
		v.ended.Go(v.ticking)
	}
	return v
}

// ticking keeps the clock of the run under way going.
func (v *campaignView) ticking() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			v.mu.Lock()
			v.draw()
			v.mu.Unlock()
		case <-v.stop:
			return
		}
	}
}

// Printf prints a line of its own.
func (v *campaignView) Printf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	fmt.Fprintf(v.out, format+"\n", args...)
	v.draw()
}

// Show shows the campaign as it is now.
func (v *campaignView) Show(c func() results.Campaign, now *campaign.Run) {
	if v.size == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last, v.now, v.since = c(), now, time.Now()
	v.draw()
}

func (v *campaignView) draw() {
	if v.size == nil || v.last.Name == "" {
		return
	}
	columns, rows := v.size()
	lines := tableLines(v.last, v.now, time.Since(v.since), rows-2)
	v.clear()
	for _, l := range lines {
		fmt.Fprintln(v.out, fit(l, columns))
	}
	v.drawn = len(lines)
}

// tableLines is the table with at most so many lines: cells under way and those that are not well come first to be shown.
func tableLines(c results.Campaign, now *campaign.Run, since time.Duration, room int) []string {
	head := fmt.Sprintf("%s: %s", c.Title(), c.Sentence())
	if now != nil {
		head += fmt.Sprintf("; now %s #%d, %s", now.Cell.ID, now.N, since.Round(time.Second))
	}
	width, urgent, calm := 0, []results.CampaignCell{}, []results.CampaignCell{}
	for _, x := range c.Cells {
		width = max(width, len(x.Runs)+2)
		if now != nil && x.ID == now.Cell.ID || strings.ContainsAny(x.Marks(), "✕!?") != x.Canary {
			urgent = append(urgent, x)
		} else {
			calm = append(calm, x)
		}
	}
	width = min(width, 24)
	lines := []string{head}
	all := append(urgent, calm...)
	for i, x := range all {
		if len(lines) >= room-1 && i < len(all)-1 {
			return append(lines, fmt.Sprintf("… and %d more cells", len(all)-i))
		}
		line := fmt.Sprintf("  %-*s %s", width, x.Marks(), x.ID)
		if r := x.Remark(); r != "" {
			line += "  " + r
		}
		lines = append(lines, line)
	}
	return lines
}

func (v *campaignView) clear() {
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// done takes the table away: what came of the campaign is printed after it.
func (v *campaignView) done() {
	close(v.stop)
	v.ended.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
}
