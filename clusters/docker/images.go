package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"
)

// Images are what the nodes of a cluster are made of. Both carry the agent as /riven.
type Images struct {
	Server      Image
	Participant Image
}

// Image is one node image on the engine.
type Image struct {
	Ref      string   // name and tag
	UID, GID int      // whom the child runs as
	Command  []string // the child; a server's reads its configuration from /zoo.cfg
}

func (i Image) validate() error {
	switch {
	case i.Ref == "":
		return errors.New("no image")
	case len(i.Command) == 0:
		return fmt.Errorf("image %s: no command to run in it", i.Ref)
	}
	return nil
}

// environment is the image's own environment. An image that the engine lacks is an error here: nothing is pulled.
func (i Image) environment(ctx context.Context, cli *client.Client) ([]string, error) {
	in, err := cli.ImageInspect(ctx, i.Ref)
	if err != nil {
		return nil, fmt.Errorf("inspect image %s: %w", i.Ref, err)
	}
	if in.Config == nil {
		return nil, nil
	}
	return in.Config.Env, nil
}
