package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// patience is how long a run that was told to stop may take to stop its nodes and to judge what there was.
const patience = time.Minute

// Child makes each run in a process of the program itself: `riven run`.
type Child struct {
	Binary string
	Commit string
	Dir    string // where spec and plan of the run under way are put
}

// Run makes the run.
func (c Child) Run(ctx context.Context, r Run, folder string, out io.Writer) (code int, err error) {
	specFile, planFile := filepath.Join(c.Dir, "run-spec.json"), filepath.Join(c.Dir, "run-plan.json")
	if err := writeWhole(specFile, r.Spec()); err != nil {
		return 0, err
	}
	args := []string{"run", "--spec", specFile, "--seed", strconv.FormatUint(r.Seed, 10), "--dir", folder, "--commit", c.Commit}
	if r.Cell.Plan != nil {
		if err := writeWhole(planFile, r.Cell.Plan); err != nil {
			return 0, err
		}
		args = append(args, "--plan", planFile)
	}
	code, err = c.call(ctx, out, args...)
	return code, errors.Join(err, os.RemoveAll(specFile), os.RemoveAll(planFile))
}

// Judge judges the bundle.
func (c Child) Judge(ctx context.Context, bundle string, out io.Writer) error {
	_, err := c.call(ctx, out, "check", bundle)
	return err
}

// call runs the program. It is told to stop when the context ends, and dies with this process.
func (c Child) call(ctx context.Context, out io.Writer, args ...string) (code int, err error) {
	runtime.LockOSThread() // the kernel watches the thread that started the child
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, c.Binary, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // an interrupt from the terminal comes from us alone
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil && cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		return cmd.ProcessState.ExitCode(), nil // the context's end, after an orderly one
	}
	if err != nil {
		return 0, fmt.Errorf("riven %s: %w", args[0], err)
	}
	return 0, nil
}
