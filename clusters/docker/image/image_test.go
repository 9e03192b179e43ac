package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// inspected is the engine's answer for an image with a configuration.
func inspected(t *testing.T, id string, config container.Config) (in client.ImageInspectResult) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Id": id, "Config": config})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &in))
	return in
}

func TestNodeFromLabels(t *testing.T) {
	want := Image{Ref: "riven-node:1", ID: "sha256:1", User: User{7, 8}, Command: []string{"a", `b "c" $d`, ""}}
	l, err := New(nil, t.Logf).nodeLabels(want.User, want.Command)
	require.NoError(t, err)
	got, err := nodeFrom(want.Ref, inspected(t, want.ID, container.Config{Labels: l}))
	require.NoError(t, err)
	require.Equal(t, want, got)

	_, err = nodeFrom("x", client.ImageInspectResult{})
	require.EqualError(t, err, "label riven.command of image x: unexpected end of JSON input")
	_, err = nodeFrom("x", inspected(t, "", container.Config{Labels: map[string]string{labelUser: "me"}}))
	require.EqualError(t, err, `label riven.user of image x: user "me" is not in the image's /etc/passwd`)
}

func TestOwnCommand(t *testing.T) {
	require.Equal(t, []string{"/entry", "a", "b"},
		ownCommand(inspected(t, "", container.Config{Entrypoint: []string{"/entry"}, Cmd: []string{"a", "b"}})))
	require.Empty(t, ownCommand(client.ImageInspectResult{}))
}

func TestNamesFollowContent(t *testing.T) {
	b := New(nil, t.Logf)
	one := b.nodeRef("sha256:1", program{digest: "a"})
	require.Regexp(t, `^riven-node:[0-9a-f]{16}$`, one)
	require.Equal(t, one, b.nodeRef("sha256:1", program{digest: "a", path: "elsewhere"}))
	require.NotEqual(t, one, b.nodeRef("sha256:2", program{digest: "a"}))
	require.NotEqual(t, one, b.nodeRef("sha256:1", program{digest: "b"}))
	require.Regexp(t, `^riven-zookeeper:bookworm-[0-9a-f]{8}$`, b.serverRef("bookworm", releases["bookworm"]))
}

func TestOurs(t *testing.T) {
	b := New(nil, t.Logf)
	require.True(t, b.ours(nil))
	require.True(t, b.ours([]string{"riven-node:1", "riven-debian:bookworm"}))
	require.False(t, b.ours([]string{"riven-node:1", "mine:latest"}))
	require.False(t, b.ours([]string{"example.org/riven-node:1"}))
}

func TestUnknownSuite(t *testing.T) {
	_, err := ZooKeeperVersion("buzz")
	require.EqualError(t, err, `unknown Debian suite "buzz" (known: bookworm, bullseye, trixie)`)
	v, err := ZooKeeperVersion("bookworm")
	require.NoError(t, err)
	require.Equal(t, "3.8.0", v)
	require.Equal(t, []string{"bookworm", "bullseye", "trixie"}, Suites())
}

func TestChanges(t *testing.T) {
	require.Equal(t, []string{
		`LABEL a="[\"x\",\"\$y\"]"`,
		`LABEL b=""`,
		`USER 1:2`,
		`ENTRYPOINT ["/a b"]`,
		`CMD ["c","\"d\""]`,
	}, changes(container.Config{
		User: "1:2", Entrypoint: []string{"/a b"}, Cmd: []string{"c", `"d"`},
		Labels: map[string]string{"b": "", "a": `["x","$y"]`},
	}))
	require.Empty(t, changes(container.Config{}))
}

func TestTarOf(t *testing.T) {
	r, err := tarOf(tarEntry{Name: "riven", Mode: 0o755, Content: []byte("binary")}, tarEntry{Name: "tmp/", Mode: 0o1777})
	require.NoError(t, err)
	tr := tar.NewReader(r)
	h, err := tr.Next()
	require.NoError(t, err)
	content, err := io.ReadAll(tr)
	require.NoError(t, err)
	require.Equal(t, []any{"riven", int64(0o755), byte(tar.TypeReg), "binary"}, []any{h.Name, h.Mode, h.Typeflag, string(content)})
	h, err = tr.Next()
	require.NoError(t, err)
	require.Equal(t, []any{"tmp/", int64(0o1777), byte(tar.TypeDir)}, []any{h.Name, h.Mode, h.Typeflag})
	_, err = tr.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestUntilExit(t *testing.T) {
	failed := errors.New("exit status 3")
	_, err := io.ReadAll(&untilExit{strings.NewReader("half an archive"), func() error { return failed }})
	require.ErrorIs(t, err, failed)
	all, err := io.ReadAll(&untilExit{strings.NewReader("all of it"), func() error { return nil }})
	require.NoError(t, err)
	require.Equal(t, "all of it", string(all))
}

func TestLastLines(t *testing.T) {
	require.Equal(t, "b\nc", lastLines("a\nb\nc\n\n", 2))
	require.Equal(t, "a", lastLines("a", 2))
	require.Empty(t, lastLines("", 2))
}

func TestServerCommand(t *testing.T) {
	require.Equal(t, []string{
		"java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.preAllocSize=1024",
		"-cp", "/usr/share/java/a.jar:/usr/share/java/b.jar", "org.apache.zookeeper.server.quorum.QuorumPeerMain", "/zoo.cfg",
	}, release{jars: []string{"a.jar", "b.jar"}}.command())
}
