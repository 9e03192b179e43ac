package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Deadlines of a stop, which together stay below ten seconds. They hold even when the caller's context has ended: what
// was started is removed.
const (
	leaveTime  = 4 * time.Second // for the agents to end by themselves
	removeTime = 5 * time.Second // for the engine to remove what is left
	lookEvery  = 20 * time.Millisecond
)

// Stop ends the agents by closing their standard inputs, waits until their containers are gone, removes by force those
// that are not, and removes the network. A second call returns the first one's result.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stop.Do(func() { c.stopErr = c.shutDown(context.WithoutCancel(ctx)) })
	return c.stopErr
}

func (c *Cluster) shutDown(ctx context.Context) error {
	c.stopping.Store(true)
	if c.started.IsZero() {
		return nil
	}
	c.hangUp(ctx)
	ctx, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	return errors.Join(c.removeContainers(ctx), c.removeNetwork(ctx))
}

// hangUp closes the agents' standard inputs and reads what they still have to say, until they have ended or leaveTime
// is over.
func (c *Cluster) hangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	for _, n := range c.all() {
		if n.link != nil {
			n.link.close()
		}
	}
	for _, n := range c.all() {
		if n.link == nil {
			continue
		}
		if n.started {
			select {
			case <-n.ended:
			case <-ctx.Done():
			}
		}
		n.hangUp()
		<-n.ended
		<-n.link.done
	}
	c.awaitGone(ctx)
}

// awaitGone returns when the engine has removed the run's containers by itself, as it does with all that were started,
// or with the context.
func (c *Cluster) awaitGone(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		left, err := c.containers(ctx)
		neverStarted := func(ctr container.Summary) bool { return ctr.State == container.StateCreated }
		if err != nil || len(slices.DeleteFunc(left, neverStarted)) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Cluster) containers(ctx context.Context) ([]container.Summary, error) {
	list, err := c.cli.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", labelKind+"="+kindNode, labelRun+"="+c.cfg.RunID),
	})
	if err != nil {
		return nil, fmt.Errorf("list the run's containers: %w", err)
	}
	return list.Items, nil
}

func (c *Cluster) removeContainers(ctx context.Context) error {
	left, err := c.containers(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(left))
	for _, ctr := range left {
		errs = append(errs, removeContainer(ctx, c.cli, ctr.ID))
	}
	return errors.Join(errs...)
}

// removeContainer removes it by force. One that is gone, or being removed already, is as good as removed.
func removeContainer(ctx context.Context, cli *client.Client, id string) error {
	_, err := cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
		return fmt.Errorf("remove container %.12s: %w", id, err)
	}
	return nil
}

// removeNetwork tries until the engine has let go of the last endpoint.
func (c *Cluster) removeNetwork(ctx context.Context) error {
	if c.network == nil {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		_, err := c.cli.NetworkRemove(ctx, c.network.ID, client.NetworkRemoveOptions{})
		if err == nil || cerrdefs.IsNotFound(err) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("remove network %s: %w", c.network.Name, err)
		}
	}
}
