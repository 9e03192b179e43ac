//go:build docker || accept

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary builds riven as it is shipped, once per test process: the tests drive the real program.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "riven-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "riven")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "riven/cmd/riven")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// outcome is one run of the program.
type outcome struct {
	shown
	Code           int
	Stdout, Stderr string
}

// riven runs the program; every line of its standard output that is a JSON object is a run.
func riven(t testing.TB, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return rivenContext(ctx, t, args...)
}

func rivenContext(ctx context.Context, t testing.TB, args ...string) outcome {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	o := outcome{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		o.Code = exit.ExitCode()
	case err != nil:
		t.Fatalf("riven %v: %v", args, err)
	}
	_ = json.Unmarshal(stdout.Bytes(), &o.shown)
	return o
}

// runLock makes one run of the lock workload.
func runLock(t testing.TB, args ...string) outcome {
	t.Helper()
	return runWorkload(t, "lock", args...)
}

// runWorkload makes one run in a folder of the test's own and logs how to repeat it when the test fails.
func runWorkload(t testing.TB, workload string, args ...string) outcome {
	t.Helper()
	o := riven(t, append([]string{"run", workload, "--json", "--dir", bundleDir(t)}, args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("riven run %s %v --seed %d: exit %d\n%s\n%s", workload, args, o.Seed, o.Code, o.Stdout, o.Stderr)
		}
	})
	return o
}

// bundleDir keeps bundles where RIVEN_TEST_RUNS says, for a look at them afterwards.
func bundleDir(t testing.TB) string {
	if dir := os.Getenv("RIVEN_TEST_RUNS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

// nodes counts the run's containers that run.
func nodes(t testing.TB, run string) int {
	t.Helper()
	out, err := exec.Command("docker", "ps", "-q", "--filter", "label=riven.run="+run).Output()
	require.NoError(t, err)
	return len(strings.Fields(string(out)))
}

func onlyDir(t testing.TB, dir string) string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return dir + "/" + entries[0].Name()
}
