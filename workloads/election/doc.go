// Package election is the election workload: failover controllers elect the active one of their services, clients write
// to whoever is active, and a journal takes the writes.
//
// It owns the recipe with its defects, the ops, the journal as a resource, the claims that are made and the page of the
// docs. Judging is for checkers.
package election
