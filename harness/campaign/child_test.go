package campaign

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/nemesis"
)

// shell writes a shell script that stands where riven would.
func shell(t *testing.T, script string) Child {
	dir := t.TempDir()
	path := filepath.Join(dir, "riven")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
	return Child{Binary: path, Commit: "abc", Dir: dir}
}

func TestChildIsToldItsRun(t *testing.T) {
	c := shell(t, `echo "$@"; cat "$3"; [ "${10}" = --plan ] && cat "${11}"; exit 2`)
	cell := small().Cells[0]
	cell.Plan = &nemesis.Plan{Policy: "file"}
	var out bytes.Buffer
	code, err := c.Run(t.Context(), Run{&cell, 1, 77}, "/runs", &out)
	require.NoError(t, err)
	require.Equal(t, 2, code)
	said := strings.ReplaceAll(out.String(), c.Dir, "DIR")
	require.Contains(t, said, "run --spec DIR/run-spec.json --seed 77 --dir /runs --commit abc --plan DIR/run-plan.json\n")
	require.Contains(t, said, `"seed": 77`)
	require.Contains(t, said, `"policy": "file"`)
	left, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "spec and plan are gone")
}

// How a run ended is its exit code, unless it did not come to one.
func TestChildEnds(t *testing.T) {
	cell := small().Cells[0]
	for script, want := range map[string]struct {
		code int
		err  string
	}{
		"exit 0":        {0, ""},
		"exit 3":        {3, ""},
		"kill -SEGV $$": {0, "riven run: signal: segmentation fault"},
	} {
		code, err := shell(t, script).Run(t.Context(), Run{&cell, 1, 7}, "/runs", &bytes.Buffer{})
		require.Equal(t, want.code, code, script)
		if want.err == "" {
			require.NoError(t, err, script)
		} else {
			require.ErrorContains(t, err, want.err)
		}
	}
	gone := Child{Binary: "/nowhere/riven", Dir: t.TempDir()}
	_, err := gone.Run(t.Context(), Run{&cell, 1, 7}, "/runs", &bytes.Buffer{})
	require.ErrorContains(t, err, "no such file or directory")
}

// told is a writer that says when it was written to.
type told struct{ ready func() }

func (w told) Write(b []byte) (int, error) {
	w.ready()
	return len(b), nil
}

// One that is told to stop may end in its own way.
func TestChildIsInterrupted(t *testing.T) {
	cell := small().Cells[0]
	for _, code := range []string{"0", "2"} {
		ctx, cancel := context.WithCancel(t.Context())
		c := shell(t, `trap 'kill $pid; exit `+code+`' INT; tail -f /dev/null & pid=$!; echo ready; wait`)
		got, err := c.Run(ctx, Run{&cell, 1, 7}, "/runs", told{cancel})
		require.NoError(t, err)
		require.Equal(t, code, string(rune('0'+got)))
	}
}
