package checkers

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

// touch is one op of these tests on a register: from when to when, and what it was told.
type touch struct {
	f        string
	from, to int // ms; to is 0 for one that never ended
	value    int // written or read
	version  int // told
	expected int // by a compare-and-set
	end      history.Type
	since    int    // told
	refused  string // why it failed
}

// registerInput is a history of ops on one register, each by a participant of its own.
func registerInput(ops ...touch) Input {
	events := make([]history.Event, 0, 2*len(ops))
	for i, o := range ops {
		e := history.Event{Type: history.Invoke, Time: ms(o.from), Node: "p1", Incarnation: 1, Process: i, ID: int64(i + 1), Op: history.Op{F: o.f, Key: "r"}}
		if o.f != OpRead {
			e.N, e.Token = int64(o.value), int64(o.expected)
		}
		events = append(events, e)
		if o.to == 0 {
			continue
		}
		e.Time, e.Type, e.Token = ms(o.to), o.end, int64(o.version)
		if e.Text = o.refused; o.since > 0 {
			e.Text = fmt.Sprintf("%#x", o.since)
		}
		if o.f == OpRead {
			e.N = int64(o.value)
		}
		events = append(events, e)
	}
	return Input{Spec: mustDefault(), Claims: []Claim{{Name: ClaimRegister}}, History: history.Sorted(events)}
}

// explained is brute force: it tries every order in which the ops may have taken effect.
func explained(ops []touch, versioned bool) bool {
	var search func(done, value, version int) bool
	search = func(done, value, version int) bool {
		all := true
		for i, o := range ops {
			all = all && (done>>i&1 == 1 || o.end != history.OK)
		}
		if all {
			return true
		}
		for i, o := range ops {
			if done>>i&1 == 1 || o.end == history.Fail || o.end == history.Info && o.f == OpRead {
				continue
			}
			next := true // no other one that is not done was over before this one began
			for k, b := range ops {
				next = next && (done>>k&1 == 1 || b.end != history.OK || b.to >= o.from)
			}
			if !next {
				continue
			}
			was := value
			if versioned {
				was = version
			}
			told := o.end == history.OK
			switch {
			case o.f == OpRead:
				untold := o.value != 0 && o.version == 0
				if o.value == value && (!versioned || untold || o.version == version) && search(done|1<<i, value, version) {
					return true
				}
			case o.f == OpCas && o.expected != was, told && versioned && o.version != 0 && o.version != version+1:
			default:
				if search(done|1<<i, o.value, version+1) {
					return true
				}
			}
		}
		return false
	}
	return search(0, 0, 0)
}

// agree holds the checker against the truth, and wants that engine to have decided.
func agree(t *testing.T, ops []touch, want bool, engine string) {
	t.Helper()
	c := Register(registerInput(ops...))
	wanted := Violation
	if want {
		wanted = Pass
	}
	if c.Outcome != wanted || engine != "" && c.Engine != engine {
		t.Fatalf("%+v: linearizable is %v; %s says %v (%s)", ops, want, c.Engine, c.Outcome, c.Detail)
	}
}

// everyShape calls f with every way in which up to n ops can overlap, each op one of the forms.
func everyShape(n int, forms []touch, f func([]touch)) {
	for size := 1; size <= n; size++ {
		everyInterval(size, func(shape []tried) {
			every(len(forms), size, func(word []int) {
				if len(word) < size {
					return
				}
				ops := make([]touch, size)
				for i, w := range word {
					ops[i] = forms[w]
					ops[i].from, ops[i].to = shape[i].from, shape[i].to
				}
				f(ops)
			})
		})
	}
}

