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

// find makes sure that the engine has the image: nothing is pulled.
func (i Image) find(ctx context.Context, cli *client.Client) error {
	if _, err := cli.ImageInspect(ctx, i.Ref); err != nil {
		return fmt.Errorf("find image %s: %w", i.Ref, err)
	}
	return nil
}
