package image

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// server returns the name of the server image of a suite, made if the engine does not have it.
func (b *Builder) server(ctx context.Context, suite string) (string, error) {
	r, err := releaseOf(suite)
	if err != nil {
		return "", err
	}
	ref := b.serverRef(suite, r)
	return ref, b.once(ctx, ref, func() error {
		base, err := b.debian(ctx, suite)
		if err != nil {
			return err
		}
		return b.install(ctx, ref, base, r)
	})
}

func (b *Builder) install(ctx context.Context, ref, base string, r release) error {
	b.log("installing ZooKeeper %s and a Java runtime (about half a minute, once)…", r.zookeeper)
	// The host's network is the one from which a Debian mirror is most surely reached.
	host := container.HostConfig{NetworkMode: "host"}
	config := container.Config{Image: base, User: "0:0", Cmd: []string{"sh", "-ec", install, "sh", r.zookeeper}}
	return b.inContainer(ctx, config, host, func(id string) error {
		if err := b.run(ctx, id); err != nil {
			return fmt.Errorf("install ZooKeeper %s on %s: %w", r.zookeeper, base, err)
		}
		return b.commit(ctx, id, ref, container.Config{
			User: serverUser.String(), Cmd: r.command(), Labels: b.labels(Server),
		})
	})
}

// debian returns the name of an image of plain Debian: the official one if the engine has it, else the one that was
// bootstrapped before, else the official one if it can be pulled, else a new bootstrapped one.
func (b *Builder) debian(ctx context.Context, suite string) (string, error) {
	official, own := "debian:"+suite+"-slim", b.repo(Base)+":"+suite
	for _, ref := range []string{official, own} {
		if has, err := b.has(ctx, ref); has || err != nil {
			return ref, err
		}
	}
	pullErr := b.pull(ctx, official)
	if pullErr == nil {
		return official, nil
	}
	if ctx.Err() != nil {
		return "", pullErr
	}
	if err := b.bootstrap(ctx, suite, own); err != nil {
		return "", fmt.Errorf("no image of Debian %s to build on: %w; and bootstrap one: %w", suite, pullErr, err)
	}
	return own, nil
}

// pullPatience is how long a registry may say nothing before it counts as out of reach.
const pullPatience = 10 * time.Second

var errSilent = errors.New("the registry does not answer")

// pull has the engine fetch an image. A registry out of reach is found out soon, a slow one is waited for.
func (b *Builder) pull(ctx context.Context, ref string) error {
	b.log("pulling image %s…", ref)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(b.patience, func() { cancel(errSilent) })
	defer silence.Stop()

	err := func() error {
		res, err := b.cli.ImagePull(ctx, ref, client.ImagePullOptions{})
		if err != nil {
			return err
		}
		defer res.Close()
		for m, err := range res.JSONMessages(ctx) {
			if err != nil {
				return err
			}
			if m.Error != nil {
				return m.Error
			}
			silence.Reset(b.patience)
		}
		return nil
	}()
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if err != nil {
		return fmt.Errorf("pull image %s: %w", ref, err)
	}
	return nil
}
