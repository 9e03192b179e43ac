package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"riven/harness/history"
)

// Register decides key by key whether the writes, reads, compare-and-sets, creates and deletes of registers are linearizable, with any
// number of ops of unknown outcome. A register that nobody has written, or that was deleted, reads 0. A refused op did nothing; if
// it tells why it was refused it has seen that, else it is left out.
//
// Four engines decide, the first that fits the key's ops: "zones" where no value is written twice and nothing is
// compared, "version order" where every op was told a version as well, "lives" where registers are created and deleted and
// what was told says in which life of the node, else "search". The first two are O(n log n), the third is so as long as few ops are
// under way at once, and all three are exact in both directions. The search is porcupine's; where one of the last two has used up its
// budget the check is inconclusive.
func Register(in Input) Check {
	p := in.promise(ClaimRegister)
	c := Check{Claim: ClaimRegister, Rule: p.Rule}
	keys, odd := in.registers()
	if odd != "" {
		c.Engine = "none"
		return new(findings).close(c, odd, "")
	}
	lacking := ""
	if in.Incomparable {
		forgetTimes(keys)
		lacking = "the nodes do not share a kernel, so the order in real time was not judged"
	}
	j := &registerJudge{in: in, promise: p, ground: survey(in)}
	var engines, gaveUp []string
	for _, k := range keys {
		engine, why := j.judge(k)
		if !slices.Contains(engines, engine) {
			engines = append(engines, engine)
		}
		if why != "" {
			gaveUp = append(gaveUp, why)
		}
	}
	c.Engine = sentences(engines...)
	c.Detail = fmt.Sprintf("%s in %s, %d of unknown outcome", plural(j.known, "op", "ops"), plural(len(keys), "register", "registers"), j.unknown)
	// A search that gave up has not been made, whatever the recipe promises of what it would have found.
	return j.close(c, "", p.lack(sentences(append(gaveUp, lacking)...)))
}

// registerOp is a read that was answered, an update that was not refused, or one that was and told why.
type registerOp struct {
	invoked, returned int64 // ns; MaxInt64 where nothing need have returned
	value             int64 // written or read; 0 is that of a register that is not there
	witness                 // what it made or read
	expected          int64 // by a compare-and-set: a version if versions are told, else a value
	op                opSpan
	key               int32
	kind              registerKind
	known             bool
	gone              bool // refused
}

type registerKind uint8

const (
	readOp  registerKind = iota
	writeOp              // a create where the node is missing
	casOp
	createOp
	deleteOp
	sawNode    // refused, as the node is there
	sawNone    // refused, as it is missing
	sawAnother // refused, as it has another version than the one expected
)

// Each is one comparison of what wraps around below writeOp: it is asked of every op, and no branch can be guessed.
func (k registerKind) updates() bool { return k-writeOp <= deleteOp-writeOp }
func (k registerKind) writes() bool  { return k-writeOp <= createOp-writeOp }

// refusals are what a refused op may tell.
var refusals = map[string]registerKind{RefusedExists: sawNode, RefusedMissing: sawNone, RefusedChanged: sawAnother}

// witness places a state of a register among all that it had. In ZooKeeper since is the zxid of the last creation or deletion: the
// czxid of a node that is there, the pzxid of its folder where it is not.
type witness struct {
	since   int64 // 0: not told
	version int64 // from 1; 0: not told, or not there
}

// witnessOf is what the completion of an op that succeeded tells.
func witnessOf(e *history.Event) witness {
	w := witness{version: e.Token}
	if e.Text != "" {
		if since, err := strconv.ParseInt(e.Text, 0, 64); err == nil {
			w.since = since
		}
	}
	return w
}

// older tells whether the state came before the other one; false where it is not known.
func (w witness) older(o witness) bool {
	return w.since < o.since && w.since > 0 || w.since == o.since && w.version < o.version
}

// olderOrUntold is older, or the state's life is not known and the other's is.
func (w witness) olderOrUntold(o witness) bool {
	return w.older(o) || w.since == 0 && o.since > 0
}

func (w witness) String() string {
	switch {
	case w.since == 0:
		return fmt.Sprintf("version %d", w.version)
	case w.version == 0:
		return fmt.Sprintf("no node (since zxid %#x)", w.since)
	}
	return fmt.Sprintf("version %d (of the node of zxid %#x)", w.version, w.since)
}

// register is one key's ops in order of their invocation.
type register struct {
	key string
	ops []registerOp
}

func registerKindOf(f string) (registerKind, bool) {
	switch f {
	case OpRead:
		return readOp, true
	case OpWrite:
		return writeOp, true
	case OpCas:
		return casOp, true
	case OpCreate:
		return createOp, true
	case OpDelete:
		return deleteOp, true
	}
	return 0, false
}

// registers are the keys in order of their names; odd says why they are none that Register can judge.
func (in Input) registers() (out []register, odd string) {
	var (
		h       = in.History
		all     = make([]registerOp, 0, len(h)/2)
		pending = newPending(len(h)) // id → index in all
		numbers = map[string]int32{}
		last    string // key: a look-up is saved while it stays the same
		number  int32
	)
	for i := range h {
		e := &h[i]
		if e.Type != history.Invoke {
			if e.Completes() {
				if k := pending.take(e.ID); k != none {
					all[k].end(e, int32(i))
				}
			}
			continue
		}
		kind, is := registerKindOf(e.F)
		if !is {
			continue
		}
		if e.N == 0 && kind.writes() && odd == "" {
			odd = fmt.Sprintf("%s wrote 0, which is what a register reads that nobody has written", e.Node)
		}
		if len(out) == 0 || e.Key != last {
			known := false
			if number, known = numbers[e.Key]; !known {
				number = int32(len(out))
				numbers[e.Key] = number
				out = append(out, register{key: e.Key})
			}
			last = e.Key
		}
		pending.put(e.ID, int32(len(all)))
		all = append(all, registerOp{invoked: e.Time, returned: math.MaxInt64, value: e.N, expected: e.Token, op: opSpan{int32(i), open}, key: number, kind: kind})
	}
	share(all, out)
	slices.SortFunc(out, func(a, b register) int { return cmp.Compare(a.key, b.key) })
	return out, odd
}

