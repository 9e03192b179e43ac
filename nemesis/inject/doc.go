// Package inject holds the Linux mechanisms by which faults are applied from inside a node's own namespaces: partitions by an nft
// table, kill and pause by signals, skewed wall clocks by the vDSO pages of the processes, and the measurements that say what a fault did (drop counters, probes, thread states, stalls).
//
// It owns everything that it changes and leaves nothing behind: what it sets up in the kernel is bound to this process, so that the
// kernel itself undoes it when the process dies, however it dies.
//
// It must not know the container engine, ZooKeeper, JSON or the wire protocol. It works on the network namespace of the thread that
// opens a Partition or a Prober, and on the processes below the calling process (all of the pid namespace when that is PID 1).
package inject
