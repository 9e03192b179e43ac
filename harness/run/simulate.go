package run

import (
	"context"
	"sync"

	"riven/checkers"
	"riven/clusters"
	"riven/clusters/sim"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads"
	"riven/workloads/catalogue"
)

// Trial is a run in the simulation that left no files.
type Trial struct {
	Input   checkers.Input
	Verdict checkers.Verdict
	Hash    uint64 // of everything that happened
	Events  uint64 // of the simulation
}

// Simulated makes simulated clusters.
func Simulated(_ context.Context, cfg clusters.Config) (clusters.Cluster, error) {
	return sim.New(cfg, recipe)
}

func recipe(workload, name string) (workloads.Recipe, error) {
	_, r, err := catalogue.Find(workload, name)
	return r, err
}

// Simulate makes a run in memory and judges it.
func Simulate(ctx context.Context, s spec.Spec, plan *nemesis.Plan) (*Trial, error) {
	m := spare.Get().(*memory)
	defer m.free()
	r, err := prepare(ctx, Options{Spec: s, Plan: plan, Cluster: Simulated, Progress: silent{}}, func() (recorder, string, error) {
		return m, "", nil
	})
	if err != nil {
		return nil, err
	}
	r.drive(ctx)
	if err := r.finish(); err != nil {
		return nil, err
	}
	_, found, err := catalogue.Find(s.Workload, s.Recipe)
	if err != nil {
		return nil, err
	}
	c := r.cluster.(*sim.Cluster)
	t := &Trial{Hash: c.Hash(), Events: c.Events(), Input: checkers.Input{
		Spec: s, Plan: r.plan, Receipts: m.receipts, History: history.Sorted(m.events), Claims: found.Claims,
	}}
	t.Verdict = checkers.Judge(t.Input, checks(r.workload, t.Input), r.workload.Floors(t.Input), m.meta.Problems)
	return t, ctx.Err()
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Update(Status)         {}

// spare keeps the room of histories: it is half of what a run would allocate. What a trial gives away is a copy.
var spare = sync.Pool{New: func() any { return new(memory) }}

func (m *memory) free() {
	clear(m.events)
	*m = memory{events: m.events[:0]}
	spare.Put(m)
}
