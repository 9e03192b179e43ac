package main

import (
	"os"

	"github.com/spf13/cobra"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/participant"
	"riven/nemesis/inject"
	"riven/workloads/catalogue"
)

// The commands of this file run inside containers.

func agentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "agent", Short: "PID 1 of a node", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return failed(agent.Run(c.Context(), os.Stdin, os.Stdout, os.Stderr))
		},
	}
}

func launchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "launch", Short: "drop privileges and become a node's child", Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return failed(inject.Launch(args)) },
	}
}

func participantCommand() *cobra.Command {
	return &cobra.Command{
		Use: "participant", Short: "a participant that speaks the participant protocol", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return failed(participant.Run(c.Context(), os.Stdin, os.Stdout, catalogue.Find))
		},
	}
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exit{exitError, err}
}
