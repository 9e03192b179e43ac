// Package participant runs a recipe in a container: env and coord over goroutines, the machine's clocks and
// go-zookeeper, and the participant protocol on standard input and output.
//
// It owns the life of a session as the wire shows it (a handle whose session has expired is dead for good, whatever
// go-zookeeper does next), the record of every reply, and the replies that are lost by order. It knows no agent, no
// engine, no plan and no workload: recipes are found by the caller. One exception, zk.Lock, is a recipe of the library
// itself and lives here because it needs go-zookeeper's own connection.
package participant
