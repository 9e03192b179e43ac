//go:build docker

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/image"
	"riven/results"
)

// buildImage makes an image of a folder on top of another one; it goes with the test.
func buildImage(t *testing.T, dir, name string, args ...string) (ref string) {
	t.Helper()
	ref = "riven-test-" + name
	c := exec.Command("docker", append([]string{"build", "--quiet", "--network", "host", "--tag", ref, dir}, args...)...)
	c.Env = append(os.Environ(), "DOCKER_BUILDKIT=0") // the builder that every engine has
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", ref).Run() })
	return ref
}

// base is riven's image of that kind without a node on top, as others would name it.
func base(t *testing.T, kind image.Kind) string {
	t.Helper()
	cli, err := client.New(client.FromEnv)
	require.NoError(t, err)
	defer cli.Close()
	b := image.New(cli, t.Logf)
	self, err := os.Executable()
	require.NoError(t, err)
	_, err = b.Server(t.Context(), "bookworm", self)
	require.NoError(t, err)
	list, err := b.List(t.Context())
	require.NoError(t, err)
	for _, i := range list {
		if i.Kind == kind && strings.Contains(i.Ref, ":bookworm") {
			return i.Ref
		}
	}
	t.Fatalf("no %s image among %v", kind, list)
	return ""
}

// A server image of somebody else, laid out as the official one.
func TestRunOnAnyImage(t *testing.T) {
	ref := buildImage(t, "testdata/official", "official", "--build-arg", "SERVER="+base(t, image.Server))
	o := runLock(t, "--image", ref, "--faults", "kill", "--time", "10s", "--participants", "2", "--seed", "1")
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	b, err := results.Open(o.Bundle)
	require.NoError(t, err)
	require.Equal(t, "3.8.0", b.Meta.ZooKeeper, "as the servers say")
}

// Participants that are not ours, on kazoo's and on Curator's own locks.
func TestForeignParticipants(t *testing.T) {
	for _, name := range []string{"kazoo", "curator"} {
		t.Run(name, func(t *testing.T) {
			ref := buildImage(t, "../../examples/participants/"+name, name, "--build-arg", "BASE="+base(t, image.Base))
			o := runLock(t, "--participant", ref, "--participants", "3", "--faults", "partition,pause", "--time", "14s", "--session", "1s", "--seed", "1")
			require.Equal(t, 0, o.Code, o.Verdict.Sentence)
		})
	}
}
