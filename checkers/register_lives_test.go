package checkers

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

// life is the register of these tests: there or not, since when by what was told (0: nothing of this life yet), and what was told last.
type life struct {
	there                       bool
	value, version, since, last int
}

// after is the life after an op, apart from the checker's own model; false if the op can not have been told what it was.
func (l life) after(o touch) (life, bool) {
	told := o.end == history.OK
	switch o.refused {
	case RefusedExists:
		return l, l.there
	case RefusedMissing:
		return l, !l.there
	case RefusedChanged:
		return l, l.there && l.version != o.expected
	}
	fits := true
	switch o.f {
	case OpRead:
		if fits = o.value == l.value && o.version == l.version; fits && o.since > 0 {
			return l.bound(o.since)
		}
		return l, fits
	case OpDelete:
		return life{last: l.last}, l.there
	case OpCreate:
		fits = !l.there
	case OpCas:
		fits = l.version == o.expected
	}
	if l.there {
		l.version++
	} else {
		l.there, l.version, l.since = true, 1, 0
	}
	l.value = o.value
	if told && o.version > 0 {
		fits = fits && o.version == l.version
	}
	if told && o.since > 0 && fits {
		return l.bound(o.since)
	}
	return l, fits
}

// bound is the life by its name.
func (l life) bound(since int) (life, bool) {
	if l.since == 0 && since > l.last {
		l.since, l.last = since, since
	}
	return l, l.since == since
}

func takesPart(o touch) bool {
	return o.end == history.OK || o.refused != "" || o.end != history.Fail && o.f != OpRead
}

func mustTakeEffect(o touch) bool { return o.end == history.OK || o.refused != "" }

// lived is brute force: it tries every order in which the ops may have taken effect.
func livedThrough(ops []touch) bool {
	var search func(done int, l life) bool
	search = func(done int, l life) bool {
		all := true
		for i, o := range ops {
			all = all && (done>>i&1 == 1 || !mustTakeEffect(o))
		}
		if all {
			return true
		}
		for i, o := range ops {
			if done>>i&1 == 1 || !takesPart(o) {
				continue
			}
			next := true // no other one that is not done was over before this one began
			for k, b := range ops {
				next = next && (done>>k&1 == 1 || !mustTakeEffect(b) || b.to >= o.from)
			}
			if !next {
				continue
			}
			if then, fits := l.after(o); fits && search(done|1<<i, then) {
				return true
			}
		}
		return false
	}
	return search(0, life{})
}

func livesModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return life{} },
		Step: func(s, input, _ any) (bool, any) {
			was, o := s.(life), input.(touch)
			now, fits := was.after(o)
			if !mustTakeEffect(o) && !fits {
				return true, was
			}
			return fits, now
		},
	}
}

// agreeOnLives holds the engine against the truth.
func agreeOnLives(t *testing.T, about string, ops []touch, want bool) {
	t.Helper()
	c := Register(registerInput(ops...))
	wanted := Violation
	if want {
		wanted = Pass
	}
	if c.Outcome != wanted {
		t.Fatalf("%s: linearizable is %v; %s says %v (%s)\n%s", about, want, c.Engine, c.Outcome, c.Detail, written(ops))
	}
}

func written(ops []touch) string {
	out := ""
	for _, o := range ops {
		out += fmt.Sprintf("%+v\n", o)
	}
	return out
}

