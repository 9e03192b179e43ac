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
	for engine, fl := range flavours {
		t.Run(engine, func(t *testing.T) {
			for seed := range uint64(2000) {
				r := rand.New(rand.NewPCG(seed, 10))
				metamorphic(t, r, randomTouches(r, 12, fl), func(o *touch) (from, to *int) { return &o.from, &o.to },
					func(ops []touch) Outcome { return Register(registerInput(ops...)).Outcome })
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
