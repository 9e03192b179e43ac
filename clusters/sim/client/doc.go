// Package client is the life of a ZooKeeper session at its client: it connects, pings, finds out that a connection is
// lost, connects again, brings its watches along, and dies when a server says that the session has expired. A Session
// over it is what recipes are given.
//
// The go-zk profile behaves as the participant in a container does with go-zookeeper, java as the client of Apache
// ZooKeeper 3.8 does; each rule names what it follows.
// The package owns no socket and no time: it acts on its Host alone.
package client
