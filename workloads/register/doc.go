// Package register is the register workload: many sessions read, write and compare-and-set a few nodes, and the ensemble
// itself is what is tested.
//
// It owns the recipe with its defects, the ops and the claims that are made. Judging is for checkers.
package register
