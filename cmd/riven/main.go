// Command riven tests coordination under faults: it starts a ZooKeeper ensemble with the components that depend on it,
// runs a workload while it injects faults, and judges the history.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"riven/nemesis/inject"
)

// Exit codes besides those of verdicts (checkers.Outcome.ExitCode).
const (
	exitError = 3
	exitUsage = 64
)

// exit ends the command with a code and, if it has one, a message.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exit{exitUsage, err}
}

// launching tells whether this process is to become a node's child. What it gives up belongs to the thread, so it stays
// on the first one, the one that everybody reads back.
var launching = len(os.Args) > 1 && os.Args[1] == "launch"

func init() {
	if launching {
		runtime.LockOSThread()
	}
}

func main() {
	if launching {
		fmt.Fprintln(os.Stderr, "riven:", inject.Launch(os.Args[2:]))
		os.Exit(exitError)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:]))
}

func execute(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var x *exit
	if !errors.As(err, &x) { // cobra's own errors are about usage
		x = &exit{exitUsage, err}
	}
	if x.err != nil {
		fmt.Fprintln(os.Stderr, "riven:", x.err)
	}
	return x.code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "riven",
		Short:         "Tear a coordination service apart and check what is left",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(), checkCommand(), reportCommand(), listCommand(), doctorCommand(), cleanCommand(),
		agentCommand(), participantCommand())
	return root
}