// share gives the registers their ops, but for those that did nothing.
func share(all []registerOp, out []register) {
	drop := func(o *registerOp) bool { return o.gone || !o.known && o.kind == readOp }
	count, kept := make([]int, len(out)), 0
	for i := range all {
		if !drop(&all[i]) {
			count[all[i].key]++
			kept++
		}
	}
	if len(out) == 1 { // in place: a million of them are many
		if kept < len(all) {
			all = slices.DeleteFunc(all, func(o registerOp) bool { return drop(&o) })
		}
		out[0].ops = all
		return
	}
	for key, n := range count {
		out[key].ops = make([]registerOp, 0, n)
	}
	for i := range all {
		if o := &all[i]; !drop(o) {
			out[o.key].ops = append(out[o.key].ops, *o)
		}
	}
}

func (o *registerOp) end(e *history.Event, at int32) {
	o.op.completed = at
	if e.Type == history.Fail {
		if seen, says := refusals[e.Text]; says {
			o.kind, o.known, o.returned, o.value = seen, true, e.Time, 0
			if e.Token != 0 {
				o.expected = e.Token
			}
			return
		}
		o.gone = true
	}
	if e.Type != history.OK {
		return
	}
	o.known, o.returned, o.witness = true, e.Time, witnessOf(e)
	if o.kind == readOp {
		o.value = e.N
	}
}

func forgetTimes(keys []register) {
	for _, k := range keys {
		for i := range k.ops {
			k.ops[i].invoked, k.ops[i].returned = 0, math.MaxInt64
		}
	}
}

// registerJudge goes through the keys.
type registerJudge struct {
	findings
	in      Input
	promise promise
	ground  *ground

	known, unknown int // ops
}

// judge has the key judged by the engine that fits; gaveUp is why none decided.
func (j *registerJudge) judge(k register) (engine, gaveUp string) {
	l := outlineOf(k.ops)
	j.known, j.unknown = j.known+l.known, j.unknown+len(k.ops)-l.known
	index, unique := indexWrites(k.ops, l)
	told := l.versions.most > 0
	switch {
	case l.living && unique && allInLives(k.ops):
		return "lives", j.byLives(k, index)
	case l.living:
	case unique && told && !l.untold:
		j.byVersion(k, l, index)
		return "version order", ""
	case unique && !told && !l.compared:
		j.byZones(k, l, index)
		return "zones", ""
	}
	return "search", j.search(k, told)
}

// report takes in what was seen of these ops; the sentence is only made when it is shown.
func (j *registerJudge) report(k register, sentence func() string, about ...*registerOp) {
	n := Anomaly{Claim: ClaimRegister, From: math.MaxInt64}
	var proof []int32
	for _, o := range about {
		e := &j.in.History[o.op.invoked]
		proof = append(proof, o.op.invoked)
		if !slices.Contains(n.Nodes, e.Node) {
			n.Nodes = append(n.Nodes, e.Node)
		}
		n.From, n.To = min(n.From, e.Time), max(n.To, e.Time)
		if o.known {
			proof = append(proof, o.op.completed)
			n.To = max(n.To, j.in.History[o.op.completed].Time)
		}
	}
	sort, why := j.ground.sort(j.promise, circumstance{nodes: n.Nodes, when: span{n.From, n.To}}, "")
	j.add(sort, "", "", func() Anomaly {
		n.Nodes = j.in.scene(int(slices.Max(proof)), n.Nodes...)
		n.Sentence = fmt.Sprintf("register %q: %s; %s", k.key, sentence(), j.in.meanwhile(n.Nodes, span{n.From, n.To}))
		n.Proof, n.Hazard, n.Why = ordered(proof...), sort == hazard, why
		return n
	})
}

// tell says which op it was.
func (j *registerJudge) tell(o *registerOp) string {
	zero := RunStart(j.in.History)
	invoked := &j.in.History[o.op.invoked]
	when := fmt.Sprintf("from %s to %s", seconds(invoked.Time-zero), seconds(j.completion(o)-zero))
	if !o.known {
		when = fmt.Sprintf("from %s on, of unknown outcome", seconds(invoked.Time-zero))
	}
	return fmt.Sprintf("%s's %s %s (process %d)", invoked.Node, o.what(invoked.F), when, invoked.Process)
}

// what says which op it was, without who and when.
func (o *registerOp) what(f string) string {
	name := f
	if f == OpCas {
		name = "compare-and-set"
	}
	switch o.kind {
	case deleteOp:
		return name
	case sawNode:
		return name + ", refused as the node was there,"
	case sawNone:
		return name + ", refused as there was no node,"
	case sawAnother:
		return fmt.Sprintf("%s, refused as the version was not %d,", name, o.expected)
	}
	name += fmt.Sprintf(" of %d", o.value)
	switch {
	case o.since > 0:
		return fmt.Sprintf("%s, %s,", name, o.witness)
	case o.version > 0:
		return fmt.Sprintf("%s (version %d)", name, o.version)
	}
	return name
}

func (j *registerJudge) completion(o *registerOp) int64 {
	if o.op.completed == open {
		return j.in.History[o.op.invoked].Time
	}
	return j.in.History[o.op.completed].Time
}
