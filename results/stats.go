package results

import (
	"slices"
	"time"
)

// sliceOf are the lengths that a slice of the charts may have: the first that makes no more than maxSlices of the run.
var sliceOf = []time.Duration{
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
}

const maxSlices = 120

// latency of some ops in ns.
type latency struct {
	Count              int
	P50, P95, P99, Max int64
}

func latencyOf(durations []int64) latency {
	n := len(durations)
	if n == 0 {
		return latency{}
	}
	slices.Sort(durations)
	rank := func(percent int) int64 { return durations[(n*percent+99)/100-1] } // nearest rank
	return latency{n, rank(50), rank(95), rank(99), durations[n-1]}
}

// slot is one slice of the run.
type slot struct {
	From    int64
	By      [statusOpen]int // completions, by status
	Latency latency         // of the ops done, by their completion
}

// slots cut the run into slices of equal length; the last may be shorter.
func slots(ops []op, run interval) (out []slot, length time.Duration) {
	length = sliceOf[len(sliceOf)-1]
	for _, l := range sliceOf {
		if (run.To-run.From)/int64(l) < maxSlices {
			length = l
			break
		}
	}
	n := int((run.To-run.From)/int64(length)) + 1
	out = make([]slot, n)
	done := make([][]int64, n)
	for _, o := range ops {
		if o.Status == statusOpen {
			continue
		}
		i := int((o.To - run.From) / int64(length))
		out[i].By[o.Status]++
		if o.Status == statusOK {
			done[i] = append(done[i], o.To-o.From)
		}
	}
	for i := range out {
		out[i].From = run.From + int64(i)*int64(length)
		out[i].Latency = latencyOf(done[i])
	}
	return out, length
}

// kindStats sums up the ops of one kind.
type kindStats struct {
	F       string
	By      [statusOpen + 1]int
	Latency latency
}

func statsByKind(ops []op) []kindStats {
	by := map[string]*kindStats{}
	done := map[string][]int64{}
	var names []string
	for _, o := range ops {
		if by[o.F] == nil {
			by[o.F] = &kindStats{F: o.F}
			names = append(names, o.F)
		}
		by[o.F].By[o.Status]++
		if o.Status == statusOK {
			done[o.F] = append(done[o.F], o.To-o.From)
		}
	}
	slices.Sort(names)
	var out []kindStats
	for _, name := range names {
		by[name].Latency = latencyOf(done[name])
		out = append(out, *by[name])
	}
	return out
}
