package checkers

import (
	"fmt"
	"slices"
	"testing"

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
