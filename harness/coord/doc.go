// Package coord is the coordination session as recipes see it: ZooKeeper's semantics with the life of the Java handle.
//
// A session that has expired is dead for good: every later call fails, the recipe opens a new one. It owns the
// interface and its errors; it knows no client library and no network.
package coord
