package results

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"riven/harness/history"
)

// What is shown around an anomaly: the events of its nodes in that time and a little before and after, faults, and what
// its servers wrote into their logs.
const (
	sceneBefore = int64(500 * time.Millisecond)
	sceneRows   = 40 // at each end
	sceneLines  = 12 // of each log
	sceneWidth  = 220
)

// scene is the small view of one anomaly.
type scene struct {
	Rows []proofRow
	Left int // events between the first and the last ones that are not shown
	Logs []logView
}

type logView struct {
	Node  string
	Lines []logLine
	More  int
}

type logLine struct{ Time, Text string }

// scene is what happened at the nodes around these times.
func (b *Bundle) scene(nodes []string, from, to, zero int64) scene {
	from, to = from-sceneBefore, to+sceneBefore
	h := b.History
	first := sort.Search(len(h), func(i int) bool { return h[i].Time >= from })
	var shown []history.Event
	for _, e := range h[first:] {
		if e.Time > to {
			break
		}
		if told(e, nodes) {
			shown = append(shown, e)
		}
	}
	var s scene
	if s.Left = len(shown) - 2*sceneRows; s.Left > 0 {
		shown = slices.Concat(shown[:sceneRows], shown[len(shown)-sceneRows:])
	}
	s.Left = max(s.Left, 0)
	for _, e := range shown {
		s.Rows = append(s.Rows, proofOf(e, zero))
	}
	for _, n := range nodes {
		if v := b.logAround(n, from-zero, to-zero); len(v.Lines) > 0 {
			s.Logs = append(s.Logs, v)
		}
	}
	return s
}

// told tells whether an event belongs into the scene of these nodes.
func told(e history.Event, nodes []string) bool {
	switch e.Type {
	case history.Wire, history.Answer, history.Stall:
		return false
	case history.Fault, history.Phase:
		return true
	}
	return slices.Contains(nodes, e.Node)
}

// logAround are the lines that the node wrote between these times since the begin of the ops, by its own clock, which is
// only known to about a tenth of a second here. A line without a time belongs to the one before.
func (b *Bundle) logAround(node string, from, to int64) logView {
	v := logView{Node: node}
	f, err := os.Open(filepath.Join(b.Dir, dirLogs, node+".log"))
	if err != nil || b.Meta.OpsBegan.IsZero() {
		return v
	}
	defer f.Close()
	began := b.Meta.OpsBegan.UTC()
	midnight := began.Truncate(24 * time.Hour)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		stamp, rest, _ := strings.Cut(text, " ")
		at, err := time.Parse("15:04:05.000", stamp)
		if err != nil {
			continue
		}
		since := midnight.Add(at.Sub(at.Truncate(24 * time.Hour))).Sub(began)
		if since < -12*time.Hour { // past midnight
			since += 24 * time.Hour
		}
		if int64(since) < from || int64(since) > to {
			continue
		}
		if len(v.Lines) == sceneLines {
			v.More++
			continue
		}
		if len(rest) > sceneWidth {
			rest = strings.ToValidUTF8(rest[:sceneWidth], "") + "…"
		}
		v.Lines = append(v.Lines, logLine{seconds(int64(since)), rest})
	}
	return v
}