// TestLivesAgainstBruteForce holds the engine against every history of up to three ops of many forms, and random ones of up to seven.
func TestLivesAgainstBruteForce(t *testing.T) {
	ok, info, fail := history.OK, history.Info, history.Fail
	forms := []touch{
		{f: OpCreate, value: 1, version: 1, since: 10, end: ok}, {f: OpCreate, value: 2, end: ok}, {f: OpCreate, value: 3, end: info},
		{f: OpDelete, end: ok}, {f: OpDelete, end: info},
		{f: OpWrite, value: 4, version: 2, since: 10, end: ok}, {f: OpWrite, value: 5, version: 1, end: ok}, {f: OpWrite, value: 6, end: info},
		{f: OpCas, value: 7, expected: 1, version: 2, since: 30, end: ok}, {f: OpCas, value: 8, expected: 1, end: info}, {f: OpCas, value: 9, expected: 0, end: info},
		{f: OpRead, end: ok}, {f: OpRead, since: 20, end: ok}, {f: OpRead, since: 5, end: ok},
		{f: OpRead, value: 1, version: 1, since: 10, end: ok}, {f: OpRead, value: 3, version: 1, since: 30, end: ok}, {f: OpRead, value: 6, version: 2, since: 10, end: ok},
		{f: OpCreate, value: 11, end: fail, refused: RefusedExists}, {f: OpDelete, end: fail, refused: RefusedMissing}, {f: OpCas, value: 12, expected: 1, end: fail, refused: RefusedChanged},
	}
	good, bad := 0, 0
	everyShape(3, forms, func(ops []touch) {
		if !slices.ContainsFunc(ops, func(o touch) bool { return o.f == OpCreate || o.f == OpDelete || o.refused != "" }) {
			return
		}
		for i := range ops {
			for k := range i {
				if ops[i].value == ops[k].value && ops[i].f != OpRead && ops[k].f != OpRead && ops[i].value > 0 {
					return
				}
			}
		}
		want := livedThrough(ops)
		agreeOnLives(t, "every shape", ops, want)
		if want {
			good++
		} else {
			bad++
		}
	})
	t.Logf("%d linearizable, %d not", good, bad)
	require.Greater(t, good, 500)
	require.Greater(t, bad, 500)
}

// trueLives plays clients on a right register that is created and deleted; each of lost of the ops may take effect or not.
func trueLives(r *rand.Rand, n, clients int, lost float64, rare int) []touch {
	type effect struct{ at, op int }
	ops := make([]touch, n)
	free := make([]int, clients)
	var effects []effect
	for i := range ops {
		c := i % clients
		from := free[c] + 1 + r.IntN(3)
		at := from + r.IntN(4)
		o := touch{f: OpRead, from: from, to: at + r.IntN(4), end: history.OK}
		free[c] = o.to
		switch k := r.IntN(rare + 8); {
		case k < 2:
			o.f, o.value = OpCreate, i+1
		case k < 4:
			o.f = OpDelete
		case k < 6:
			o.f, o.value = OpWrite, i+1
		case k < 7, k > 8 && k%2 == 0:
			o.f, o.value = OpCas, i+1
		}
		if r.Float64() < lost {
			o.end = history.Info
			if r.IntN(2) == 0 {
				o.to = 0
			}
			at += r.IntN(10)
		}
		if o.end == history.OK || r.IntN(2) == 0 {
			effects = append(effects, effect{at, i})
		}
		ops[i] = o
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return cmp.Compare(a.at, b.at) })
	var l life
	zxid := 1
	l.since = zxid
	for _, e := range effects {
		o := &ops[e.op]
		zxid += 1 + r.IntN(2)
		refuse := func(why string) {
			if o.end == history.OK {
				o.end, o.refused = history.Fail, why
			}
		}
		tell := func() {
			if o.end == history.OK {
				o.version, o.since = l.version, l.since
			}
		}
		switch {
		case o.f == OpRead:
			o.value = l.value
			tell()
			if !l.there && r.IntN(4) == 0 {
				o.since = 0
			}
		case o.f == OpDelete && l.there:
			l = life{since: zxid}
		case o.f == OpDelete:
			refuse(RefusedMissing)
		case o.f == OpCreate && l.there:
			refuse(RefusedExists)
		case o.f == OpCas && !l.there:
			if o.expected = r.IntN(3); o.expected > 0 {
				refuse(RefusedMissing)
				continue
			}
			fallthrough
		case o.f == OpCreate, o.f == OpWrite && !l.there:
			l = life{there: true, value: o.value, version: 1, since: zxid}
			tell()
			if o.end == history.OK && r.IntN(2) == 0 {
				o.since = 0
			}
		case o.f == OpCas && r.IntN(3) == 0:
			if o.expected = l.version + 1 + r.IntN(2); l.there {
				refuse(RefusedChanged)
			}
		default:
			o.expected = l.version
			l.value, l.version = o.value, l.version+1
			tell()
		}
		if o.f != OpCas {
			o.expected = 0
		}
	}
	return ops
}

