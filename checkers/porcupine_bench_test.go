package checkers

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"riven/harness/history"
)

// rivals are ours and porcupine, and one history in the form of each.
//
// Porcupine is given its operations ready, and a model without anything to compute or to allocate that it does not need: states are
// small integers or structs, which it compares with ==. None of these histories can be partitioned: each is of one object.
type rivals struct {
	events  func() Input
	judge   func(Input) Check      // everything, from the events as they were recorded
	monitor func(Input) func() int // on ops that are ready as porcupine's are; gives the number of violations
	ops     func() []porcupine.Operation
	model   porcupine.Model
}

// porcupineTime is what porcupine is given for one history. It is not CPU time: a machine that is busy gives it less.
const porcupineTime = time.Minute

// run prints what each takes of one processor, and how many times more porcupine does: ratio is all of ours, ratio-of-monitors
// what compares like with like. All is the least CPU time of several runs with the garbage collector's, so that nothing else that
// the machine does is counted; each has only its own form of the history in memory. read-ms is one pass over the events that looks at
// nothing but the time: no judgement of events as they were recorded takes less.
func (r rivals) run(b *testing.B) {
	b.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const ourRuns, theirRuns = 20, 2
	in := r.events()
	read := cpu(ourRuns, func() {
		for i := range in.History {
			times += in.History[i].Time
		}
	})
	whole := cpu(ourRuns, func() {
		if c := r.judge(in); c.Outcome != Pass {
			b.Fatal(c)
		}
	})
	monitor := r.monitor(in)
	ready := cpu(ourRuns, func() {
		if n := monitor(); n > 0 {
			b.Fatal(n, "violations")
		}
	})
	in, monitor = Input{}, nil
	ops, answered := r.ops(), 0.0
	theirs := cpu(theirRuns, func() {
		switch porcupine.CheckOperationsTimeout(r.model, ops, porcupineTime) {
		case porcupine.Illegal:
			b.Fatal("porcupine says illegal")
		case porcupine.Ok:
			answered++
		}
	})
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(read), "read-ms")
	b.ReportMetric(ms(whole), "events-ms")
	b.ReportMetric(ms(ready), "monitor-ms")
	b.ReportMetric(ms(theirs), "porcupine-ms")
	b.ReportMetric(answered/theirRuns, "porcupine-answers")
	b.ReportMetric(float64(theirs)/float64(whole), "ratio")
	b.ReportMetric(float64(theirs)/float64(ready), "ratio-of-monitors")
	b.ReportMetric(0, "ns/op")
}

// times is added to, so that the compiler does not leave out what is read.
var times int64

// cpu is the least CPU time of the process for one of n runs.
func cpu(n int, f func()) time.Duration {
	least := time.Hour
	for range n {
		runtime.GC()
		start := cpuTime()
		f()
		least = min(least, cpuTime()-start)
	}
	return least
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCounterAndPorcupine has 100,000 additions of five clients that all answer, and 1,000 of which some never do.
func BenchmarkCounterAndPorcupine(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
		lost float64
	}{{"100000-of-5", 100_000, 0}, {"1000-of-5-lost-12", 1000, 0.012}} {
		adds := func() []tried { return trueAdds(rand.New(rand.NewPCG(1, 7)), c.n, 5, c.lost) }
		b.Run(c.name, rivals{
			events: func() Input { return counterInput(adds()...) },
			judge:  Counter,
			monitor: func(in Input) func() int {
				a, _ := in.additions()
				return func() int {
					j := &counterJudge{in: in, additions: a}
					j.run()
					return j.violated
				}
			},
			ops:   func() []porcupine.Operation { return forPorcupine(adds()) },
			model: fetchAdd,
		}.run)
	}
}

