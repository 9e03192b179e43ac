package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"riven/harness/history"
	"riven/results"
)

// exporter is one form in which a bundle leaves.
type exporter struct {
	flag, suffix, help string
	write              func(dir string, w io.Writer) error
}

func exporters() []exporter {
	whole := func(write func(*results.Bundle, io.Writer) error) func(string, io.Writer) error {
		return func(dir string, w io.Writer) error {
			b, err := results.Open(dir)
			if err != nil {
				return err
			}
			return write(b, w)
		}
	}
	return []exporter{
		{"edn", ".edn", "the ops and faults as Jepsen's history.edn, which Knossos and Elle read",
			whole(func(b *results.Bundle, w io.Writer) error { return history.WriteEDN(w, b.History) })},
		{"jsonl", ".jsonl", "every event of the history, one JSON object a line",
			whole(func(b *results.Bundle, w io.Writer) error { return history.WriteJSON(w, b.History) })},
		{"perfetto", ".trace.json", "a trace for ui.perfetto.dev or chrome://tracing",
			whole(func(b *results.Bundle, w io.Writer) error { return b.WritePerfetto(w) })},
	}
}

func exportCommand() *cobra.Command {
	var out string
	forms := exporters()
	chosen := make([]bool, len(forms))
	c := &cobra.Command{
		Use:   "export BUNDLE",
		Short: "Pack a bundle to send it, or write its history for other tools",
		Long: `Writes the bundle as one file: packed (tar.gz, which riven replay takes as it is), or its history in another form. The file
is named after the bundle and made in the current folder, unless --out says otherwise; - is the standard output.`,
		Example: `  riven export runs/20260102T030405-lock-7-ABCDEF             # 20260102T030405-lock-7-ABCDEF.tar.gz
  riven export runs/20260102T030405-lock-7-ABCDEF --edn --out - | head
  riven export runs/20260102T030405-lock-7-ABCDEF --perfetto   # open it in ui.perfetto.dev`,
		Args: arguments("BUNDLE"),
		RunE: func(c *cobra.Command, args []string) error {
			form := exporter{suffix: results.ArchiveSuffix, write: results.Pack}
			n := 0
			for i, f := range forms {
				if chosen[i] {
					form = f
					n++
				}
			}
			if n > 1 {
				return usage(errors.New("--edn, --jsonl and --perfetto: one at a time"))
			}
			return failed(export(c.OutOrStdout(), args[0], out, form))
		},
	}
	for i, f := range forms {
		c.Flags().BoolVar(&chosen[i], f.flag, false, f.help)
	}
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

// export writes the file as a whole or not at all.
func export(stdout io.Writer, dir, out string, form exporter) error {
	if out == "-" {
		return form.write(dir, stdout)
	}
	if out == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("name the file: %w", err)
		}
		out = filepath.Base(abs) + form.suffix
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".riven-export-*")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err = form.write(dir, f)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	_, err = fmt.Fprintln(stdout, out)
	return err
}
