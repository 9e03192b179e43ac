// Package docker is a cluster of containers: one per server and per participant, with Riven's agent as its first
// process. It is the harness's side: it creates the nodes, speaks to their agents over attached standard input and
// output, and turns what they say into events.
//
// It owns containers, the network between them, the servers' configuration and the translation of the agents' messages.
// It must not know plans, checkers or recipes, and it reaches no node by any other way than its agent.
package docker
