package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// young is the age below which something without a use may belong to a run that is just starting or ending.
const young = 2 * time.Minute

// SweepOptions say what Sweep may remove.
type SweepOptions struct {
	All bool // also what may be in use: every node and network, running ones of a live run included
}

// Removed is what Sweep has removed: names of nodes with their run, and of networks.
type Removed struct {
	Nodes    []string
	Networks []string
	// Stuck are networks that no container is in and that the engine yet calls in use: it has lost track of an endpoint,
	// as some versions do when a container dies while it is being connected. They go with a restart of the engine.
	Stuck []string
}

// Sweep removes what runs have left on the engine, recognised by Riven's labels. Without All those are networks that
// no container is in and nodes that do not run (never started, or ended without the engine removing them), both older
// than two minutes. A running node is never touched then: it ends by itself with its harness, so one that runs has one.
func Sweep(ctx context.Context, cli *client.Client, opts SweepOptions) (Removed, error) {
	nodes, err := sweepNodes(ctx, cli, opts.All)
	if err != nil {
		return Removed{Nodes: nodes}, err
	}
	removed := Removed{Nodes: nodes}
	err = sweepNetworks(ctx, cli, opts.All, &removed)
	return removed, err
}

func sweepNodes(ctx context.Context, cli *client.Client, all bool) (removed []string, err error) {
	list, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofKind(kindNode)})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var errs []error
	for _, ctr := range list.Items {
		idle := ctr.State == container.StateCreated || ctr.State == container.StateExited || ctr.State == container.StateDead
		if !all && !(idle && old(ctr.Labels)) {
			continue
		}
		if err := removeContainer(ctx, cli, ctr.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, ctr.Labels[labelNode]+" of run "+ctr.Labels[labelRun])
	}
	return removed, errors.Join(errs...)
}

func sweepNetworks(ctx context.Context, cli *client.Client, all bool, removed *Removed) error {
	list, err := cli.NetworkList(ctx, client.NetworkListOptions{Filters: ofKind(kindNetwork)})
	if err != nil {
		return fmt.Errorf("list networks: %w", err)
	}
	var errs []error
	for _, nw := range list.Items {
		if !all && !old(nw.Labels) {
			continue
		}
		// The engine refuses to remove a network that a running container is in.
		_, err := cli.NetworkRemove(ctx, nw.ID, client.NetworkRemoveOptions{})
		switch {
		case err == nil:
			removed.Networks = append(removed.Networks, nw.Name)
		case cerrdefs.IsNotFound(err), !all && inUse(ctx, cli, nw.ID):
		case cerrdefs.IsPermissionDenied(err) && !inUse(ctx, cli, nw.ID):
			removed.Stuck = append(removed.Stuck, nw.Name)
		default:
			errs = append(errs, fmt.Errorf("remove network %s: %w", nw.Name, err))
		}
	}
	return errors.Join(errs...)
}

func inUse(ctx context.Context, cli *client.Client, network string) bool {
	in, err := cli.NetworkInspect(ctx, network, client.NetworkInspectOptions{})
	return err == nil && len(in.Network.Containers) > 0
}

func ofKind(kind string) client.Filters {
	return client.Filters{}.Add("label", labelKind+"="+kind)
}

// old goes by the label that the run has set; without a readable one the thing is not touched.
func old(labels map[string]string) bool {
	started, err := strconv.ParseInt(labels[labelStarted], 10, 64)
	return err == nil && time.Since(time.Unix(started, 0)) > young
}
