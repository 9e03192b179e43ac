// Package clusters says what a cluster is to a run: nodes that are started, given ops, hurt and stopped, and the
// events they give back. docker/ has real servers and participants in containers.
//
// A cluster records what it observes and decides nothing: no plan, no verdict.
package clusters
