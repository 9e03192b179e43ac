// Package ensemble is a ZooKeeper 3.8 server as a state machine without input or output of its own: election,
// discovery, synchronisation, broadcast, sessions, data tree, watches, and the disk below them, at message level. Each
// rule names the class of ZooKeeper that it models.
//
// A server acts only when its caller calls it, and on its world only through Host. The package knows no scheduler, no
// network, no clock and no client; api.go says what the caller must do.
//
// Where the model differs from ZooKeeper on purpose:
//   - A follower acknowledges NEWLEADER, and writes its current epoch, once the synchronised log is on disk, as 3.9.3
//     and later do (ZOOKEEPER-4646, 4643); 3.8.0 may lose committed writes here.
//   - The log has no snapshots: a restart replays it whole, and SNAP carries the committed log.
//   - An end that gives a learner's connection up says so with a message, as a closed socket would.
//   - Not modelled: observers, reconfiguration, ACLs, quotas, TTL and container nodes, persistent watches, local
//     sessions, read-only mode, throttling, times in Stat, the server's own idle check of client connections (a bucket
//     of 10 s in NIOServerCnxnFactory).
package ensemble
