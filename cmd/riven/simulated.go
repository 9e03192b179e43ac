package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"riven/clusters/docker"
	"riven/clusters/sim"
	"riven/harness/run"
	"riven/harness/spec"
	"riven/results"
	"riven/workloads/catalogue"
)

const (
	onDocker  = "docker"
	onWhich   = "auto" // containers where there is an engine, else the simulation
	simEngine = "simulation"
)

// chooseCluster makes auto the cluster that this machine can run, and says so.
func chooseCluster(c *cobra.Command, name string) string {
	if name != onWhich {
		return name
	}
	cli, err := docker.Connect(c.Context())
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "note: no container engine here (%v): this is the simulation, not a real ensemble\n", err)
		return sim.Name
	}
	_ = cli.Close()
	return onDocker
}

const clientHelp = "whose behaviour the sessions of participants have: go-zk (the default), or java (simulation only)"

// simulable refuses what the simulation has not.
func simulable(s spec.Spec) error {
	if s.Cluster != sim.Name {
		if len(s.Broken) > 0 {
			return errors.New("defects of servers: only the simulation has such (--cluster sim)")
		}
		if s.Client != "" && s.Client != sim.Clients()[0] {
			return fmt.Errorf("client %s is unsupported in containers, whose participants use go-zookeeper: only the simulation has it (--cluster sim)", s.Client)
		}
		return nil
	}
	for _, d := range s.Broken {
		if err := known("defect of servers", d, sim.Defects()); err != nil {
			return err
		}
	}
	if s.Client != "" {
		if err := known("client", s.Client, sim.Clients()); err != nil {
			return err
		}
	}
	_, r, err := catalogue.Find(s.Workload, s.Recipe)
	switch {
	case err != nil:
		return err
	case r.New == nil:
		return fmt.Errorf("recipe %s is not written against riven's env: it runs in containers alone", s.Recipe)
	case s.Image != "" || s.Participant != "":
		return errors.New("images are for containers: the simulation has servers and participants of its own")
	case s.Suite != spec.Default().Suite:
		return fmt.Errorf("suites are for containers: the simulation is of ZooKeeper 3.8.0 alone (%s)", spec.Default().Suite)
	}
	return nil
}

// simulate makes a run in the simulation.
func simulate(ctx context.Context, o run.Options) (*results.Bundle, error) {
	o.Engine, o.Cluster = simEngine, run.Simulated
	return run.Run(ctx, o)
}

// exactly makes the run of a simulated bundle once and compares the whole history.
func exactly(f *replayFlags, c *cobra.Command, b *results.Bundle) (replayed, error) {
	x := replayed{Bundle: b.Dir, Differs: []string{}, Before: verdictOf(b)}
	if b.Meta.Riven != results.Revision() {
		x.Differs = append(x.Differs, fmt.Sprintf("the bundle was made by riven %s, this is %s", b.Meta.Riven, results.Revision()))
		fmt.Fprintln(c.ErrOrStderr(), "note:", x.Differs[0])
	}
	whole, err := results.Open(b.Dir)
	if err != nil {
		return x, err
	}
	made, err := makeRun(c, run.Options{
		Spec: b.Spec, Plan: givenPlan(b), Root: f.dir, Command: b.Meta.Command, Commit: cmp.Or(b.Meta.Commit, results.Revision()),
	})
	if err != nil {
		return x, err
	}
	x.Tries = []replayVerdict{verdictOf(made)}
	same := slices.Equal(whole.History, made.History)
	if !same {
		note := "the history is another one: the simulation of the bundle was not this one"
		x.Differs = append(x.Differs, note)
		fmt.Fprintln(c.ErrOrStderr(), "note:", note)
	}
	if same && x.Tries[0].repeats(x.Before) {
		x.Repeated = 1
	}
	x.Low, x.High = results.Wilson(x.Repeated, 1)
	return x, nil
}