// spoilLives makes up to eleven changes that may break a history.
func spoilLives(r *rand.Rand, ops []touch) []touch {
	for range r.IntN(12) {
		o := &ops[r.IntN(len(ops))]
		switch r.IntN(10) {
		case 0:
			o.from = min(o.from+r.IntN(6), max(o.to, o.from))
		case 9:
			by := max(r.IntN(41)-20, 1-o.from)
			if o.from += by; o.to > 0 {
				o.to += by
			}
		case 1:
			if o.to > 0 {
				o.to = o.from + r.IntN(o.to-o.from+1)
			}
		case 2:
			if o.end == history.OK {
				o.end, o.version, o.since = history.Info, 0, 0
			}
		case 3:
			if o.end == history.OK && o.version > 1 {
				o.version += r.IntN(3) - 1
			}
		case 4:
			if o.f == OpCas && o.refused == "" {
				o.expected = max(0, o.expected+r.IntN(3)-1)
			}
		case 5:
			if o.refused == RefusedMissing {
				o.refused = RefusedExists
			}
		case 6:
			if o.since > 0 {
				o.since = max(1, o.since+r.IntN(5)-2)
			}
		default:
			if from := ops[r.IntN(len(ops))]; o.f == OpRead && from.f == OpRead && from.end == history.OK && o.end == history.OK {
				o.value, o.version, o.since = from.value, from.version, from.since
			}
		}
	}
	return ops
}

func livesForPorcupine(ops []touch) []porcupine.Operation {
	var out []porcupine.Operation
	for i, o := range ops {
		if !takesPart(o) {
			continue
		}
		end := int64(o.to)
		if !mustTakeEffect(o) {
			end = 1 << 60
		}
		out = append(out, porcupine.Operation{ClientId: i, Call: int64(o.from), Input: o, Return: end})
	}
	return out
}

func living(ops []touch) bool {
	return slices.ContainsFunc(ops, func(o touch) bool { return o.f == OpCreate || o.f == OpDelete || o.refused != "" })
}

func TestLivesAgainstPorcupine(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 8))
	good, bad := 0, 0
	for n := range *cases {
		ops := trueLives(r, 2+r.IntN(11), 1+r.IntN(4), 0.2*float64(r.IntN(3)), r.IntN(2)*16)
		whole := slices.Clone(ops)
		if !living(ops) {
			continue
		}
		if n%4 == 0 {
			agreeOnLives(t, fmt.Sprintf("case %d, right", n), ops, true)
		}
		ops = spoilLives(r, ops)
		want := porcupine.CheckOperations(livesModel(), livesForPorcupine(ops))
		if len(ops) <= 7 {
			require.Equal(t, want, livedThrough(ops), "the two truths, case %d", n)
		}
		c := Register(registerInput(ops...))
		require.Equal(t, "lives", c.Engine)
		if (c.Outcome == Pass) != want || c.Outcome > Violation {
			t.Fatalf("case %d: porcupine says %v, lives %v (%s)\n%s\nbefore:\n%s", n, want, c.Outcome, c.Detail, written(ops), written(whole))
		}
		if want {
			good++
		} else {
			bad++
		}
	}
	t.Logf("%d histories, %d linearizable", good+bad, good)
	require.Greater(t, good, *cases/6)
	require.Greater(t, bad, *cases/6)
}

