// Package agent is PID 1 of a node: it starts the server or participant as its child, relays and stamps ops, applies
// faults from inside, answers probes and four-letter words, and ends when its standard input ends.
//
// It owns the wire between harness and agent (one JSON object a line on attached stdin and stdout) and the order in
// which things happen inside a node. It knows no engine, no plan and no workload but two words of the lock's: acquire
// and release, which armed faults wait for.
package agent