// TestRegisterAgainstBruteForce holds each engine against every history of up to four ops (three where there are many forms).
func TestRegisterAgainstBruteForce(t *testing.T) {
	ok, info := history.OK, history.Info
	for _, c := range []struct {
		name      string
		versioned bool
		size      int
		forms     []touch
	}{
		{"plain", false, 4, []touch{
			{f: OpWrite, value: 1, end: ok}, {f: OpWrite, value: 1, end: info}, {f: OpWrite, value: 2, end: ok}, {f: OpWrite, value: 2, end: info},
			{f: OpRead, value: 0, end: ok}, {f: OpRead, value: 1, end: ok}, {f: OpRead, value: 2, end: ok},
		}},
		{"compared", false, 3, []touch{
			{f: OpWrite, value: 1, end: ok}, {f: OpWrite, value: 2, end: info}, {f: OpCas, value: 2, expected: 1, end: ok},
			{f: OpCas, value: 3, expected: 2, end: info}, {f: OpCas, value: 1, expected: 0, end: ok}, {f: OpRead, value: 0, end: ok},
			{f: OpRead, value: 1, end: ok}, {f: OpRead, value: 2, end: ok}, {f: OpRead, value: 3, end: ok},
		}},
		{"versioned", true, 3, []touch{
			{f: OpWrite, value: 1, version: 1, end: ok}, {f: OpWrite, value: 1, end: info}, {f: OpWrite, value: 2, version: 2, end: ok},
			{f: OpWrite, value: 3, version: 3, end: ok}, {f: OpWrite, value: 4, end: info},
			{f: OpCas, value: 5, expected: 1, version: 2, end: ok}, {f: OpCas, value: 6, expected: 1, end: info}, {f: OpCas, value: 7, expected: 0, end: info},
			{f: OpCas, value: 8, expected: 1, version: 3, end: ok},
			{f: OpRead, value: 0, end: ok}, {f: OpRead, value: 1, version: 1, end: ok}, {f: OpRead, value: 4, version: 2, end: ok},
			{f: OpRead, value: 6, version: 2, end: ok}, {f: OpRead, value: 2, version: 3, end: ok}, {f: OpRead, value: 7, version: 1, end: ok},
			{f: OpWrite, value: 9, end: ok}, {f: OpRead, value: 9, end: ok}, {f: OpRead, value: 1, end: ok}, // told no version
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			engines := map[string]int{}
			good, bad := 0, 0
			everyShape(c.size, c.forms, func(ops []touch) {
				versioned := slices.ContainsFunc(ops, func(o touch) bool { return o.version > 0 })
				if versioned != c.versioned && slices.ContainsFunc(ops, func(o touch) bool { return o.f == OpCas }) {
					return // what is expected would be a value
				}
				check := Register(registerInput(ops...))
				engines[check.Engine]++
				want := explained(ops, versioned)
				if (check.Outcome == Pass) != want || check.Outcome != Pass && check.Outcome != Violation {
					t.Fatalf("%+v: linearizable is %v; %s says %v (%s)", ops, want, check.Engine, check.Outcome, check.Detail)
				}
				if want {
					good++
				} else {
					bad++
				}
			})
			t.Logf("%d linearizable, %d not, %v", good, bad, engines)
			require.Greater(t, good, 500)
			require.Greater(t, bad, 500)
		})
	}
}

// TestRegisterAtTimeZero: nothing about an op at the very beginning is taken for no op.
func TestRegisterAtTimeZero(t *testing.T) {
	in := registerInput(
		touch{f: OpWrite, from: 10, to: 10, value: 1, end: history.OK},
		touch{f: OpRead, from: 5, to: 20, value: 0, end: history.OK},
		touch{f: OpRead, from: 15, to: 30, value: 0, end: history.OK})
	for i := range in.History {
		in.History[i].Time -= ms(10)
	}
	require.Equal(t, Violation, Register(in).Outcome)
}

// TestRegisterWithoutCommonClock judges what needs no times, and passes nothing.
func TestRegisterWithoutCommonClock(t *testing.T) {
	late := []touch{
		{f: OpWrite, from: 10, to: 11, value: 1, end: history.OK},
		{f: OpRead, from: 20, to: 21, value: 0, end: history.OK},
	}
	unwritten := append(slices.Clone(late), touch{f: OpRead, from: 30, to: 31, value: 9, end: history.OK})
	repeated := append(slices.Clone(late), touch{f: OpWrite, from: 30, to: 31, value: 1, end: history.OK})
	for _, c := range []struct {
		ops  []touch
		want Outcome
	}{{late, Inconclusive}, {unwritten, Violation}, {repeated, Inconclusive}, {append(slices.Clone(repeated), unwritten[2]), Violation}} {
		in := registerInput(c.ops...)
		in.Incomparable = true
		require.Equal(t, c.want, Register(in).Outcome, "%+v", c.ops)
	}
}

