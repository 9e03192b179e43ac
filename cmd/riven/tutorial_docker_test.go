//go:build docker

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tutorial's commands, as a reader would copy them, end as it says.
func TestTutorial(t *testing.T) {
	text, err := os.ReadFile("../../docs/tutorial.md")
	require.NoError(t, err)
	path, err := binary()
	require.NoError(t, err)
	dir := t.TempDir()
	examples, err := filepath.Abs("../../examples")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(examples, filepath.Join(dir, "examples")))
	bin := t.TempDir()
	require.NoError(t, os.Symlink(path, filepath.Join(bin, "riven")))
	blocks := regexp.MustCompile("(?s)```sh run(?: exit=([0-9]+))?\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 4)
	for _, b := range blocks {
		want, _ := strconv.Atoi(b[1])
		c := exec.Command("sh", "-ec", b[2])
		c.Dir = dir
		c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, _ := c.CombinedOutput()
		require.Equal(t, want, c.ProcessState.ExitCode(), "%s\n%s", b[2], out)
	}
}
