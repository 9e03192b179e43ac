package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// programPath is where the riven binary lies in a node image.
const programPath = "/riven"

// nobody is whom the built-in participant runs as.
var nobody = User{UID: 65534, GID: 65534}

// nodeConfig is what the layer changes in an image's configuration. A health check of the image's own would run beside
// the child, out of the agent's control.
func nodeConfig() container.Config {
	return container.Config{
		User:        "0:0",
		Entrypoint:  []string{programPath},
		Cmd:         []string{"agent"},
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
}

// nodeRef is the name of the node image of a program over an image (its id; empty for none).
func (b *Builder) nodeRef(base string, prog program) string {
	config, err := json.Marshal(nodeConfig())
	if err != nil {
		panic(err) // a struct of strings
	}
	sum := sha256.Sum256(fmt.Appendf(config, "\n%s\n%s", base, prog.digest))
	return fmt.Sprintf("%s:%x", b.repo(Node), sum[:8])
}

// layer makes the node image of a program over an image that the engine has.
func (b *Builder) layer(ctx context.Context, base string, prog program) (Image, error) {
	in, err := b.cli.ImageInspect(ctx, base)
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s: %w", base, err)
	}
	if in.Config != nil && in.Config.Labels[labelKind] == string(Node) {
		return Image{}, fmt.Errorf("image %s is made of an image that carries riven already, so its own command is not known: name the image below it", base)
	}
	if err := prog.runsOn(in.Architecture); err != nil {
		return Image{}, err
	}
	return b.node(ctx, b.nodeRef(in.ID, prog), func(ref string) error {
		b.log("putting riven on top of %s…", base)
		return b.commitNode(ctx, ref, in, prog)
	})
}

func (b *Builder) commitNode(ctx context.Context, ref string, base client.ImageInspectResult, prog program) error {
	return b.inContainer(ctx, container.Config{Image: base.ID}, container.HostConfig{}, func(id string) error {
		user, err := b.userOf(ctx, id, base)
		if err != nil {
			return err
		}
		files, err := tarOf(tarEntry{Name: programPath[1:], Mode: 0o755, Content: prog.bytes})
		if err != nil {
			return err
		}
		to := client.CopyToContainerOptions{DestinationPath: "/", Content: files}
		if _, err := b.cli.CopyToContainer(ctx, id, to); err != nil {
			return fmt.Errorf("copy riven into image %s: %w", ref, err)
		}
		config := nodeConfig()
		if config.Labels, err = b.nodeLabels(user, ownCommand(base)); err != nil {
			return err
		}
		return b.commit(ctx, id, ref, config)
	})
}

// scratch makes the node image that holds the program alone.
func (b *Builder) scratch(ctx context.Context, prog program) (Image, error) {
	return b.node(ctx, b.nodeRef("", prog), func(ref string) error {
		b.log("making the participant image…")
		files, err := tarOf(
			tarEntry{Name: programPath[1:], Mode: 0o755, Content: prog.bytes},
			tarEntry{Name: "tmp/", Mode: 0o1777},
		)
		if err != nil {
			return err
		}
		config := nodeConfig()
		if config.Labels, err = b.nodeLabels(nobody, []string{programPath, "participant"}); err != nil {
			return err
		}
		if err := b.importTar(ctx, ref, files, changes(config)); err != nil {
			return err
		}
		in, err := b.cli.ImageInspect(ctx, ref)
		if err != nil {
			return fmt.Errorf("inspect image %s: %w", ref, err)
		}
		if err := prog.runsOn(in.Architecture); err != nil {
			_, gone := b.cli.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
			return errors.Join(err, gone)
		}
		return nil
	})
}

// node returns the node image ref, made by build if the engine does not have it, in which case older ones go.
func (b *Builder) node(ctx context.Context, ref string, build func(ref string) error) (Image, error) {
	err := b.once(ctx, ref, func() error {
		if err := build(ref); err != nil {
			return err
		}
		return b.sweepNodes(ctx, ref)
	})
	if err != nil {
		return Image{}, err
	}
	// The tag is set anew so that the engine notes the time of last use, which sweepNodes goes by.
	if _, err := b.cli.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: ref}); err != nil {
		return Image{}, fmt.Errorf("mark image %s as used: %w", ref, err)
	}
	in, err := b.cli.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	return nodeFrom(ref, in)
}

// userOf resolves the user of an image, with the files of a container of it if it is given by name. An image that starts
// as root but has a user zookeeper steps down to it by itself (as the official one does), for which a child has no
// right: it is that user from the start.
func (b *Builder) userOf(ctx context.Context, id string, in client.ImageInspectResult) (User, error) {
	spec := ""
	if in.Config != nil {
		spec = in.Config.User
	}
	passwd, err := b.readFile(ctx, id, "/etc/passwd")
	if err != nil {
		return User{}, err
	}
	if root := spec == "" || spec == "root" || spec == "0"; root && find(passwd, "zookeeper", 4) != nil {
		spec = "zookeeper"
	}
	group, err := b.readFile(ctx, id, "/etc/group")
	if err != nil {
		return User{}, err
	}
	return resolveUser(spec, passwd, group)
}

// readFile returns the text of a file in a container, empty if there is none.
func (b *Builder) readFile(ctx context.Context, id, path string) (string, error) {
	res, err := b.cli.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if cerrdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s of the image: %w", path, err)
	}
	defer res.Content.Close()
	tr := tar.NewReader(res.Content)
	if _, err := tr.Next(); err != nil {
		return "", fmt.Errorf("read %s of the image: %w", path, err)
	}
	text, err := io.ReadAll(tr)
	if err != nil {
		return "", fmt.Errorf("read %s of the image: %w", path, err)
	}
	return string(text), nil
}