// TestRegisterKeysApart: each key is a register of its own, and is named.
func TestRegisterKeysApart(t *testing.T) {
	in := registerInput(
		touch{f: OpWrite, from: 1, to: 2, value: 1, end: history.OK},
		touch{f: OpWrite, from: 3, to: 4, value: 1, version: 1, end: history.OK},
		touch{f: OpRead, from: 5, to: 6, value: 1, end: history.OK},
		touch{f: OpRead, from: 7, to: 8, value: 0, end: history.OK})
	for i := range in.History {
		in.History[i].Key = []string{"a", "b", "a", "b"}[in.History[i].Process]
	}
	c := Register(in)
	require.Equal(t, []any{Violation, "zones; version order", 1}, []any{c.Outcome, c.Engine, len(c.Anomalies)})
	require.Contains(t, c.Anomalies[0].Sentence, `register "b": p1's read of 0`)
}

// flavour of a random history.
type flavour struct {
	versioned, compared, repeated bool
	lost                          float64
}

var flavours = map[string]flavour{
	"zones":         {lost: 0.2},
	"version order": {versioned: true, compared: true, lost: 0.2},
	"search":        {compared: true, repeated: true, lost: 0.2},
}

// trueTouches plays clients on a right register: each op takes effect within its interval, or does not if it is lost.
func trueTouches(r *rand.Rand, n, clients int, fl flavour) []touch {
	type effect struct{ at, op int }
	ops := make([]touch, n)
	free := make([]int, clients)
	effects := make([]effect, 0, n)
	for i := range ops {
		c := i % clients
		from := free[c] + 1 + r.IntN(3)
		at := from + r.IntN(4)
		ops[i] = touch{f: OpRead, from: from, to: at + r.IntN(4), end: history.OK}
		free[c] = ops[i].to
		if r.IntN(2) == 0 {
			ops[i].f, ops[i].value = OpWrite, i+1
			if fl.repeated {
				ops[i].value = 1 + r.IntN(3)
			}
		}
		if r.Float64() < fl.lost {
			ops[i].end = history.Info
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
	value, version := 0, 0
	for _, e := range effects {
		o := &ops[e.op]
		if o.f == OpRead {
			o.value = value
		} else {
			if fl.compared && r.IntN(2) == 0 {
				o.f, o.expected = OpCas, value
				if fl.versioned {
					o.expected = version
				}
			}
			value, version = o.value, version+1
		}
		if fl.versioned && o.end == history.OK {
			o.version = version
		}
	}
	return ops
}

// spoil makes up to six changes that may break a history.
func spoil(r *rand.Rand, ops []touch, fl flavour) []touch {
	for range r.IntN(7) {
		o := &ops[r.IntN(len(ops))]
		switch r.IntN(9) {
		case 0:
			o.from = min(o.from+r.IntN(6), max(o.to, o.from))
		case 1:
			if o.to > 0 {
				o.to = o.from + r.IntN(o.to-o.from+1)
			}
		case 2:
			o.end, o.version = history.Info, 0
		case 3:
			if o.end == history.OK && o.version > 0 {
				o.version = max(1, o.version+r.IntN(3)-1)
			}
		case 4:
			if o.f == OpCas {
				o.expected = max(0, o.expected+r.IntN(3)-1)
			}
		default:
			if from := ops[r.IntN(len(ops))]; o.f == OpRead && from.f != OpCas && (!fl.versioned || (from.value == 0) == (from.version == 0)) {
				o.value, o.version = from.value, from.version
			}
		}
	}
	return ops
}

func randomTouches(r *rand.Rand, n int, fl flavour) []touch {
	return spoil(r, trueTouches(r, 2+r.IntN(n-1), 1+r.IntN(4), fl), fl)
}

// registerModel is the register as porcupine has it, apart from the checker's own model.
func registerModel(versioned bool) porcupine.Model {
	type state struct{ value, version int }
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, input, _ any) (bool, any) {
			was, o := s.(state), input.(touch)
			if o.f == OpRead {
				return o.value == was.value && (!versioned || o.version == was.version), s
			}
			current := was.value
			if versioned {
				current = was.version
			}
			if o.f == OpCas && current != o.expected {
				return o.end != history.OK, s
			}
			fits := o.end != history.OK || !versioned || o.version == was.version+1
			return fits, state{o.value, was.version + 1}
		},
	}
}

