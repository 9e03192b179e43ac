package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"riven/results"
)

func gateCommand() *cobra.Command {
	var policy, commit, markdown string
	var asJSON bool
	c := &cobra.Command{
		Use:   "gate --policy FILE RUNS...",
		Short: "Hold runs against a policy: may the release go out?",
		Long: `Reads the bundles and campaigns in the folders RUNS, at any depth, and holds them against the rules of a policy (docs/gate.md).
Prints the rules that are met and those that are not, with what speaks against each, by cell.

Exit codes: 0 every rule is met, 1 one is not, 3 the folders can not be read, 64 bad usage or policy.`,
		Example: `  riven gate --policy examples/gate.yaml campaigns/tonight-*
  riven gate --policy examples/gate.yaml --commit "$GITHUB_SHA" --markdown gate.md campaigns
  riven gate --policy examples/gate.yaml --json runs`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs RUNS: folders with bundles or campaigns (see %s --help)", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if policy == "" {
				return usage(fmt.Errorf("riven gate needs a --policy (see riven gate --help)"))
			}
			p, err := results.LoadPolicy(policy, cmp.Or(commit, results.Revision()))
			if err != nil {
				return usage(err)
			}
			report, err := results.Gate(p, args, time.Now())
			if err != nil {
				return failed(err)
			}
			if markdown != "" {
				if err := os.WriteFile(markdown, []byte(report.Markdown()), 0o644); err != nil {
					return failed(fmt.Errorf("write the report: %w", err))
				}
			}
			if asJSON {
				err = json.NewEncoder(c.OutOrStdout()).Encode(report)
			} else {
				err = report.Print(c.OutOrStdout())
			}
			if err == nil && !report.Met {
				return &exit{code: 1}
			}
			return failed(err)
		},
	}
	flags := c.Flags()
	flags.StringVar(&policy, "policy", "", "file with the policy")
	flags.StringVar(&commit, "commit", "", `what "this" means as a commit in the policy (not given: the revision that riven was built from)`)
	flags.StringVar(&markdown, "markdown", "", "also write the report to this file, as Markdown")
	flags.BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}
