package checkers

// outline is what the choice of an engine rests on, and the positions of the updates and of the other ops, in order. Which kind comes
// next is as good as random: whoever asks each op has the processor guess, wrongly every other time.
type outline struct {
	updates, reads           []int32
	living, compared, untold bool // an op is of lives, is a compare-and-set, was told a value without a version
	known                    int
	values, versions         bounds
}

// bounds of numbers, and of 0.
type bounds struct{ least, most int64 }

func outlineOf(ops []registerOp) outline {
	updates, reads := make([]int32, len(ops)), make([]int32, len(ops))
	var living, compared, untold bool
	var values, versions bounds
	u, known := 0, 0
	for i := range ops {
		o := &ops[i]
		updates[u], reads[i-u] = int32(i), int32(i) // no branch: both are written, one counts
		if o.kind.updates() {
			u++
		}
		living = living || o.kind > casOp
		compared = compared || o.kind == casOp
		untold = untold || o.version == 0 && o.known && o.value != 0
		values.least, values.most = min(values.least, o.value), max(values.most, o.value)
		versions.least, versions.most = min(versions.least, o.version), max(versions.most, o.version)
		if o.known {
			known++
		}
	}
	return outline{updates[:u], reads[:len(ops)-u], living, compared, untold, known, values, versions}
}

// writesOf finds an update by the value that it wrote.
type writesOf struct {
	dense  []int32 // value → number + 1; where values are few enough
	sparse map[int64]int32
	at     []int32 // number → position
}

// none is the number or the position of no op.
const none = -1

// indexWrites makes the index of a key's updates; unique if no two wrote the same.
func indexWrites(ops []registerOp, l outline) (w writesOf, unique bool) {
	w.at = l.updates
	if l.values.least >= 0 && l.values.most <= int64(4*len(ops)+64) {
		w.dense = make([]int32, l.values.most+1)
	} else {
		w.sparse = make(map[int64]int32, len(l.updates))
	}
	for n, i := range l.updates {
		o := &ops[i]
		if !o.kind.writes() {
			continue
		}
		if w.number(o.value) != none {
			return w, false
		}
		if w.dense != nil {
			w.dense[o.value] = int32(n) + 1
		} else {
			w.sparse[o.value] = int32(n) + 1
		}
	}
	return w, true
}

// number of the update that wrote the value.
func (w writesOf) number(value int64) int32 {
	if w.dense != nil {
		return w.dense[value] - 1
	}
	return w.sparse[value] - 1
}

// find is the position of the update that wrote the value.
func (w writesOf) find(value int64) int32 {
	if n := w.number(value); n != none {
		return w.at[n]
	}
	return none
}
