// Package rebalance is the rebalance workload: consumers of a group divide the partitions of a topic among themselves
// through ZooKeeper, while members, partitions and brokers change.
//
// It owns the recipe with its defects, the ops, the partitioned log as a resource, and the claims that are made. Judging
// is for checkers.
package rebalance
