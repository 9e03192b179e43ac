// Package network is connections between nodes as TCP makes them: bytes arrive in order and once. What is dropped is
// sent again, later and later; a connection ends when one of its ends closes it, or when it finds nobody.
//
// It owns edges that can be cut, what was dropped on them, and the times that things take. It knows no ZooKeeper: what
// is sent is the caller's. Connections of different kinds of messages share Edges.
package network
