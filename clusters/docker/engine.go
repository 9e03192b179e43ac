package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/moby/moby/client"
	tc "github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// ErrNoEngine means that no container engine could be reached.
var ErrNoEngine = errors.New("no Docker engine answers")

// configure tells testcontainers to print nothing and to start no reaper container: the end of a node's agent is the
// end of the node, and Sweep takes what is left. Its configuration is read once per process, so this comes first.
var configure = sync.OnceValue(func() error {
	tclog.SetDefault(tclog.NewNoopLogger())
	return os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
})

// Connect reaches the engine as testcontainers finds it (its properties file, DOCKER_HOST, the Docker context, the
// default socket), but no other than DOCKER_HOST if that is set. The error wraps ErrNoEngine if there is none. The
// caller closes the client.
func Connect(ctx context.Context) (*client.Client, error) {
	if err := configure(); err != nil {
		return nil, fmt.Errorf("configure testcontainers: %w", err)
	}
	cli, err := tc.NewDockerClientWithOpts(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connect to the Docker engine: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("%w at %s: start one or set DOCKER_HOST (%v)", ErrNoEngine, engineAddress(), err)
	}
	if host := os.Getenv(client.EnvOverrideHost); host != "" && cli.DaemonHost() != host {
		err := fmt.Errorf("%w at %s, which DOCKER_HOST names (one does at %s)", ErrNoEngine, host, cli.DaemonHost())
		return nil, errors.Join(err, cli.Close())
	}
	return cli.Client, nil
}

func engineAddress() string {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return host
	}
	return client.DefaultDockerHost
}
