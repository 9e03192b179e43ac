package inject

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// What a Stall was seen on.
const (
	StallTick  = "tick"  // this process itself ran late: the machine, or its share of it, stood still
	StallQueue = "queue" // a thread of the child was ready to run and had no processor
)

// Stall says that the node was not served for By within Start to End (Mono). The span is never too narrow: what a thread of the child
// waited is known only once it runs again, so it may have begun By before the window in which it was seen.
type Stall struct {
	Start, End int64
	By         time.Duration
	What       string
}

const (
	tickEvery    = 10 * time.Millisecond
	ticksAWindow = 20
)

// StallWatch measures what no fault explains: an anomaly that rests on time can not be believed where the node stood still.
type StallWatch struct {
	threshold time.Duration
	report    func(Stall)
	child     atomic.Int64
	stop      chan struct{}
	ended     chan struct{}
}

// WatchStalls reports every lateness of its own 10 ms tick, and every run-queue delay of a thread of the child within 200 ms, that is
// above the threshold. report is called from one goroutine and must return soon.
func WatchStalls(threshold time.Duration, report func(Stall)) *StallWatch {
	w := &StallWatch{threshold: threshold, report: report, stop: make(chan struct{}), ended: make(chan struct{})}
	go w.run(Mono())
	return w
}

// Child names the process whose run-queue delay is watched; 0 for none.
func (w *StallWatch) Child(pid int) { w.child.Store(int64(pid)) }

// Stop ends the watch; nothing is reported after it has returned.
func (w *StallWatch) Stop() {
	close(w.stop)
	<-w.ended
}

// run counts from when the watch began, and from each tick to the next: there is no moment in which a standstill would go unseen.
func (w *StallWatch) run(last int64) {
	defer close(w.ended)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var q queueDelay
	for n := 1; ; n++ {
		due := last + int64(tickEvery)
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		now := Mono()
		last = now
		w.emit(Stall{Start: due, End: now, By: time.Duration(now - due), What: StallTick})
		if n%ticksAWindow == 0 {
			w.emit(q.sample(int(w.child.Load())))
		}
	}
}

func (w *StallWatch) emit(s Stall) {
	if s.By > w.threshold {
		w.report(s)
	}
}

// queueDelay remembers what each thread had waited, in total, at the last sample.
type queueDelay struct {
	pid    int
	at     int64
	waited map[string]int64 // by thread, ns
}

// sample returns the longest wait that a thread of the process ended since the last sample. It is zero for the first of a process, and
// for a process or thread that has ended.
func (q *queueDelay) sample(pid int) Stall {
	last := *q
	*q = queueDelay{pid: pid, at: Mono(), waited: waitedByThread(pid)}
	if last.pid != pid {
		return Stall{}
	}
	s := Stall{End: q.at, What: StallQueue}
	for thread, now := range q.waited {
		if before, known := last.waited[thread]; known {
			s.By = max(s.By, time.Duration(now-before))
		}
	}
	s.Start = last.at - int64(s.By)
	return s
}

// waitedByThread reads the run-queue wait of each thread; empty when the process has ended or the kernel does not account for it.
func waitedByThread(pid int) map[string]int64 {
	out := make(map[string]int64)
	if pid == 0 {
		return out
	}
	dir := fmt.Sprintf("/proc/%d/task", pid)
	f, err := os.Open(dir)
	if err != nil {
		return out
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return out
	}
	for _, n := range names {
		line, err := os.ReadFile(dir + "/" + n + "/schedstat")
		if err != nil {
			continue
		}
		if ns, ok := parseSchedstat(line); ok {
			out[n] = ns
		}
	}
	return out
}

// parseSchedstat reads the second of three numbers: time run, time ready but waiting for a processor (ns), time slices.
func parseSchedstat(line []byte) (waited int64, ok bool) {
	f := bytes.Fields(line)
	if len(f) != 3 {
		return 0, false
	}
	ns, err := strconv.ParseInt(string(f[1]), 10, 64)
	return ns, err == nil
}
