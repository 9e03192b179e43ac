//go:build docker

package image

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// engine is a Builder on the real engine that remembers what it has said.
type engine struct {
	*Builder
	mu   sync.Mutex
	said []string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	cli, err := client.New(client.FromEnv)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cli.Close()) })
	e := &engine{}
	e.Builder = New(cli, func(format string, a ...any) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.said = append(e.said, fmt.Sprintf(format, a...))
		t.Logf(format, a...)
	})
	return e
}

// apart gives a Builder names of its own, so that the test shares no image with anyone, and removes them at the end.
func (e *engine) apart(t *testing.T) {
	t.Helper()
	e.prefix = "riven-test-" + strings.ToLower(rand.Text()[:8])
	e.lockFile = filepath.Join(t.TempDir(), "lock")
	t.Cleanup(func() {
		_, err := e.Remove(context.WithoutCancel(t.Context()))
		require.NoError(t, err)
	})
}

// freshProgram builds a small static program that no earlier test has had.
func freshProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "riven")
	cmd := exec.Command("go", "build", "-ldflags", "-B 0x"+fmt.Sprintf("%x", rand.Text()), "-o", path, "./testdata/program")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// dropNode removes a node image that the test has made under the common names.
func (e *engine) dropNode(t *testing.T, img Image) {
	t.Helper()
	_, err := e.cli.ImageRemove(context.WithoutCancel(t.Context()), img.Ref, client.ImageRemoveOptions{})
	require.NoError(t, err)
}

// start runs /riven with words in a container of an image, with files copied in, until the test ends.
func (e *engine) start(t *testing.T, img Image, files []tarEntry, words ...string) (id string) {
	t.Helper()
	ctx := t.Context()
	c, err := e.cli.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{Image: img.ID, Cmd: words, Labels: map[string]string{e.prefix: "image-test"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := e.cli.ContainerRemove(context.WithoutCancel(ctx), c.ID, client.ContainerRemoveOptions{Force: true})
		require.NoError(t, err)
	})
	archive, err := tarOf(files...)
	require.NoError(t, err)
	_, err = e.cli.CopyToContainer(ctx, c.ID, client.CopyToContainerOptions{DestinationPath: "/", Content: archive})
	require.NoError(t, err)
	_, err = e.cli.ContainerStart(ctx, c.ID, client.ContainerStartOptions{})
	require.NoError(t, err)
	return c.ID
}

// lines yields what a container writes, line by line, until it ends.
func (e *engine) lines(t *testing.T, id string) *bufio.Scanner {
	t.Helper()
	logs, err := e.cli.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	require.NoError(t, err)
	r, w := io.Pipe()
	var copying errgroup.Group
	copying.Go(func() error {
		_, err := stdcopy.StdCopy(w, w, logs)
		return w.CloseWithError(err)
	})
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		require.NoError(t, logs.Close())
		require.NoError(t, copying.Wait())
	})
	return bufio.NewScanner(r)
}

func (e *engine) output(t *testing.T, id string) string {
	t.Helper()
	var all []string
	s := e.lines(t, id)
	for s.Scan() {
		all = append(all, s.Text())
	}
	require.NoError(t, s.Err())
	return strings.Join(all, "\n")
}

func TestServerRunsZooKeeper(t *testing.T) {
	e := newEngine(t)
	bin := freshProgram(t)
	img, err := e.Server(t.Context(), "bookworm", bin)
	require.NoError(t, err)
	t.Cleanup(func() { e.dropNode(t, img) })
	require.Equal(t, serverUser, img.User)
	require.Equal(t, releases["bookworm"].command(), img.Command)
	require.Contains(t, e.said, "putting riven on top of "+e.serverRef("bookworm", releases["bookworm"])+"…")

	e.said = nil
	again, err := e.Server(t.Context(), "bookworm", bin)
	require.NoError(t, err)
	require.Equal(t, img, again)
	require.Empty(t, e.said, "nothing was made the second time")

	e.runsZooKeeper(t, img)
}

// runsZooKeeper checks that an image's own command starts a server, as the image's own user.
func (e *engine) runsZooKeeper(t *testing.T, img Image) {
	t.Helper()
	java := e.output(t, e.start(t, img, nil, "as", img.User.String(), "java", "-version"))
	require.Contains(t, java, "OpenJDK Runtime Environment")

	config := "tickTime=2000\ndataDir=/tmp/data\nclientPort=2181\nadmin.enableServer=false\n"
	words := append([]string{"as", img.User.String()}, img.Command...)
	s := e.lines(t, e.start(t, img, []tarEntry{{Name: "zoo.cfg", Mode: 0o644, Content: []byte(config)}}, words...))
	var seen []string
	for s.Scan() && !strings.Contains(s.Text(), "binding to port") {
		seen = append(seen, s.Text())
	}
	require.NoError(t, s.Err())
	require.Contains(t, s.Text(), "binding to port", "the server has ended: %s", strings.Join(seen, "\n"))
}

func TestServerOfUnknownSuite(t *testing.T) {
	_, err := newEngine(t).Server(t.Context(), "buzz", freshProgram(t))
	require.EqualError(t, err, `unknown Debian suite "buzz" (known: bookworm, bullseye, trixie)`)
}

