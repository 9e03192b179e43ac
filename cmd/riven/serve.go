package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"riven/results/web"
)

func serveCommand() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "serve [FOLDER]", Short: "Look at a folder of bundles in the browser", Args: arguments("[FOLDER]"),
		Long: `Shows the bundles of a folder (runs by default): all runs with search, filters and order, verdicts by cell and night,
trends, two runs side by side, and each report. It only reads, and answers this machine alone unless told otherwise.`,
		Example: `  riven serve
  riven serve nightly --listen 127.0.0.1:8080`,
		RunE: func(c *cobra.Command, args []string) error {
			root := "runs"
			if len(args) == 1 {
				root = args[0]
			}
			s, err := web.New(root)
			if err != nil {
				return failed(err)
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return failed(fmt.Errorf("serve: %w", err))
			}
			if a := l.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
				fmt.Fprintf(c.ErrOrStderr(), "note: everybody who reaches this machine can read %s\n", root)
			}
			fmt.Fprintf(c.OutOrStdout(), "http://%s/ shows the bundles in %s (interrupt to stop)\n", l.Addr(), root)
			return failed(s.Serve(c.Context(), l))
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:7480", "address to listen at; port 0 takes a free one")
	return c
}
