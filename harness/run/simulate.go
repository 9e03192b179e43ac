package run

import (
	"context"

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
	return new(Simulator).Simulate(ctx, s, plan)
}

// Simulator makes one run after the other in the same room: that of histories is half of what a run allocates.
type Simulator struct{ events []history.Event }

// Simulate makes a run and judges it. The trial's history is good until the next call.
func (x *Simulator) Simulate(ctx context.Context, s spec.Spec, plan *nemesis.Plan) (*Trial, error) {
	m := &memory{events: x.events[:0]}
	defer func() { x.events = m.events }()
	r, err := prepare(ctx, Options{Spec: s, Plan: plan, Cluster: Simulated}, func() (recorder, string, error) {
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
	history.Sort(m.events)
	t := &Trial{Hash: c.Hash(), Events: c.Events(), Input: checkers.Input{
		Spec: s, Plan: r.plan, Receipts: m.receipts, History: m.events, Claims: found.Claims,
	}}
	in := t.Input.Once()
	t.Verdict = checkers.Judge(in, checks(r.workload, in), r.workload.Floors(in), m.meta.Problems)
	return t, ctx.Err()
}
