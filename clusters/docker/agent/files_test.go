package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrepare(t *testing.T) {
	root := t.TempDir()
	data, conf := filepath.Join(root, "data"), filepath.Join(root, "etc/zoo.cfg")
	l := &Launch{
		UID: os.Getuid(), GID: os.Getgid(), Dirs: []string{data, filepath.Join(data, "log")},
		Files: []File{{Path: filepath.Join(data, "myid"), Text: "1\n"}, {Path: conf, Text: "tickTime=200\n"}},
	}
	require.NoError(t, prepare(l))
	before := tree(t, root)
	require.Equal(t, map[string]string{".": "/", "data": "/", "data/log": "/", "data/myid": "1\n", "etc": "/", "etc/zoo.cfg": "tickTime=200\n"}, before)

	// A start again leaves alone what is right, even where it could not write.
	stamp := inode(t, conf)
	require.NoError(t, prepare(l))
	require.Equal(t, before, tree(t, root))
	require.Equal(t, stamp, inode(t, conf))

	l.Files[1].Text = "tickTime=2000\n"
	require.NoError(t, prepare(l))
	before["etc/zoo.cfg"] = "tickTime=2000\n"
	require.Equal(t, before, tree(t, root))

	l.Files = []File{{Path: data, Text: "a directory is there"}}
	require.ErrorContains(t, prepare(l), "write a file")
}

func tree(t *testing.T, root string) map[string]string {
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		out[name] = "/"
		if !d.IsDir() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			out[name] = string(b)
		}
		return nil
	}))
	return out
}

func inode(t *testing.T, path string) [2]int64 {
	info, err := os.Stat(path)
	require.NoError(t, err)
	s := info.Sys().(*syscall.Stat_t)
	return [2]int64{s.Mtim.Nano(), int64(s.Ino)}
}

func TestEnvironLaterValuesHold(t *testing.T) {
	base := []string{"PATH=/bin", "HOME=/", "PATH=/usr/bin"}
	require.Equal(t, []string{"PATH=/opt/bin", "HOME=/", "JAVA_HOME=/jre"}, environ(base, []string{"JAVA_HOME=/jre", "PATH=/opt/bin"}))
	require.Equal(t, []string{"PATH=/bin", "HOME=/", "PATH=/usr/bin"}, base)
}
