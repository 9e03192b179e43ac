package checkers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"riven/harness/history"
)

// million is a history of 1,000,000 accesses in 100,000 right holds of five participants: 2,400,003 events.
var million Input

func bigRun(b *testing.B) Input {
	b.Helper()
	if million.History != nil {
		return million
	}
	in := Input{Spec: mustDefault(), Claims: lockClaims()}
	in.Spec.Participants = 5
	now, seq := int64(0), int64(0)
	add := func(e history.Event) {
		now += 1000
		e.Time, e.Index = now, len(in.History)
		in.History = append(in.History, e)
	}
	for k := range 100_000 {
		node, token := fmt.Sprintf("p%d", k%5+1), int64(k+1)
		hold := fmt.Sprintf("%s.1/%d", node, k/5+1)
		op := func(f string, result history.Op) {
			add(history.Event{Type: history.Invoke, Node: node, Incarnation: 1, ID: token, Op: history.Op{F: f}})
			add(history.Event{Type: history.OK, Node: node, Incarnation: 1, ID: token, Op: result})
		}
		if k == 99_990 {
			add(history.Event{Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseQuiet}})
		}
		op(OpAcquire, history.Op{F: OpAcquire, Hold: hold, Token: token})
		for range 10 {
			seq++
			add(history.Event{Type: history.Access, Node: node, Incarnation: 1, Seq: seq, Op: history.Op{Hold: hold, Token: token}})
			add(history.Event{Type: history.Answer, Node: node, Incarnation: 1, Seq: seq})
		}
		op(OpRelease, history.Op{F: OpRelease, Hold: hold})
	}
	add(history.Event{Type: history.Invoke, Node: "p1", Incarnation: 1, ID: 1, Op: history.Op{F: OpList}})
	add(history.Event{Type: history.OK, Node: "p1", Incarnation: 1, ID: 1, Op: history.Op{F: OpList}})
	million = in
	return in
}

func benchmark(b *testing.B, check func(Input) Check) {
	in := bigRun(b)
	b.ReportAllocs()
	for b.Loop() {
		if c := check(in); c.Outcome != Pass {
			b.Fatal(c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/access")
}

func BenchmarkExclusion(b *testing.B) { benchmark(b, Exclusion) }
func BenchmarkTokens(b *testing.B)    { benchmark(b, Tokens) }
func BenchmarkBelief(b *testing.B)    { benchmark(b, Belief) }
func BenchmarkHandOver(b *testing.B)  { benchmark(b, HandOver) }
func BenchmarkOrphans(b *testing.B)   { benchmark(b, Orphans) }

// BenchmarkExclusionBroken has a violation at every second access: what is not shown must cost next to nothing.
func BenchmarkExclusionBroken(b *testing.B) {
	in := bigRun(b)
	in.History = append([]history.Event(nil), in.History...)
	for i := range in.History {
		if e := &in.History[i]; e.Type == history.Access {
			e.Hold = fmt.Sprintf("x%d", e.Seq%2000)
			e.Node = "p1"
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if c := Exclusion(in); c.Outcome != Violation {
			b.Fatal(c)
		}
	}
}

func BenchmarkLockFloors(b *testing.B) {
	in := bigRun(b)
	b.ReportAllocs()
	for b.Loop() {
		LockFloors(in)
	}
}

// BenchmarkLockVerdict has all of what a lock is judged by.
func BenchmarkLockVerdict(b *testing.B) {
	benchmark(b, func(in Input) Check {
		in = in.Once()
		v := Judge(in, lockChecks(in), LockFloors(in), nil)
		return Check{Outcome: v.Outcome, Detail: v.Sentence}
	})
}

// BenchmarkCounter has five clients, and one addition in a thousand of unknown outcome.
func BenchmarkCounter(b *testing.B) {
	doubling(b, Counter, func(n int) Input { return counterInput(trueAdds(rand.New(rand.NewPCG(1, 6)), n, 5, 0.001)...) })
}

// BenchmarkRegister has five clients, and one op in a thousand of unknown outcome.
func BenchmarkRegister(b *testing.B) {
	for _, engine := range []string{"zones", "version order"} {
		fl := flavours[engine]
		fl.lost = 0.001
		b.Run(engine, func(b *testing.B) {
			doubling(b, Register, func(n int) Input { return registerInput(trueTouches(rand.New(rand.NewPCG(1, 6)), n, 5, fl)...) })
		})
	}
}

// BenchmarkRegisterLives has registers that are created and deleted, at each doubling up to 250,000 ops of five clients, one in a thousand
// and one in twenty of unknown outcome.
func BenchmarkRegisterLives(b *testing.B) {
	for _, lost := range []float64{0.001, 0.05} {
		for n := 31_250; n <= 250_000; n *= 2 {
			b.Run(fmt.Sprintf("%g/%d", lost, n), func(b *testing.B) {
				ops := trueLives(rand.New(rand.NewPCG(1, 6)), n, 5, lost, 64)
				for i := range ops {
					if o := &ops[i]; o.f == OpCas && o.end == history.Info {
						o.f = OpWrite // as the register workload has them: what they expect is not known before they are told
					}
				}
				in := registerInput(ops...)
				b.ReportAllocs()
				took := leastOf(b, func() {
					if c := Register(in); c.Outcome != Pass || c.Engine != "lives" {
						b.Fatal(c)
					}
				})
				b.ReportMetric(float64(took)/float64(n), "cpu-ns/access")
			})
		}
	}
}

// doubling has histories that double in length up to a million ops. It prints the least CPU time of several runs, for each
// op and how many times that of half as many ops it is; as the machine may do other things too, also as the mean of all doublings so far.
func doubling(b *testing.B, judge func(Input) Check, history func(n int) Input) {
	var half, least time.Duration
	for n := 62_500; n <= 1_000_000; n *= 2 {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := history(n)
			b.ReportAllocs()
			took := leastOf(b, func() {
				if c := judge(in); c.Outcome != Pass {
					b.Fatal(c)
				}
			})
			b.ReportMetric(float64(took)/float64(n), "cpu-ns/access")
			if half > 0 {
				b.ReportMetric(float64(took)/float64(half), "times-half")
				b.ReportMetric(math.Pow(float64(took)/float64(least), 1/math.Log2(float64(n)/62_500)), "times-half-from-62500")
			} else {
				least = took
			}
			half = took
		})
	}
}

// leastOf is the least CPU time of the benchmark's runs of f.
func leastOf(b *testing.B, f func()) time.Duration {
	took := time.Hour
	for b.Loop() {
		took = min(took, cpu(1, f))
	}
	return took
}
