package checkers

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

// tried is one addition of these tests: from when to when, and what it was told.
type tried struct {
	from, to int // in ms; to is 0 for one that never ended
	told     int // unknown: its outcome is
}

// What it was told otherwise.
const (
	unknown = -100
	failed  = -200
)

// counterInput is a history of additions, each by a participant of its own.
func counterInput(adds ...tried) Input {
	var events []history.Event
	for i, a := range adds {
		e := history.Event{Type: history.Invoke, Time: ms(a.from), Node: fmt.Sprintf("p%d", i+1), Incarnation: 1, Process: i, ID: int64(i + 1), Op: history.Op{F: OpAdd, N: 1}}
		events = append(events, e)
		if a.to == 0 {
			continue
		}
		e.Time, e.Type, e.N = ms(a.to), history.OK, int64(a.told)
		switch a.told {
		case unknown:
			e.Type, e.N = history.Info, 0
		case failed:
			e.Type, e.N = history.Fail, 0
		}
		events = append(events, e)
	}
	return Input{Spec: mustDefault(), Claims: counterClaims(), History: history.Sorted(events)}
}

func counterClaims() []Claim {
	return []Claim{{Name: ClaimCounter}, {Name: ClaimTotal}, {Name: ClaimOrder}, {Name: ClaimServed}}
}

// linearizable is brute force: it tries every order in which the additions may have taken effect.
func linearizable(adds []tried) bool {
	var search func(done int, count int) bool
	search = func(done, count int) bool {
		acknowledged := true
		for i, a := range adds {
			acknowledged = acknowledged && (a.told == unknown || done>>i&1 == 1)
		}
		if acknowledged {
			return true
		}
		for i, a := range adds {
			if done>>i&1 == 1 || a.told != unknown && a.told != count+1 {
				continue
			}
			next := true // no other one that is not done had returned before this one began
			for k, b := range adds {
				next = next && (done>>k&1 == 1 || b.told == unknown || b.to >= a.from)
			}
			if next && search(done|1<<i, count+1) {
				return true
			}
		}
		return false
	}
	return search(0, 0)
}

// everyInterval calls f with all ways in which n ops can overlap: the sequences of n beginnings and n ends, ops in order of
// their beginning.
func everyInterval(n int, f func([]tried)) {
	ops := make([]tried, n)
	var place func(at, begun, ended int)
	place = func(at, begun, ended int) {
		if at > 2*n {
			f(ops)
			return
		}
		if begun < n {
			ops[begun].from = at
			place(at+1, begun+1, ended)
		}
		for i := range begun {
			if ended>>i&1 == 0 {
				ops[i].to = at
				place(at+1, begun, ended|1<<i)
				ops[i].to = 0
			}
		}
	}
	place(1, 0, 0)
}

// TestCounterAgainstBruteForce holds the monitor against every history of up to four additions, with every value from
// 0 to one more than there are additions, and every subset of unknown outcomes.
func TestCounterAgainstBruteForce(t *testing.T) {
	histories, good := 0, 0
	for n := 1; n <= 4; n++ {
		everyInterval(n, func(shape []tried) {
			lowest := 0
			if n == 4 {
				lowest = 1 // that 0 is wrong has been seen
			}
			every(n+3-lowest, n, func(word []int) {
				if len(word) < n {
					return
				}
				ops := slices.Clone(shape)
				for i := range ops {
					if ops[i].told = word[i] + lowest; ops[i].told == n+2 {
						ops[i].told = unknown
					}
				}
				want := linearizable(ops)
				if got := Counter(counterInput(ops...)).Outcome == Pass; got != want {
					t.Fatalf("%v: linearizable is %v, the monitor says %v", ops, want, got)
				}
				histories++
				if want {
					good++
				}
			})
		})
	}
	t.Logf("%d histories, %d linearizable", histories, good)
	require.Greater(t, good, 1000)
	require.Greater(t, histories-good, 1000)
}

// randomAdds is a history of up to n additions by clients of which some give no answer, true or with something wrong.
// Times are few, so that many of them are equal.
func randomAdds(r *rand.Rand, n int) []tried {
	ops := trueAdds(r, 1+r.IntN(n), 1+r.IntN(4), 0.2)
	for range r.IntN(5) {
		o := &ops[r.IntN(len(ops))]
		switch r.IntN(6) {
		default:
			if o.told != unknown {
				o.told = max(0, o.told+r.IntN(5)-2)
			}
		case 1:
			o.from = min(o.from+r.IntN(6), max(o.to, o.from))
		case 2:
			if o.to > 0 {
				o.to = o.from + r.IntN(o.to-o.from+1)
			}
		case 3:
			o.told = unknown
		}
	}
	return ops
}

// trueAdds plays clients on a right counter: each addition takes effect within its interval, or does not if it is lost.
func trueAdds(r *rand.Rand, n, clients int, lost float64) []tried {
	type effect struct{ at, op int }
	ops := make([]tried, n)
	free := make([]int, clients)
	var effects []effect
	for i := range ops {
		c := i % clients
		from := free[c] + 1 + r.IntN(3)
		at := from + r.IntN(4)
		to := at + r.IntN(4)
		ops[i] = tried{from: from, to: to}
		free[c] = to
		if r.Float64() < lost {
			ops[i].told = unknown
			if r.IntN(2) == 0 {
				ops[i].to = 0
			}
			at += r.IntN(10)
			if r.IntN(2) == 0 {
				continue
			}
		}
		effects = append(effects, effect{at, i})
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return cmp.Compare(a.at, b.at) })
	for k, e := range effects {
		if ops[e.op].told != unknown {
			ops[e.op].told = k + 1
		}
	}
	return ops
}