func touchesForPorcupine(ops []touch) []porcupine.Operation {
	out := make([]porcupine.Operation, 0, len(ops))
	for i, o := range ops {
		if o.end != history.OK && o.f == OpRead {
			continue
		}
		end := int64(o.to)
		if o.end != history.OK {
			end = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: i, Call: int64(o.from), Input: o, Return: end})
	}
	return out
}

func TestRegisterAgainstPorcupine(t *testing.T) {
	for engine, fl := range flavours {
		t.Run(engine, func(t *testing.T) {
			const seed = 8
			r := rand.New(rand.NewPCG(seed, 8))
			good, bad := 0, 0 // of those that this engine decided
			for range *cases {
				ops := randomTouches(r, 12, fl)
				told := slices.ContainsFunc(ops, func(o touch) bool { return o.version > 0 })
				if !told && fl.versioned {
					continue // nothing says that what is expected is a version
				}
				want := porcupine.CheckOperations(registerModel(fl.versioned), touchesForPorcupine(ops))
				c := Register(registerInput(ops...))
				if (c.Outcome == Pass) != want || c.Outcome != Pass && c.Outcome != Violation {
					t.Fatalf("seed %d: %+v: porcupine says %v, %s %v (%s)", seed, ops, want, c.Engine, c.Outcome, c.Detail)
				}
				switch {
				case c.Engine != engine:
				case want:
					good++
				default:
					bad++
				}
			}
			t.Logf("%d histories, %d linearizable", good+bad, good)
			require.Greater(t, good, *cases/12)
			require.Greater(t, bad, *cases/12)
		})
	}
}

// registerMutations each break a right history of which every op is known; false if they could not.
var registerMutations = map[string]func(r *rand.Rand, ops []touch) bool{
	"stale read": func(r *rand.Rand, ops []touch) bool { // of what was there at the beginning, when a write is over
		read := slices.IndexFunc(ops, func(o touch) bool {
			return o.f == OpRead && slices.ContainsFunc(ops, func(w touch) bool { return w.f != OpRead && w.to < o.from })
		})
		if read < 0 {
			return false
		}
		ops[read].value, ops[read].version = 0, 0
		return true
	},
	"read of the future": func(r *rand.Rand, ops []touch) bool {
		for i := range ops {
			for _, w := range ops {
				if ops[i].f == OpRead && w.f != OpRead && ops[i].to < w.from {
					ops[i].value, ops[i].version = w.value, w.version
					return true
				}
			}
		}
		return false
	},
	"read of nothing": func(r *rand.Rand, ops []touch) bool {
		i := slices.IndexFunc(ops, func(o touch) bool { return o.f == OpRead && o.value > 0 })
		if i < 0 {
			return false
		}
		ops[i].value = 1_000_000
		return true
	},
	"replaced another version": func(r *rand.Rand, ops []touch) bool {
		i := slices.IndexFunc(ops, func(o touch) bool { return o.f == OpCas })
		if i < 0 {
			return false
		}
		ops[i].expected++
		return true
	},
	"version made twice": func(r *rand.Rand, ops []touch) bool {
		i := slices.IndexFunc(ops, func(o touch) bool { return o.f == OpWrite && o.version > 0 })
		k := slices.IndexFunc(ops, func(o touch) bool { return o.f == OpWrite && o.version > 0 && o.version != ops[max(i, 0)].version })
		if i < 0 || k < 0 {
			return false
		}
		ops[k].version = ops[i].version
		return true
	},
	"lost write": func(r *rand.Rand, ops []touch) bool { // one that was read is said to have failed
		i := slices.IndexFunc(ops, func(o touch) bool {
			return o.f != OpRead && slices.ContainsFunc(ops, func(x touch) bool { return x.f == OpRead && x.value == o.value })
		})
		if i < 0 {
			return false
		}
		ops[i].end = history.Fail
		return true
	},
}

