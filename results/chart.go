package results

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The drawing of a chart in its own units; the page scales it.
const (
	chartWidth  = 1120
	chartHeight = 210
	plotLeft    = 62
	plotRight   = chartWidth - 12
	plotTop     = 26
	plotBottom  = chartHeight - 26
)

// chart is an SVG of lines over the time of the run, and the same as a table.
type chart struct {
	ID, Title, Note string
	Width, Height   int
	Left, Right     int
	Top, Bottom     int
	Plot            int // Bottom - Top
	X, Y            []chartTick
	Bands           []chartBand
	Lines           []chartLine
	Head            []string
	Rows            [][]string
}

type chartTick struct {
	At    string
	Label string
}

type chartBand struct{ X, Width, ID, Label string }

// chartLine is drawn in strokes: where a slice has no value it is broken.
type chartLine struct {
	Name, Class string
	Strokes     []string // points of a polyline
	Dots        [][2]string
}

func newChart(id, title, note string, t timeline) chart {
	c := chart{ID: id, Title: title, Note: note, Width: chartWidth, Height: chartHeight, Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom, Plot: plotBottom - plotTop}
	step := tickOf(t.To - t.Zero)
	for at := int64(0); t.Zero+at <= t.To; at += step {
		c.X = append(c.X, chartTick{t.x(t.Zero + at), time.Duration(at).String()})
	}
	for _, f := range t.Faults {
		from, to := max(f.From, t.From), min(f.To, t.To)
		c.Bands = append(c.Bands, chartBand{t.x(from), coordinate(t.scale(to) - t.scale(from)), f.ID, f.Label})
	}
	return c
}

// tickOf is the distance between marks on the time axis, a round number.
func tickOf(length int64) int64 {
	for _, d := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute} {
		if length/int64(d) <= 12 {
			return int64(d)
		}
	}
	return int64(time.Hour)
}

func (t timeline) scale(at int64) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(at-t.From)/float64(max(t.To-t.From, 1))
}

func (t timeline) x(at int64) string { return coordinate(t.scale(at)) }

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// line adds values, one a slice; a negative one is a gap. y places a value between 0 (bottom) and 1 (top).
func (c *chart) line(name, class string, t timeline, slots []slot, length time.Duration, value func(slot) float64, y func(float64) float64) {
	l := chartLine{Name: name, Class: class}
	var stroke []string
	flush := func() {
		if len(stroke) == 1 {
			x, y, _ := strings.Cut(stroke[0], ",")
			l.Dots = append(l.Dots, [2]string{x, y})
		} else if len(stroke) > 1 {
			l.Strokes = append(l.Strokes, strings.Join(stroke, " "))
		}
		stroke = nil
	}
	for _, s := range slots {
		v := value(s)
		if v < 0 {
			flush()
			continue
		}
		middle := min(s.From+int64(length)/2, t.To)
		stroke = append(stroke, t.x(middle)+","+coordinate(plotBottom-(plotBottom-plotTop)*y(v)))
	}
	flush()
	c.Lines = append(c.Lines, l)
}

func rateChart(t timeline, slots []slot, length time.Duration) chart {
	c := newChart("rate", "Throughput", "Completed ops per second, in slices of "+length.String()+".", t)
	perSecond := float64(time.Second) / float64(length)
	var top float64
	for _, s := range slots {
		for _, n := range s.By {
			top = max(top, float64(n)*perSecond)
		}
	}
	top = roundUp(top)
	y := func(v float64) float64 { return v / top }
	for i := range 5 {
		v := top * float64(i) / 4
		c.Y = append(c.Y, chartTick{coordinate(plotBottom - (plotBottom-plotTop)*y(v)), strconv.FormatFloat(v, 'g', 4, 64)})
	}
	for st, name := range [...]string{"ok", "fail", "info"} {
		c.line(name, "line-"+name, t, slots, length, func(s slot) float64 { return float64(s.By[st]) * perSecond }, y)
	}
	c.Head = []string{"from", "ok", "fail", "info"}
	for _, s := range slots {
		c.Rows = append(c.Rows, []string{millis(s.From - t.Zero), strconv.Itoa(s.By[statusOK]), strconv.Itoa(s.By[statusFail]), strconv.Itoa(s.By[statusInfo])})
	}
	return c
}

// roundUp is the next 1, 2 or 5 times a power of ten, at least 4 so that quarters are whole.
func roundUp(v float64) float64 {
	for p := 1.0; ; p *= 10 {
		for _, m := range []float64{1, 2, 4, 8} {
			if m*p >= max(v, 4) {
				return m * p
			}
		}
	}
}

func latencyChart(t timeline, slots []slot, length time.Duration) chart {
	c := newChart("latency", "Latency", "Of ops that ended ok, by the slice of "+length.String()+" in which they ended; the scale is logarithmic.", t)
	lo, hi := math.Inf(1), 1.0
	for _, s := range slots {
		if s.Latency.Count > 0 {
			lo, hi = min(lo, float64(s.Latency.P50)), max(hi, float64(s.Latency.Max))
		}
	}
	if math.IsInf(lo, 1) {
		lo, hi = 1e6, 1e9
	}
	bottom, top := math.Floor(math.Log10(max(lo, 1e3))), math.Ceil(math.Log10(hi))
	top = max(top, bottom+1)
	y := func(v float64) float64 { return max(0, (math.Log10(max(v, 1))-bottom)/(top-bottom)) }
	for e := bottom; e <= top; e++ {
		c.Y = append(c.Y, chartTick{coordinate(plotBottom - (plotBottom-plotTop)*y(math.Pow(10, e))), time.Duration(math.Pow(10, e)).String()})
	}
	for _, q := range []struct {
		name string
		of   func(latency) int64
	}{
		{"max", func(l latency) int64 { return l.Max }}, {"p99", func(l latency) int64 { return l.P99 }},
		{"p95", func(l latency) int64 { return l.P95 }}, {"p50", func(l latency) int64 { return l.P50 }},
	} {
		c.line(q.name, "line-"+q.name, t, slots, length, func(s slot) float64 {
			if s.Latency.Count == 0 {
				return -1
			}
			return float64(q.of(s.Latency))
		}, y)
	}
	c.Head = []string{"from", "ops", "p50", "p95", "p99", "max"}
	for _, s := range slots {
		row := []string{millis(s.From - t.Zero), strconv.Itoa(s.Latency.Count)}
		for _, v := range []int64{s.Latency.P50, s.Latency.P95, s.Latency.P99, s.Latency.Max} {
			if s.Latency.Count == 0 {
				row = append(row, "–")
			} else {
				row = append(row, short(v))
			}
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}
