package main

import (
	"os"

	"github.com/spf13/cobra"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/participant"
	"riven/clusters/docker/protocol"
	"riven/workloads"
	"riven/workloads/catalogue"
)

// The commands of this file run inside containers.

func agentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "agent", Short: "PID 1 of a node", Hidden: true, Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			stdin, stdout, err := protocol.Stdio()
			if err != nil {
				return failed(err)
			}
			return failed(agent.Run(c.Context(), stdin, stdout, os.Stderr))
		},
	}
}

func participantCommand() *cobra.Command {
	return &cobra.Command{
		Use: "participant", Short: "a participant that speaks the participant protocol", Hidden: true, Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			stdin, stdout, err := protocol.Stdio()
			if err != nil {
				return failed(err)
			}
			return failed(participant.Run(c.Context(), stdin, stdout, findRecipe))
		},
	}
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exit{exitError, err}
}

func findRecipe(workload, recipe string) (workloads.Recipe, error) {
	_, r, err := catalogue.Find(workload, recipe)
	return r, err
}