// TestRegisterMutations: a right history passes; with one thing broken it is a violation.
func TestRegisterMutations(t *testing.T) {
	for engine, fl := range flavours {
		if fl.repeated {
			continue // what is broken may be explained by a value that was written twice
		}
		fl.lost = 0
		for name, mutate := range registerMutations {
			if !fl.versioned && strings.Contains(name, "version") {
				continue
			}
			t.Run(engine+"/"+name, func(t *testing.T) {
				flipped := 0
				for seed := range uint64(1000) {
					r := rand.New(rand.NewPCG(seed, 9))
					ops := trueTouches(r, 6+r.IntN(40), 1+r.IntN(5), fl)
					agree(t, ops, true, "")
					if mutate(r, ops) {
						flipped++
						agree(t, ops, false, "")
					}
				}
				require.Greater(t, flipped, 300)
			})
		}
	}
}

// TestRegisterMetamorphic: what must not change a verdict.
func TestRegisterMetamorphic(t *testing.T) {
	outcome := func(ops []touch) Outcome { return Register(registerInput(ops...)).Outcome }
	for engine, fl := range flavours {
		t.Run(engine, func(t *testing.T) {
			for seed := range uint64(2000) {
				r := rand.New(rand.NewPCG(seed, 10))
				ops := randomTouches(r, 12, fl)
				was := outcome(ops)
				moved := slices.Clone(ops)
				for i := range moved {
					moved[i].from += 1000
					if moved[i].to > 0 {
						moved[i].to += 1000
					}
				}
				require.Equal(t, was, outcome(moved), "moved in time, seed %d", seed)
				renamed := slices.Clone(ops)
				r.Shuffle(len(renamed), func(i, k int) { renamed[i], renamed[k] = renamed[k], renamed[i] })
				require.Equal(t, was, outcome(renamed), "other names, seed %d", seed)
				if was != Pass {
					continue
				}
				wide := slices.Clone(ops)
				for i := range wide {
					wide[i].from -= r.IntN(3)
					if wide[i].to > 0 {
						wide[i].to += r.IntN(3)
					}
				}
				require.Equal(t, Pass, outcome(wide), "wider, seed %d", seed)
			}
		})
	}
}

// TestRegisterPrefixes: what a search has cut off is neither taken for done nor for undone.
func TestRegisterPrefixes(t *testing.T) {
	fl := flavours["search"]
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 12))
		ops := trueTouches(r, firstPrefix+r.IntN(3*firstPrefix), 1+r.IntN(4), flavour{compared: true, repeated: true, lost: 0.02})
		agree(t, ops, true, "search")
		ops = spoil(r, ops, fl)
		agree(t, ops, porcupine.CheckOperations(registerModel(false), touchesForPorcupine(ops)), "")
	}
}

// TestRegisterSearchGivesUp: a search that is too long is no pass and no violation, and tells what it has checked.
func TestRegisterSearchGivesUp(t *testing.T) {
	var ops []touch
	for i := range 100 { // in turn: easy
		ops = append(ops, touch{f: OpWrite, from: 10 * i, to: 10*i + 1, value: 1 + i%2, end: history.OK})
	}
	for i := range 40 { // all at once, and a read of what nobody wrote
		ops = append(ops, touch{f: OpWrite, from: 2000 + i, to: 3000 + i, value: 3 + i%37, end: history.OK})
	}
	ops = append(ops, touch{f: OpRead, from: 2500, to: 2600, value: 77, end: history.OK})
	c := Register(registerInput(ops...))
	require.Equal(t, Inconclusive, c.Outcome)
	require.Equal(t, "search", c.Engine)
	require.Contains(t, c.Detail, fmt.Sprintf(`register "r": unknown: the search used up its %d MB`, searchBytes>>20))
	require.Contains(t, c.Detail, "the first 128 of 141 ops are linearizable")
}
