// Package protocol is the participant protocol: one JSON object a line on the participant's standard input and output.
// docs/participant-protocol.md is its description for people who write participants in other languages.
//
// It owns the messages and their parsing; it knows no agent, no harness and no ZooKeeper.
package protocol
