package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// keepUnused is how long a node image outlives its last use once a newer one is made. It covers the time between the
// answer of a Builder and the start of containers from it by another process.
const keepUnused = 10 * time.Minute

// Info describes an image of this package on the engine.
type Info struct {
	Ref     string // name and tag; the id if it has lost its name to a newer one
	ID      string
	Kind    Kind
	Size    int64 // bytes, with those of the images below it
	Created time.Time
}

// List returns the images of this package that are on the engine, the uppermost first: nodes, servers, bases.
func (b *Builder) List(ctx context.Context) ([]Info, error) {
	list, err := b.cli.ImageList(ctx, client.ImageListOptions{
		All:     true, // else one that has lost its name does not show while another is made of it
		Filters: client.Filters{}.Add("label", b.prefix+"=image"),
	})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Info
	for _, s := range list.Items {
		tags := slices.DeleteFunc(s.RepoTags, func(tag string) bool { return tag == "<none>:<none>" })
		if !b.ours(tags) {
			continue
		}
		info := Info{ID: s.ID, Kind: Kind(s.Labels[labelKind]), Size: s.Size, Created: time.Unix(s.Created, 0)}
		if len(tags) == 0 {
			tags = []string{s.ID}
		}
		for _, info.Ref = range tags {
			all = append(all, info)
		}
	}
	order := []Kind{Node, Server, Base}
	slices.SortStableFunc(all, func(x, y Info) int { return slices.Index(order, x.Kind) - slices.Index(order, y.Kind) })
	return all, nil
}

// Remove removes the images of this package and returns those that it has removed. One that a container still uses
// stays and is named in the error.
func (b *Builder) Remove(ctx context.Context) ([]Info, error) {
	unlock, err := b.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := b.List(ctx)
	if err != nil {
		return nil, err
	}
	var removed []Info
	var errs []error
	for _, img := range all {
		_, err := b.cli.ImageRemove(ctx, img.Ref, client.ImageRemoveOptions{})
		switch {
		case cerrdefs.IsNotFound(err):
		case err != nil:
			errs = append(errs, fmt.Errorf("remove image %s: %w", img.Ref, err))
		default:
			removed = append(removed, img)
		}
	}
	return removed, errors.Join(errs...)
}

// sweepNodes removes the node images that nobody has used for a while and no container is made of, so that those of
// earlier binaries do not pile up. All times are of the engine's clock; newest is the image that was just made.
func (b *Builder) sweepNodes(ctx context.Context, newest string) error {
	now, err := b.lastUse(ctx, newest)
	if err != nil {
		return err
	}
	all, err := b.List(ctx)
	if err != nil {
		return err
	}
	for _, img := range all {
		if img.Kind != Node || img.Ref == newest {
			continue
		}
		used, err := b.lastUse(ctx, img.Ref)
		if cerrdefs.IsNotFound(err) || err == nil && now.Sub(used) < b.keep {
			continue
		}
		if err != nil {
			return err
		}
		_, err = b.cli.ImageRemove(ctx, img.Ref, client.ImageRemoveOptions{})
		if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
			return fmt.Errorf("remove image %s: %w", img.Ref, err)
		}
	}
	return nil
}

// lastUse is when an image was last named (see node), or made where the engine keeps no such time.
func (b *Builder) lastUse(ctx context.Context, ref string) (time.Time, error) {
	in, err := b.cli.ImageInspect(ctx, ref)
	if err != nil {
		return time.Time{}, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	if t := in.Metadata.LastTagTime; !t.IsZero() {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, in.Created)
	if err != nil {
		return time.Time{}, fmt.Errorf("creation time of image %s: %w", ref, err)
	}
	return t, nil
}
