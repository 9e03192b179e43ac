package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"riven/clusters/docker"
	"riven/clusters/docker/image"
	"riven/nemesis"
	"riven/nemesis/inject"
)

// examined is what doctor found.
type examined struct {
	Engine      string             `json:"engine"`
	Images      []image.Info       `json:"images"`
	Mechanisms  []inject.Mechanism `json:"mechanisms"`
	Unsupported []nemesis.Kind     `json:"unsupported"` // faults that can not be had here
}

// needs are the mechanisms that each fault is made of.
var needs = map[nemesis.Kind][]string{
	nemesis.Partition: {inject.MechPartition, inject.MechCounters, inject.MechProbe},
	nemesis.Kill:      {inject.MechLaunch, inject.MechKill},
	nemesis.Clock:     {inject.MechLaunch, inject.MechClock},
	nemesis.MonoRate:  {inject.MechLaunch, inject.MechMono},
	nemesis.Pause:     {inject.MechLaunch, inject.MechPause},
}

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "Tell what this machine can do", Args: arguments(),
		Long: `Asks the engine, looks at the images, and tries every mechanism that faults are made of in a throw-away node.
Exit code 0 if every fault is supported, 3 otherwise.`,
		RunE: func(c *cobra.Command, _ []string) error {
			x, err := examine(c)
			if err != nil {
				return failed(err)
			}
			if asJSON {
				err = json.NewEncoder(c.OutOrStdout()).Encode(x)
			} else {
				err = x.print(c.OutOrStdout())
			}
			if err == nil && len(x.Unsupported) > 0 {
				err = fmt.Errorf("unsupported here: %v", x.Unsupported)
			}
			return failed(err)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

func examine(c *cobra.Command) (examined, error) {
	ctx := c.Context()
	e, err := connect(ctx, func(format string, args ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...) })
	if err != nil {
		return examined{}, err
	}
	defer e.close()
	x := examined{Unsupported: []nemesis.Kind{}}
	version, err := e.version(ctx)
	if err != nil {
		return x, err
	}
	x.Engine = version
	binary, err := self()
	if err != nil {
		return x, err
	}
	img, err := e.images.Participant(ctx, binary)
	if err != nil {
		return x, err
	}
	if x.Mechanisms, err = docker.Detect(ctx, e.cli, fmt.Sprintf("doctor-%d", time.Now().UnixNano()), node(img)); err != nil {
		return x, err
	}
	if x.Images, err = e.images.List(ctx); err != nil {
		return x, err
	}
	for _, k := range nemesis.Kinds {
		if slices.ContainsFunc(x.Mechanisms, func(m inject.Mechanism) bool { return !m.OK && slices.Contains(needs[k], m.Name) }) {
			x.Unsupported = append(x.Unsupported, k)
		}
	}
	return x, nil
}

func (x examined) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "engine\t%s\n", x.Engine)
	for _, i := range x.Images {
		fmt.Fprintf(w, "image\t%s\t%s, %d MB\n", i.Ref, i.Kind, i.Size>>20)
	}
	for _, m := range x.Mechanisms {
		state := "works"
		if !m.OK {
			state = "does not work"
		}
		fmt.Fprintf(w, "mechanism\t%s\t%s %s\n", m.Name, state, m.Detail)
	}
	for _, k := range nemesis.Kinds {
		state := "supported"
		if slices.Contains(x.Unsupported, k) {
			state = "unsupported"
		}
		fmt.Fprintf(w, "fault\t%s\t%s\n", k, state)
	}
	return w.Flush()
}

func cleanCommand() *cobra.Command {
	var all, images bool
	c := &cobra.Command{
		Use: "clean", Short: "Remove what runs have left on the engine", Args: arguments(),
		Long: `Removes networks that no node is in and nodes that do not run, both ours and older than two minutes, and says what it
removed. Running nodes belong to a live run and are left alone, unless --all is given.`,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, out := c.Context(), c.OutOrStdout()
			e, err := connect(ctx, func(string, ...any) {})
			if err != nil {
				return failed(err)
			}
			defer e.close()
			removed, err := docker.Sweep(ctx, e.cli, docker.SweepOptions{All: all})
			for _, n := range removed.Nodes {
				fmt.Fprintln(out, "removed node", n)
			}
			for _, n := range removed.Networks {
				fmt.Fprintln(out, "removed network", n)
			}
			for _, n := range removed.Stuck {
				fmt.Fprintln(out, "left network", n+": the engine calls it in use, though no container is in it; a restart of the engine frees it")
			}
			if err != nil {
				return failed(err)
			}
			if !images {
				if len(removed.Nodes)+len(removed.Networks) == 0 {
					fmt.Fprintln(out, "nothing to remove")
				}
				return nil
			}
			gone, err := e.images.Remove(ctx)
			for _, i := range gone {
				fmt.Fprintln(out, "removed image", i.Ref)
			}
			return failed(err)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also nodes that run and networks in use, of every run")
	c.Flags().BoolVar(&images, "images", false, "also our images; the next run makes them anew")
	return c
}