// BenchmarkRegisterAndPorcupine has 100,000 ops of five clients, and 5,000 of twenty.
func BenchmarkRegisterAndPorcupine(b *testing.B) {
	for _, c := range []struct {
		engine     string
		n, clients int
	}{{"zones", 100_000, 5}, {"version order", 100_000, 5}, {"zones", 5000, 20}, {"version order", 5000, 20}} {
		fl := flavours[c.engine]
		fl.lost = 0
		touches := func() []touch { return trueTouches(rand.New(rand.NewPCG(1, 7)), c.n, c.clients, fl) }
		b.Run(fmt.Sprintf("%s/%d-of-%d", c.engine, c.n, c.clients), rivals{
			events: func() Input { return registerInput(touches()...) },
			judge:  Register,
			monitor: func(in Input) func() int {
				keys, _ := in.registers()
				return func() int {
					j := &registerJudge{in: in}
					for _, k := range keys {
						j.judge(k)
					}
					return j.violated
				}
			},
			ops:   func() []porcupine.Operation { return touchesForPorcupine(touches()) },
			model: registerModel(fl.versioned),
		}.run)
	}
}

// BenchmarkLockAndPorcupine has 100,000 acquires and releases of five clients, of which four wait at any time: they get the
// lock in turn, which is the order that porcupine tries first, or at random.
func BenchmarkLockAndPorcupine(b *testing.B) {
	for _, order := range []string{"in-turn", "at-random"} {
		holds := func() (Input, []porcupine.Operation) { return holdsBeside(order == "at-random", 50_000) }
		b.Run("100000-of-5/"+order, rivals{
			events: func() Input { in, _ := holds(); return in },
			judge:  Exclusion,
			monitor: func(in Input) func() int {
				log := readAccesses(in)
				return func() int { return len(log.returns()) }
			},
			ops:   func() []porcupine.Operation { _, ops := holds(); return ops },
			model: mutex,
		}.run)
	}
}

// mutex is a lock with an owner as porcupine has it; the output tells an acquire from a release.
var mutex = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(holder, client, acquires any) (bool, any) {
		if acquires.(bool) {
			return holder == 0, client
		}
		return holder == client, 0
	},
}

// holdsBeside is a right history of holds with one access each, as ours and as porcupine's.
func holdsBeside(random bool, holds int) (Input, []porcupine.Operation) {
	in := Input{Spec: mustDefault(), Claims: lockClaims()}
	in.Spec.Participants = 5
	r := rand.New(rand.NewPCG(1, 11))
	var theirs []porcupine.Operation
	var asked [5]int64 // when
	turns, holder := [5]int{}, -1
	for k := range holds {
		next := k % 5
		if random {
			for next = r.IntN(5); next == holder; next = r.IntN(5) {
			}
		}
		holder = next
		turns[next]++
		node, at, token := fmt.Sprintf("p%d", next+1), int64(k)*100+50, int64(k+1)
		hold := fmt.Sprintf("%s.1/%d", node, turns[next])
		event := func(kind history.Type, after, id int64, op history.Op) {
			in.History = append(in.History, history.Event{Type: kind, Time: at + after, Node: node, Incarnation: 1, ID: id, Op: op})
		}
		event(history.Invoke, asked[next]-at, 2*token-1, history.Op{F: OpAcquire})
		event(history.OK, 10, 2*token-1, history.Op{F: OpAcquire, Hold: hold, Token: token})
		in.History = append(in.History, history.Event{Type: history.Access, Time: at + 20, Node: node, Incarnation: 1, Seq: token, Op: history.Op{Hold: hold, Token: token}})
		event(history.Invoke, 80, 2*token, history.Op{F: OpRelease, Hold: hold})
		event(history.OK, 90, 2*token, history.Op{F: OpRelease, Hold: hold})
		theirs = append(theirs,
			porcupine.Operation{ClientId: next, Call: asked[next], Input: next + 1, Output: true, Return: at + 10},
			porcupine.Operation{ClientId: next, Call: at + 80, Input: next + 1, Output: false, Return: at + 90})
		asked[next] = at + 95
	}
	in.History = history.Sorted(in.History)
	return in, theirs
}