// livesMutations each break a right history of which every op is known; false if they could not.
var livesMutations = map[string]func(ops []touch) bool{
	"deleted twice": func(ops []touch) bool { // a delete that found nothing is said to have deleted, and nobody can have made the node again
		i := slices.IndexFunc(ops, func(o touch) bool { return o.f == OpDelete && o.refused == RefusedMissing })
		if i < 0 || slices.ContainsFunc(ops, func(o touch) bool {
			return mustTakeEffect(o) && o.to >= ops[i].from && o.from <= ops[i].to && o != ops[i]
		}) {
			return false
		}
		ops[i].end, ops[i].refused = history.OK, ""
		return true
	},
	"delete that did nothing": func(ops []touch) bool { // what was there is still there
		for _, o := range ops {
			for k := range ops {
				if d := &ops[k]; d.f == OpDelete && d.end == history.Fail && d.refused == RefusedMissing && o.f == OpRead && o.version > 0 && o.to < d.from &&
					slices.ContainsFunc(ops, func(x touch) bool { return x.f == OpRead && x.since == o.since && x.from > d.to }) {
					d.end, d.refused = history.OK, ""
					return true
				}
			}
		}
		for k := range ops {
			d := ops[k]
			if d.f != OpRead || d.since == 0 || d.version == 0 {
				continue
			}
			for i := range ops {
				if o := &ops[i]; o.refused == RefusedExists && o.from > d.to && slices.ContainsFunc(ops, func(x touch) bool { return x.f == OpRead && x.since == d.since && x.from > o.to }) {
					*o = touch{f: OpDelete, from: o.from, to: o.to, end: history.OK}
					return true
				}
			}
		}
		return false
	},
	"stale life": func(ops []touch) bool { // a read shows a life again that somebody has seen to be over
		for i := range ops {
			for _, o := range ops {
				for _, n := range ops {
					if r := &ops[i]; r.f == OpRead && o.f == OpRead && n.f == OpRead && o.version > 0 && n.since > o.since && n.to < r.from && r.since >= n.since {
						r.value, r.version, r.since = o.value, o.version, o.since
						return true
					}
				}
			}
		}
		return false
	},
	"refused for nothing": func(ops []touch) bool { // although the node was there all the time
		for i := range ops {
			for _, a := range ops {
				for _, b := range ops {
					o := &ops[i]
					if o.refused == RefusedExists && a.since > 0 && a.since == b.since && a.version > 0 && b.version > 0 && a.to < o.from && b.from > o.to {
						o.refused = RefusedMissing
						return true
					}
				}
			}
		}
		return false
	},
	"created where it was": func(ops []touch) bool {
		for i := range ops {
			for _, a := range ops {
				for _, b := range ops {
					o := &ops[i]
					if o.refused == RefusedExists && a.since > 0 && a.since == b.since && a.version > 0 && b.version > 0 && a.to < o.from && b.from > o.to {
						o.refused, o.end = "", history.OK
						return true
					}
				}
			}
		}
		return false
	},
	"same version, so refused": func(ops []touch) bool { // nothing else was there
		for i := range ops {
			for _, a := range ops {
				for _, b := range ops {
					o := &ops[i]
					if o.refused == RefusedChanged && a.since > 0 && a.since == b.since && a.version > 0 && a.version == b.version && a.to < o.from && b.from > o.to {
						o.expected = a.version
						return true
					}
				}
			}
		}
		return false
	},
}

// TestLivesMutations: a right history passes; with one thing broken it is a violation.
func TestLivesMutations(t *testing.T) {
	for name, mutate := range livesMutations {
		t.Run(name, func(t *testing.T) {
			flipped := 0
			for seed := range uint64(2000) {
				r := rand.New(rand.NewPCG(seed, 9))
				ops := trueLives(r, 6+r.IntN(40), 1+r.IntN(4), 0, r.IntN(2)*8)
				if !living(ops) {
					continue
				}
				agreeOnLives(t, fmt.Sprintf("seed %d", seed), ops, true)
				if mutate(ops) {
					flipped++
					agreeOnLives(t, fmt.Sprintf("seed %d", seed), ops, false)
				}
			}
			require.Greater(t, flipped, 100)
		})
	}
}

// TestLivesMetamorphic: what must not change a verdict.
func TestLivesMetamorphic(t *testing.T) {
	outcome := func(ops []touch) Outcome { return Register(registerInput(ops...)).Outcome }
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 10))
		ops := spoilLives(r, trueLives(r, 2+r.IntN(20), 1+r.IntN(4), 0.2, 8))
		was := outcome(ops)
		changed := slices.Clone(ops)
		for i := range changed {
			changed[i].from += 1000
			if changed[i].to > 0 {
				changed[i].to += 1000
			}
			if changed[i].since > 0 {
				changed[i].since = 3*changed[i].since + 7
			}
		}
		r.Shuffle(len(changed), func(i, k int) { changed[i], changed[k] = changed[k], changed[i] })
		require.Equal(t, was, outcome(changed), "moved in time and zxid, other names, seed %d", seed)
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
		require.Equal(t, Pass, outcome(slices.DeleteFunc(slices.Clone(ops), func(o touch) bool { return o.f == OpRead && o.value == 0 || o.refused != "" })), "without what changes nothing, seed %d", seed)
	}
}