func TestParticipant(t *testing.T) {
	e := newEngine(t)
	e.apart(t)
	bin := freshProgram(t)
	img, err := e.Participant(t.Context(), bin)
	require.NoError(t, err)
	require.Equal(t, []string{"making the participant image…"}, e.said)
	require.Equal(t, User{65534, 65534}, img.User)
	require.Equal(t, []string{"/riven", "participant"}, img.Command)
	again, err := e.Participant(t.Context(), bin)
	require.NoError(t, err)
	require.Equal(t, img, again)
	require.Len(t, e.said, 1)

	require.Equal(t, "65534:65534 can write to /tmp", e.output(t, e.start(t, img, nil, "as", img.User.String(), "/riven", "whoami")))
}

// named makes an image with a user and a group that it knows by name.
func (e *engine) named(t *testing.T) (ref string) {
	t.Helper()
	files, err := tarOf(
		tarEntry{Name: "etc/passwd", Mode: 0o644, Content: []byte("app:x:1000:1000::/:\n")},
		tarEntry{Name: "etc/group", Mode: 0o644, Content: []byte("staff:x:50:\n")},
	)
	require.NoError(t, err)
	ref = e.prefix + "-debian:named"
	require.NoError(t, e.importTar(t.Context(), ref, files, changes(container.Config{
		User: "app:staff", Entrypoint: []string{"/app"}, Cmd: []string{"serve", `"$x"`}, Labels: e.labels(Base),
	})))
	return ref
}

func TestLayerOnAnyImage(t *testing.T) {
	e := newEngine(t)
	e.apart(t)
	img, err := e.Layer(t.Context(), e.named(t), freshProgram(t))
	require.NoError(t, err)
	require.Equal(t, Image{
		Ref: img.Ref, ID: img.ID, User: User{1000, 50}, Command: []string{"/app", "serve", `"$x"`},
	}, img)
	require.Equal(t, "0:0\n", strings.TrimSuffix(e.output(t, e.start(t, img, []tarEntry{{Name: "tmp/", Mode: 0o1777}}, "whoami")), " can write to /tmp")+"\n")

	_, err = e.Layer(t.Context(), img.Ref, freshProgram(t))
	require.ErrorContains(t, err, "carries riven already")
	_, err = e.Layer(t.Context(), "registry.invalid/none:1", freshProgram(t))
	require.ErrorContains(t, err, "pull image registry.invalid/none:1: ")
}

// TestSilentRegistry has the engine pull from a registry that takes connections and says nothing.
func TestSilentRegistry(t *testing.T) {
	registry, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer registry.Close()
	e := newEngine(t)
	e.patience = 300 * time.Millisecond
	ref := registry.Addr().String() + "/none:1"
	_, err = e.Layer(t.Context(), ref, freshProgram(t))
	require.EqualError(t, err, "pull image "+ref+": the registry does not answer")
}

func TestTwoBuildersBuildOnce(t *testing.T) {
	one := newEngine(t)
	one.apart(t)
	two := newEngine(t)
	two.prefix, two.lockFile = one.prefix, one.lockFile
	base, bin := one.named(t), freshProgram(t)
	var imgs [2]Image
	var both errgroup.Group
	for i, e := range []*engine{one, two} {
		both.Go(func() (err error) {
			imgs[i], err = e.Layer(t.Context(), base, bin)
			return err
		})
	}
	require.NoError(t, both.Wait())
	require.Equal(t, imgs[0], imgs[1])
	made := slices.DeleteFunc(append(one.said, two.said...), func(s string) bool { return !strings.HasPrefix(s, "putting") })
	require.Equal(t, []string{"putting riven on top of " + base + "…"}, made)
}

func (e *engine) refs(t *testing.T) []string {
	t.Helper()
	all, err := e.List(t.Context())
	require.NoError(t, err)
	var refs []string
	for _, img := range all {
		refs = append(refs, img.Ref)
	}
	return refs
}

func TestOldNodesGo(t *testing.T) {
	e := newEngine(t)
	e.apart(t)
	unused, err := e.Participant(t.Context(), freshProgram(t))
	require.NoError(t, err)
	used, err := e.Participant(t.Context(), freshProgram(t))
	require.NoError(t, err)
	e.start(t, used, nil, "whoami")
	require.ElementsMatch(t, []string{unused.Ref, used.Ref}, e.refs(t), "both were asked for a moment ago")

	e.keep = 0
	newest, err := e.Participant(t.Context(), freshProgram(t))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{used.Ref, newest.Ref}, e.refs(t))
}

func TestRemove(t *testing.T) {
	e := newEngine(t)
	e.apart(t)
	base := e.named(t)
	free, err := e.Participant(t.Context(), freshProgram(t))
	require.NoError(t, err)
	node, err := e.Layer(t.Context(), base, freshProgram(t))
	require.NoError(t, err)
	all, err := e.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Kind{Node, Node, Base}, []Kind{all[0].Kind, all[1].Kind, all[2].Kind})
	t.Run("one in use", func(t *testing.T) {
		e.start(t, node, nil, "whoami")
		removed, err := e.Remove(t.Context())
		require.ErrorContains(t, err, "remove image "+node.Ref+": ")
		require.ElementsMatch(t, []string{free.Ref, base}, []string{removed[0].Ref, removed[1].Ref})
		require.Len(t, removed, 2)
	})
	removed, err := e.Remove(t.Context())
	require.NoError(t, err)
	require.Len(t, removed, 2, "the node, and the base that was below it")
	require.Empty(t, e.refs(t))
}
