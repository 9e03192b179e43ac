package image

import (
	"context"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Builder makes the images that are missing. Its methods may be called at the same time, also from several processes.
type Builder struct {
	cli      *client.Client
	log      func(format string, a ...any)
	lockFile string
	prefix   string        // of the images' names; also their label, with the value "image"
	keep     time.Duration // see keepUnused
	patience time.Duration // see pullPatience
}

// New returns a Builder on the engine behind cli. It writes one line to log, which must not be nil, before every step
// that takes long enough to be noticed.
func New(cli *client.Client, log func(format string, a ...any)) *Builder {
	return &Builder{cli: cli, log: log, lockFile: lockPath(), prefix: "riven", keep: keepUnused, patience: pullPatience}
}

// Server returns a node image of a ZooKeeper server as the Debian release suite has it, with the riven binary on top.
// The first call for a suite takes about a minute and needs a Debian mirror.
func (b *Builder) Server(ctx context.Context, suite, binary string) (Image, error) {
	prog, err := readProgram(binary)
	if err != nil {
		return Image{}, err
	}
	ref, err := b.server(ctx, suite)
	if err != nil {
		return Image{}, err
	}
	return b.layer(ctx, ref, prog)
}

// Participant returns a node image that holds nothing but the riven binary and a /tmp; its own command is the built-in
// participant.
func (b *Builder) Participant(ctx context.Context, binary string) (Image, error) {
	prog, err := readProgram(binary)
	if err != nil {
		return Image{}, err
	}
	return b.scratch(ctx, prog)
}

// Layer returns a node image made of the image base, which the engine has or can pull, and the riven binary. Call it
// (or Server, or Participant) before each run, not once for many: that is cheap, and an image which nobody has asked
// for in a while goes when one with a newer binary is made.
func (b *Builder) Layer(ctx context.Context, base, binary string) (Image, error) {
	prog, err := readProgram(binary)
	if err != nil {
		return Image{}, err
	}
	has, err := b.has(ctx, base)
	if err != nil {
		return Image{}, err
	}
	if !has {
		if err := b.pull(ctx, base); err != nil {
			return Image{}, err
		}
	}
	return b.layer(ctx, base, prog)
}

// has reports whether the engine has an image.
func (b *Builder) has(ctx context.Context, ref string) (bool, error) {
	_, err := b.cli.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	return true, nil
}

// once runs build under the lock unless the engine has the image ref, which is looked up again once the lock is held.
func (b *Builder) once(ctx context.Context, ref string, build func() error) error {
	if has, err := b.has(ctx, ref); has || err != nil {
		return err
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if has, err := b.has(ctx, ref); has || err != nil {
		return err
	}
	if err := b.sweepContainers(ctx); err != nil {
		return err
	}
	return build()
}
