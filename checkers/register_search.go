package checkers

import (
	"fmt"
	"math"

	"github.com/anishathalye/porcupine"
)

// What one search may take. Both are counted, not measured, so that the same history gets the same answer everywhere.
const (
	searchSteps = 2_000_000
	searchBytes = 128 << 20 // of the states that porcupine remembers
	firstPrefix = 64        // ops
)

// search judges a register that no monitor fits, by porcupine, for which nothing is known but the model. Linearizability
// holds for every prefix of a history for which it holds, so prefixes are tried that double in length: the first that
// is not linearizable is the proof, and when the budget is used up the last that was is what is known.
func (j *registerJudge) search(k register, versioned bool) (gaveUp string) {
	b := &budget{steps: searchSteps}
	for checked, n := 0, min(firstPrefix, len(k.ops)); checked < len(k.ops); n = min(2*n, len(k.ops)) {
		prefix := cutAfter(k.ops, n)
		b.bytes, b.state = searchBytes, int64(n/8+128)
		fine := porcupine.CheckOperations(b.model(versioned), prefix)
		if b.spent != "" {
			return fmt.Sprintf("register %q: unknown: the search used up its %s; the first %d of %d ops are linearizable", k.key, b.spent, checked, len(k.ops))
		}
		if !fine {
			j.report(k, func() string {
				return fmt.Sprintf("its first %d ops, up to %s, have no order that keeps to real time and explains what they were told (its first %d have one)", n, j.tell(&k.ops[n-1]), checked)
			}, &k.ops[n-1])
			return ""
		}
		checked = n
	}
	return ""
}

// cutAfter is the history up to the invocation of op n+1: what returned later has not yet, and reads that have not are left out.
func cutAfter(ops []registerOp, n int) []porcupine.Operation {
	out := make([]porcupine.Operation, 0, n)
	for i := range ops[:n] {
		o := ops[i]
		if n < len(ops) && o.returned >= ops[n].invoked {
			if !o.kind.updates() {
				continue
			}
			o.known, o.returned = false, math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: i, Input: o, Call: o.invoked, Return: o.returned})
	}
	return out
}

// budget of a search. Porcupine takes one step after another, as the history is in one part.
type budget struct {
	steps, bytes, state int64
	spent               string // what ran out
}

// registerState is what a search knows of a register; one that is not there has version 0, if versions are told.
type registerState struct{ value, version int64 }

// model refuses everything once the budget is spent: the search then comes to its end soon.
func (b *budget) model(versioned bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return registerState{} },
		Step: func(state, input, _ any) (bool, any) {
			if b.steps--; b.steps < 0 && b.spent == "" {
				b.spent = fmt.Sprintf("%d steps", searchSteps)
			}
			if b.spent != "" {
				return false, state
			}
			fits, next := state.(registerState).after(input.(registerOp), versioned)
			if fits {
				if b.bytes -= b.state; b.bytes < 0 {
					b.spent = fmt.Sprintf("%d MB", searchBytes>>20)
				}
			}
			return fits, next
		},
		Hash: func(state any) uint64 {
			s := state.(registerState)
			return uint64(s.value)*0x9e3779b97f4a7c15 ^ uint64(s.version)
		},
	}
}

// after is the state after an op; one of unknown outcome that does not fit has no effect.
func (s registerState) after(o registerOp, versioned bool) (bool, registerState) {
	switch o.kind {
	case sawNode:
		return s.value != 0, s
	case sawNone:
		return s.value == 0, s
	case sawAnother:
		return s.value != 0 && o.expected != s.compared(versioned), s
	case readOp:
		untold := o.value != 0 && o.version == 0
		return o.value == s.value && (!versioned || untold || o.version == s.version), s
	}
	next := registerState{o.value, 0}
	if versioned {
		next.version = s.version + 1
	}
	matches := true
	switch {
	case o.kind == deleteOp:
		matches, next = s.value != 0, registerState{}
	case o.kind == createOp:
		matches = s.value == 0
	case o.kind == casOp:
		matches = o.expected == s.compared(versioned)
	}
	if !o.known {
		if !matches {
			return true, s
		}
		return true, next
	}
	return matches && (o.version == 0 || o.version == next.version), next
}

// compared is what a compare-and-set looks at.
func (s registerState) compared(versioned bool) int64 {
	if versioned {
		return s.version
	}
	return s.value
}
