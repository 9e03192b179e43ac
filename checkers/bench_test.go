package checkers

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

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

// BenchmarkCounter has the monitor at each doubling up to a million additions of five clients, one in a thousand of them
// of unknown outcome.
func BenchmarkCounter(b *testing.B) {
	for n := 62_500; n <= 1_000_000; n *= 2 {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := counterInput(trueAdds(rand.New(rand.NewPCG(1, 6)), n, 5, 0.001)...)
			b.ReportAllocs()
			for b.Loop() {
				if c := Counter(in); c.Outcome != Pass {
					b.Fatal(c)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/addition")
		})
	}
}

// BenchmarkCounterAndPorcupine has both on the same histories: 100,000 additions of five clients that all answer, and 1,000
// of which some never do.
func BenchmarkCounterAndPorcupine(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
		lost float64
	}{{"100000", 100_000, 0}, {"1000-lost-12", 1000, 0.012}} {
		b.Run(c.name, func(b *testing.B) {
			ops := trueAdds(rand.New(rand.NewPCG(1, 7)), c.n, 5, c.lost)
			in, theirs := counterInput(ops...), forPorcupine(ops)
			var ours, other time.Duration
			for b.Loop() {
				start := time.Now()
				if c := Counter(in); c.Outcome != Pass {
					b.Fatal(c)
				}
				half := time.Now()
				if r := porcupine.CheckOperationsTimeout(fetchAdd, theirs, time.Minute); r == porcupine.Illegal {
					b.Fatal(r)
				}
				ours, other = ours+half.Sub(start), other+time.Since(half)
			}
			b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ours-ns/op")
			b.ReportMetric(float64(other.Nanoseconds())/float64(b.N), "porcupine-ns/op")
			b.ReportMetric(float64(other)/float64(ours), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRegister has each monitor at each doubling up to a million ops of five clients, one in a thousand of unknown
// outcome.
func BenchmarkRegister(b *testing.B) {
	for _, engine := range []string{"zones", "version order"} {
		fl := flavours[engine]
		fl.lost = 0.001
		for n := 62_500; n <= 1_000_000; n *= 2 {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				in := registerInput(trueTouches(rand.New(rand.NewPCG(1, 6)), n, 5, fl)...)
				b.ReportAllocs()
				for b.Loop() {
					if c := Register(in); c.Outcome != Pass || c.Engine != engine {
						b.Fatal(c)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/access")
			})
		}
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
				for b.Loop() {
					if c := Register(in); c.Outcome != Pass || c.Engine != "lives" {
						b.Fatal(c)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/access")
			})
		}
	}
}

// BenchmarkRegisterAndPorcupine has both on the same histories: 100,000 ops of five clients, and 5,000 of twenty, which
// porcupine is given 20 seconds for. Its answer is printed, as 1 where it has one.
func BenchmarkRegisterAndPorcupine(b *testing.B) {
	for _, c := range []struct {
		engine     string
		n, clients int
	}{{"zones", 100_000, 5}, {"version order", 100_000, 5}, {"zones", 5000, 20}} {
		b.Run(fmt.Sprintf("%s/%d-of-%d", c.engine, c.n, c.clients), func(b *testing.B) {
			fl := flavours[c.engine]
			fl.lost = 0
			ops := trueTouches(rand.New(rand.NewPCG(1, 7)), c.n, c.clients, fl)
			in, theirs := registerInput(ops...), touchesForPorcupine(ops)
			beside(b, func() Outcome { return Register(in).Outcome }, func() porcupine.CheckResult {
				return porcupine.CheckOperationsTimeout(registerModel(fl.versioned), theirs, 20*time.Second)
			})
		})
	}
}

// BenchmarkLockAndPorcupine has both on the same 100,000 acquires and releases of five clients, of which four wait at any time:
// they get the lock in turn, which is the order that porcupine tries first, or at random.
func BenchmarkLockAndPorcupine(b *testing.B) {
	for _, order := range []string{"in-turn", "at-random"} {
		b.Run(order, func(b *testing.B) {
			in, theirs := holdsBeside(order == "at-random", 50_000)
			beside(b, func() Outcome { return Exclusion(in).Outcome }, func() porcupine.CheckResult {
				return porcupine.CheckOperationsTimeout(mutex, theirs, time.Minute)
			})
		})
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

// beside prints how long ours and porcupine's answer take on one history, and the ratio.
func beside(b *testing.B, ours func() Outcome, theirs func() porcupine.CheckResult) {
	b.Helper()
	const often = 20 // as one is too short to be timed
	start := time.Now()
	for range often {
		if o := ours(); o != Pass {
			b.Fatal(o)
		}
	}
	mean := time.Since(start) / often
	var other time.Duration
	answered := 0.0
	for b.Loop() {
		start := time.Now()
		switch theirs() {
		case porcupine.Illegal:
			b.Fatal("porcupine says illegal")
		case porcupine.Ok:
			answered++
		}
		other += time.Since(start)
	}
	other /= time.Duration(b.N)
	b.ReportMetric(float64(mean.Nanoseconds()), "ours-ns/op")
	b.ReportMetric(float64(other.Nanoseconds()), "porcupine-ns/op")
	b.ReportMetric(answered/float64(b.N), "porcupine-answers")
	b.ReportMetric(float64(other)/float64(mean), "ratio")
	b.ReportMetric(0, "ns/op")
}
