package checkers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/harness/history"
)

// RunStart is the zero of every time that a person is shown, in the clock of the events: the beginning of the ops,
// which is also where a plan's times count from; in a history without phases the first event.
func RunStart(h []history.Event) int64 {
	for i := range h {
		if h[i].Type == history.Phase && h[i].F == history.PhaseOps {
			return h[i].Time
		}
	}
	if len(h) == 0 {
		return 0
	}
	return h[0].Time
}

// runEnd is the time of the last event.
func runEnd(h []history.Event) int64 {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].Time
}

// seconds writes a time in ns.
func seconds(ns int64) string { return fmt.Sprintf("%.3f s", time.Duration(ns).Seconds()) }

// plural writes a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sentences joins what is not empty.
func sentences(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "; ")
}

// ordered are the positions in order, each once.
func ordered(positions ...int32) []int {
	slices.Sort(positions)
	out := make([]int, 0, len(positions))
	for _, p := range slices.Compact(positions) {
		out = append(out, int(p))
	}
	return out
}
