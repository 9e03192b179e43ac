package counter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// node is the counter's node as an ensemble has it, with writes that are under way for longer than their sessions.
type node struct {
	state
	states  []state // all there were, for readings that are stale
	late    []write
	writers map[string]int // op id → how often a write with it as its newest took effect
}

type state struct {
	exists  bool
	data    []byte
	version int32
}

type write struct {
	create  bool
	data    []byte
	version int32
	op      string
}

func (n *node) apply(w write) error {
	switch {
	case w.create && n.exists:
		return coord.ErrNodeExists
	case !w.create && !n.exists:
		return coord.ErrNoNode
	case !w.create && w.version != n.version && w.version != coord.AnyVersion:
		return coord.ErrBadVersion
	}
	n.states = append(n.states, n.state)
	if !w.create {
		n.version++
	}
	n.exists, n.data = true, w.data
	n.writers[w.op]++
	return nil
}

// world is env for one participant of several that take turns by the op: whatever blocks returns at once, and virtual
// time goes on. It loses replies, delays writes and shows old states as the draw has it.
type world struct {
	env.Env // what a recipe of this workload does not use is nil
	id      string
	rng     *rand.Rand
	now     time.Duration
	node    *node
	trouble float64
	seen    int // of node.states: a session never goes back behind
}

type fired struct{}

func (fired) Fired() bool { return true }

type never struct{}

func (never) Fired() bool { return false }

func (w *world) ID() string                                { return w.id }
func (w *world) Mono() time.Duration                       { return w.now }
func (w *world) Rand() *rand.Rand                          { return w.rng }
func (w *world) After(d time.Duration) coord.Signal        { w.now += d; return fired{} }
func (w *world) Wait(...coord.Signal) (int, error)         { return 0, nil }
func (w *world) Open(coord.Options) (coord.Session, error) { return session{world: w}, nil }

// session has the calls that the recipe makes.
type session struct {
	coord.Session
	world *world
}

func (s session) Expired() coord.Signal { return never{} }
func (s session) Sync(string) error     { return nil }

func (s session) Create(path string, data []byte, _ coord.Mode) (string, error) {
	return path, s.world.write(write{create: true, data: data})
}

func (s session) Set(_ string, data []byte, version int32) (coord.Stat, error) {
	err := s.world.write(write{data: data, version: version})
	return coord.Stat{Version: s.world.node.version}, err
}

// Get shows the present state or one that is older, but not older than what this participant knew.
func (s session) Get(string) ([]byte, coord.Stat, error) {
	w, n := s.world, s.world.node
	w.shake()
	if w.rng.Float64() < w.trouble {
		return nil, coord.Stat{}, coord.ErrLoss
	}
	all := append(slices.Clone(n.states), n.state)
	i := len(all) - 1
	if w.rng.Float64() < w.trouble {
		i = w.seen + w.rng.IntN(len(all)-w.seen)
	}
	w.seen = i
	if !all[i].exists {
		return nil, coord.Stat{}, coord.ErrNoNode
	}
	return all[i].data, coord.Stat{Version: all[i].version}, nil
}

// shake lets writes take effect, or be refused, that were under way.
func (w *world) shake() {
	n := w.node
	for len(n.late) > 0 && w.rng.IntN(3) == 0 {
		i := w.rng.IntN(len(n.late))
		late := n.late[i]
		n.late = slices.Delete(n.late, i, i+1)
		_ = n.apply(late)
	}
}

func (w *world) write(x write) error {
	w.shake()
	x.op = newest(x.data, w.id)
	if w.rng.Float64() >= w.trouble {
		err := w.node.apply(x)
		if err == nil {
			w.seen = len(w.node.states)
		}
		return err
	}
	switch w.rng.IntN(3) {
	case 0: // done, and the reply is lost
		_ = w.node.apply(x)
	case 1: // under way
		w.node.late = append(w.node.late, x)
	}
	return fmt.Errorf("write: %w", coord.ErrLoss)
}

// newest is the op of this writer that the data is the first to have.
func newest(data []byte, id string) string {
	r, err := parse(data)
	if err != nil {
		panic(err)
	}
	for _, e := range r.last {
		if e.participant+".1" == id {
			return e.op
		}
	}
	return ""
}

// play lets three participants make additions in turn with much trouble, and returns what was wrong with what they were told.
func play(seed uint64, defects ...string) (wrong []string, ends map[history.Type]int) {
	rng := rand.New(rand.NewPCG(seed, 5))
	n := &node{writers: map[string]int{}}
	ends = map[history.Type]int{}
	var all []workloads.Driven
	var worlds []*world
	s := spec.Default()
	s.Timing.Session = spec.Duration(4 * lossPause) // patience for some tries
	for _, name := range []string{"p1", "p2", "p3"} {
		w := &world{id: name + ".1", rng: rng, node: n, trouble: 0.5}
		worlds = append(worlds, w)
		all = append(all, newParticipant(workloads.Config{Env: w, Spec: s, Defects: defects}))
	}
	told := map[int64]string{}
	for k := range 60 {
		i := k % 3
		c := all[i].Do(history.Op{F: Add, N: 1})
		ends[c.Type]++
		op, took := fmt.Sprintf("%s/%d", worlds[i].id, k/3+1), 0
		if took = n.writers[op]; took > 1 {
			wrong = append(wrong, op+" took effect twice")
		}
		switch c.Type {
		case history.OK:
			if took == 0 {
				wrong = append(wrong, op+" was acknowledged and had no effect")
			}
			if other := told[c.Op.N]; other != "" {
				wrong = append(wrong, fmt.Sprintf("%s and %s were told %d", other, op, c.Op.N))
			}
			told[c.Op.N] = op
		case history.Fail:
			n.late = slices.DeleteFunc(n.late, func(w write) bool { // those that can not take effect any more
				return w.op == op && (w.create && n.exists || !w.create && w.version < n.version)
			})
			if took > 0 || slices.ContainsFunc(n.late, func(w write) bool { return w.op == op }) {
				wrong = append(wrong, op+" failed and took effect or may")
			}
		}
	}
	return wrong, ends
}

// TestAddTellsTheTruth: whatever is lost, delayed or stale, an acknowledged addition took effect once, a failed one never
// does, and no value is told twice.
func TestAddTellsTheTruth(t *testing.T) {
	ends := map[history.Type]int{}
	for seed := range uint64(1000) {
		wrong, some := play(seed)
		require.Empty(t, wrong, "seed %d", seed)
		for _, how := range []history.Type{history.OK, history.Fail, history.Info} {
			ends[how] += some[how]
		}
	}
	t.Log(ends)
	require.Greater(t, ends[history.OK], 10_000)
	require.Greater(t, ends[history.Info], 100)
	require.Greater(t, ends[history.Fail], 100)
}

// TestDefectsDoNot: the same play shows every defect that miscounts.
func TestDefectsDoNot(t *testing.T) {
	for _, defect := range []string{anyVersion, blindRetry, lossIsSuccess, lossIsFailure} {
		found := 0
		for seed := range uint64(20) {
			if wrong, _ := play(seed, defect); len(wrong) > 0 {
				found++
			}
		}
		require.Positive(t, found, defect)
	}
}
