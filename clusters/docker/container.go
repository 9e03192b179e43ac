package docker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	tc "github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	tcnet "github.com/testcontainers/testcontainers-go/network"

	"riven/clusters/docker/agent"
)

// Labels on everything that a run creates on the engine.
const (
	labelKind    = "riven"         // kindNode or kindNetwork
	labelRun     = "riven.run"     // the run's ID
	labelStarted = "riven.started" // Unix time in seconds, by the harness's clock
	labelNode    = "riven.node"    // the node's name

	kindNode    = "node"
	kindNetwork = "network"
)

// capabilities of the agent; it drops all of them from the child. KILL: signals to the child's user. SETUID, SETGID,
// SETPCAP: to give all privileges away before the child's exec. NET_ADMIN: the packet filter of the node. CHOWN: the
// data directory that it makes is handed to the child's user.
var capabilities = []string{"KILL", "SETUID", "SETGID", "SETPCAP", "NET_ADMIN", "CHOWN"}

// clockCapabilities are for clocks: SYS_PTRACE to stop the child's threads and to write to its memory, DAC_OVERRIDE as the kernel's file
// for that belongs to the child's user.
var clockCapabilities = []string{"SYS_PTRACE", "DAC_OVERRIDE"}

// agentCapabilities are those that a run takes.
func agentCapabilities(clocks bool) []string {
	if clocks {
		return slices.Concat(capabilities, clockCapabilities)
	}
	return capabilities
}

func labels(kind, run string, started time.Time) map[string]string {
	return map[string]string{
		labelKind: kind, labelRun: run, labelStarted: strconv.FormatInt(started.Unix(), 10),
	}
}

func createNetwork(ctx context.Context, run string, started time.Time) (*tc.DockerNetwork, error) {
	nw, err := tcnet.New(ctx, tcnet.WithInternal(), tcnet.WithLabels(labels(kindNetwork, run, started)))
	if err != nil {
		return nil, fmt.Errorf("create a network: %w", err)
	}
	return nw, nil
}

// createContainer makes the container of a node. Its standard input is the agent's life line: StdinOnce closes it when
// the attached harness goes, the agent ends, and the engine removes the container.
func createContainer(ctx context.Context, image, network, name string, labels map[string]string, caps []string) (tc.Container, error) {
	labels[labelNode] = name
	c, err := tc.GenericContainer(ctx, tc.GenericContainerRequest{
		Logger: tclog.NewNoopLogger(),
		ContainerRequest: tc.ContainerRequest{
			Image: image, User: "0:0", Entrypoint: []string{"/riven", "agent"}, Networks: []string{network}, Labels: labels,
			Env: map[string]string{agent.EnvRun: labels[labelRun]},
			ConfigModifier: func(c *container.Config) {
				c.Hostname = name
				c.OpenStdin, c.StdinOnce, c.AttachStdin, c.AttachStdout, c.AttachStderr = true, true, true, true, true
			},
			HostConfigModifier: func(h *container.HostConfig) {
				h.AutoRemove = true
				h.CapDrop, h.CapAdd = []string{"ALL"}, caps
				h.LogConfig = container.LogConfig{Type: "none"}
			},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("create the container of %s: %w", name, err)
	}
	return c, nil
}

func attach(ctx context.Context, cli *client.Client, id string) (client.HijackedResponse, error) {
	at, err := cli.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	return at.HijackedResponse, err
}

// addressOf asks the engine which address it gave to a running container.
func addressOf(ctx context.Context, cli *client.Client, id, network string) (netip.Addr, error) {
	in, err := cli.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return netip.Addr{}, err
	}
	if in.Container.NetworkSettings != nil {
		if e := in.Container.NetworkSettings.Networks[network]; e != nil && e.IPAddress.Is4() {
			return e.IPAddress, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the engine gave it no IPv4 address in network %s", network)
}

// attached is the harness's end of a container's standard input.
type attached struct{ client.HijackedResponse }

func (a attached) Write(p []byte) (int, error) { return a.Conn.Write(p) }
func (a attached) CloseWrite() error           { return a.HijackedResponse.CloseWrite() }
