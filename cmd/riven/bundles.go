package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"riven/checkers"
	"riven/harness/run"
	"riven/nemesis"
	"riven/results"
	"riven/workloads/catalogue"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "check BUNDLE", Short: "Judge a bundle again", Args: arguments("BUNDLE"),
		Long: "Judges the history of a bundle again and writes its verdict and report anew. The exit code is the verdict's.",
		RunE: func(c *cobra.Command, args []string) error {
			b, err := run.Judge(args[0])
			if err != nil {
				return failed(err)
			}
			if err := show(c, b, asJSON); err != nil {
				return failed(err)
			}
			return judged(b.Verdict.Outcome)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// judged is the exit of a command that ends with a verdict.
func judged(o checkers.Outcome) error {
	if o == checkers.Pass {
		return nil
	}
	return &exit{code: o.ExitCode()}
}

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "report BUNDLE", Short: "Write a bundle's report anew, from the verdict that it has", Args: arguments("BUNDLE"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := results.Open(args[0])
			if err != nil {
				return failed(err)
			}
			if b.Verdict == nil {
				return failed(fmt.Errorf("%s has no verdict yet, judge it first: %s", args[0], results.ShellLine([]string{"riven", "check", args[0]})))
			}
			if err := b.WriteReport(); err != nil {
				return failed(err)
			}
			fmt.Fprintln(c.OutOrStdout(), b.ReportPath())
			return nil
		},
	}
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List workloads, recipes, defects and faults", Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			if asJSON {
				return failed(json.NewEncoder(c.OutOrStdout()).Encode(inventory()))
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, wl := range inventory().Workloads {
				fmt.Fprintf(w, "workload %s\t%s\n", wl.Name, wl.Doc)
				for _, r := range wl.Recipes {
					fmt.Fprintf(w, "  recipe %s\t%s\n", r.Name, r.Doc)
					for _, d := range r.Defects {
						fmt.Fprintf(w, "    defect %s\t%s (%s)\n", d.Name, d.Bug, d.Exposed)
					}
				}
			}
			fmt.Fprintf(w, "faults\t%s\n", strings.Join(inventory().Faults, ", "))
			return failed(w.Flush())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

// listed is what `riven list --json` prints.
type listed struct {
	Workloads []listedWorkload `json:"workloads"`
	Faults    []string         `json:"faults"`
}

type listedWorkload struct {
	Name    string         `json:"name"`
	Doc     string         `json:"doc"`
	Recipes []listedRecipe `json:"recipes"`
}

type listedRecipe struct {
	Name    string           `json:"name"`
	Doc     string           `json:"doc"`
	Native  bool             `json:"native,omitempty"`
	Claims  []checkers.Claim `json:"claims"`
	Defects []listedDefect   `json:"defects"`
}

type listedDefect struct {
	Name    string   `json:"name"`
	Bug     string   `json:"bug"`
	Exposed string   `json:"exposedBy"`
	Breaks  []string `json:"breaks"`
}

func inventory() listed {
	var out listed
	for _, k := range nemesis.Kinds {
		out.Faults = append(out.Faults, string(k))
	}
	for _, w := range catalogue.All() {
		lw := listedWorkload{Name: w.Name, Doc: w.Doc}
		for _, r := range w.Recipes {
			lr := listedRecipe{Name: r.Name, Doc: r.Doc, Native: r.Native, Claims: r.Claims, Defects: []listedDefect{}}
			for _, d := range r.Defects {
				lr.Defects = append(lr.Defects, listedDefect(d))
			}
			lw.Recipes = append(lw.Recipes, lr)
		}
		out.Workloads = append(out.Workloads, lw)
	}
	return out
}
