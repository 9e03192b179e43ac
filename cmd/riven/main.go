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
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"riven/nemesis/inject"
	"riven/results"
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
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
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
		fmt.Fprintln(os.Stderr, "riven:", strings.ReplaceAll(strings.TrimSpace(x.err.Error()), "\n", "; "))
	}
	return x.code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "riven",
		Short:         "Tear a coordination service apart and check what is left",
		Version:       results.Revision(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 { // cobra would have found it
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w (see %s --help)", err, c.CommandPath()))
	})
	root.SetHelpCommand(helpCommand())
	root.AddCommand(runCommand(), campaignCommand(), gateCommand(), checkCommand(), serveCommand(), reportCommand(), replayCommand(), huntCommand(), exportCommand(), listCommand(), doctorCommand(), cleanCommand(),
		agentCommand(), participantCommand())
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Tell about a command", Args: arguments("[COMMAND]"),
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			about, _, err := root.Find(args)
			if err != nil || about == root && len(args) > 0 {
				return unknownCommand(root, args[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

func unknownCommand(root *cobra.Command, name string) error {
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usage(fmt.Errorf("unknown command %q; did you mean %q?", name, near[0]))
	}
	return usage(fmt.Errorf("unknown command %q (see riven --help)", name))
}

// arguments wants one argument for each name; one in brackets may be left out.
func arguments(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return fmt.Errorf("%s: unexpected argument %q", c.CommandPath(), args[len(names)])
		}
		for _, missing := range names[len(args):] {
			if !strings.HasPrefix(missing, "[") {
				return fmt.Errorf("%s needs a %s (see %s --help)", c.CommandPath(), missing, c.CommandPath())
			}
		}
		return nil
	}
}
