//go:build docker && cold

// These tests start from an engine without images: they need root, the program debootstrap and a Debian mirror, and
// take a minute for each Debian release.

package image

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerFromNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	bin := freshProgram(t)
	for _, suite := range Suites() {
		t.Run(suite, func(t *testing.T) {
			e := newEngine(t)
			e.apart(t)
			img, err := e.Server(t.Context(), suite, bin)
			require.NoError(t, err)
			version, err := ZooKeeperVersion(suite)
			require.NoError(t, err)
			require.Contains(t, e.said, "installing ZooKeeper "+version+" and a Java runtime (about half a minute, once)…")
			all, err := e.List(t.Context())
			require.NoError(t, err)
			for _, i := range all {
				t.Logf("%s: %d MB", i.Ref, i.Size/1_000_000)
			}
			e.runsZooKeeper(t, img)
			leavesNothing(t)
		})
	}
}

// leavesNothing checks the temporary folder, which the test must have set.
func leavesNothing(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "riven-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), os.TempDir())
}

// fakeDebootstrap puts a script in the place of debootstrap. The script finds a folder for its marks in $MARKS.
func fakeDebootstrap(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "debootstrap"), []byte("#!/bin/sh -e\n"+script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("MARKS", t.TempDir())
}

func TestBootstrapFails(t *testing.T) {
	fakeDebootstrap(t, "echo E: no such mirror >&2; exit 7\n")
	e := newEngine(t)
	e.apart(t)
	err := e.bootstrap(t.Context(), "bookworm", e.repo(Base)+":bookworm")
	require.ErrorContains(t, err, "bootstrap Debian bookworm from ")
	require.ErrorContains(t, err, ": exit status 7: E: no such mirror")
	require.Empty(t, e.refs(t))
	leavesNothing(t)
}

func TestHalfAnArchiveIsNotImported(t *testing.T) {
	e := newEngine(t)
	e.apart(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `tar -c -C / etc/passwd; echo the disk is full >&2; exit 3`)
	err := e.importOutput(t.Context(), cmd, e.repo(Base)+":half")
	require.ErrorContains(t, err, "exit status 3: the disk is full")
	require.Empty(t, e.refs(t))
}

func TestBootstrapWithoutItsProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := newEngine(t).bootstrapNeeds(t.Context())
	require.EqualError(t, err, "that takes the program debootstrap: install the Debian package debootstrap")
}

// hang is a debootstrap that mounts something, starts a process and then waits for ever. The number makes that process
// findable.
func hang(t *testing.T) (sleep string) {
	sleep = fmt.Sprintf("sleep 1%09d", time.Now().Nanosecond())
	fakeDebootstrap(t, `mkdir "$3/proc"; mount -t proc proc "$3/proc"; `+sleep+` & touch "$MARKS/begun"; wait`+"\n")
	return sleep
}

func begun(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(os.Getenv("MARKS"), "begun"))
		return err == nil
	}, time.Minute, time.Millisecond)
}

// running reports whether any process has a command line.
func running(t *testing.T, command string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err == nil && strings.TrimSpace(string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))) == command {
			return true
		}
	}
	return false
}

func TestBootstrapCancelled(t *testing.T) {
	sleep := hang(t)
	e := newEngine(t)
	e.apart(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- e.bootstrap(ctx, "bookworm", e.repo(Base)+":bookworm") }()
	begun(t)
	require.True(t, running(t, sleep))
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.False(t, running(t, sleep))
	require.Empty(t, e.refs(t))
	leavesNothing(t)
}

func TestBootstrapKilled(t *testing.T) {
	if os.Getenv("RIVEN_TEST_VICTIM") != "" {
		e := newEngine(t)
		t.Error(e.bootstrap(t.Context(), "bookworm", "riven-test-victim:bookworm"))
		return
	}
	sleep := hang(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestBootstrapKilled$")
	cmd.Env = append(os.Environ(), "RIVEN_TEST_VICTIM=1")
	require.NoError(t, cmd.Start())
	begun(t)
	require.True(t, running(t, sleep))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return !running(t, sleep) }, time.Minute, time.Millisecond)
}