// fetchAdd is the counter as porcupine has it.
var fetchAdd = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, _, told any) (bool, any) {
		return told == unknown || told == state.(int)+1, state.(int) + 1
	},
}

// forPorcupine gives additions of unknown outcome no end: they may take effect after everything else.
func forPorcupine(ops []tried) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		out[i] = porcupine.Operation{ClientId: i, Call: int64(o.from), Output: o.told, Return: int64(o.to)}
		if o.told == unknown {
			out[i].Return = 1 << 40
		}
	}
	return out
}

func compareWithPorcupine(t *testing.T, seed uint64, cases, size int) {
	r := rand.New(rand.NewPCG(seed, 2))
	good := 0
	for range cases {
		ops := randomAdds(r, size)
		want := porcupine.CheckOperations(fetchAdd, forPorcupine(ops))
		got := Counter(counterInput(ops...)).Outcome == Pass
		if got != want {
			t.Fatalf("seed %d: %v: porcupine says %v, the monitor %v", seed, ops, want, got)
		}
		if want {
			good++
		}
	}
	t.Logf("%d histories, %d linearizable", cases, good)
	require.Greater(t, good, cases/5)
	require.Greater(t, cases-good, cases/5)
}

var cases = flag.Int("cases", 20_000, "random histories to compare with porcupine")

func TestCounterAgainstPorcupine(t *testing.T) { compareWithPorcupine(t, 1, *cases, 10) }

// counterMutations each break a right history of additions without any of unknown outcome.
var counterMutations = map[string]func(r *rand.Rand, ops []tried) bool{
	"lost update": func(r *rand.Rand, ops []tried) bool { // two are told the same, and all above one less
		v := 1 + r.IntN(len(ops)-1)
		for i := range ops {
			if ops[i].told > v {
				ops[i].told--
			}
		}
		return true
	},
	"counted twice": func(r *rand.Rand, ops []tried) bool {
		v := 1 + r.IntN(len(ops))
		for i := range ops {
			if ops[i].told >= v {
				ops[i].told++
			}
		}
		return true
	},
	"taken for failed": func(r *rand.Rand, ops []tried) bool {
		i := r.IntN(len(ops))
		last := ops[i].told == len(ops)
		ops[i] = tried{from: ops[i].from, to: ops[i].from, told: failed}
		return !last
	},
	"against real time": func(r *rand.Rand, ops []tried) bool {
		i, k := r.IntN(len(ops)), r.IntN(len(ops))
		ops[i].told, ops[k].told = ops[k].told, ops[i].told
		return ops[i].to < ops[k].from || ops[k].to < ops[i].from
	},
}

// TestCounterMutations: a right history passes; with one thing broken it is a violation.
func TestCounterMutations(t *testing.T) {
	for name, mutate := range counterMutations {
		t.Run(name, func(t *testing.T) {
			flipped := 0
			for seed := range uint64(2000) {
				r := rand.New(rand.NewPCG(seed, 3))
				ops := trueAdds(r, 2+r.IntN(40), 1+r.IntN(5), 0)
				require.Equal(t, Pass, Counter(counterInput(ops...)).Outcome, "seed %d", seed)
				if !mutate(r, ops) {
					continue
				}
				flipped++
				require.Equal(t, Violation, Counter(counterInput(ops...)).Outcome, "seed %d: %v", seed, ops)
			}
			require.Greater(t, flipped, 500)
		})
	}
}

// metamorphic wants the same outcome for a history that is moved in time and for one with other participants, and a history that
// passes to pass with wider intervals. times are an op's beginning and end, 0 if it has none.
func metamorphic[T any](t *testing.T, r *rand.Rand, ops []T, times func(*T) (from, to *int), outcome func([]T) Outcome) (was Outcome) {
	t.Helper()
	change := func(earlier, later func() int) []T {
		out := slices.Clone(ops)
		for i := range out {
			from, to := times(&out[i])
			*from -= earlier()
			if *to > 0 {
				*to += later()
			}
		}
		return out
	}
	was = outcome(ops)
	moved := change(func() int { return -1000 }, func() int { return 1000 })
	require.Equal(t, was, outcome(moved), "moved in time: %+v", ops)
	renamed := slices.Clone(ops)
	r.Shuffle(len(renamed), func(i, k int) { renamed[i], renamed[k] = renamed[k], renamed[i] })
	require.Equal(t, was, outcome(renamed), "other names: %+v", ops)
	if was == Pass {
		little := func() int { return r.IntN(3) }
		require.Equal(t, Pass, outcome(change(little, little)), "wider: %+v", ops)
	}
	return was
}

// TestCounterMetamorphic: what must not change a verdict.
func TestCounterMetamorphic(t *testing.T) {
	outcome := func(ops []tried) Outcome { return Counter(counterInput(ops...)).Outcome }
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		ops := randomAdds(r, 12)
		if metamorphic(t, r, ops, func(o *tried) (from, to *int) { return &o.from, &o.to }, outcome) == Pass {
			more := append(slices.Clone(ops), tried{from: 1 + r.IntN(20), told: unknown})
			require.Equal(t, Pass, outcome(more), "one more of unknown outcome, seed %d", seed)
		}
	}
}
