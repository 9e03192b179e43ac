// Package workloads says what a workload, a recipe and a defect are. Each workload has a folder of its own:
// recipes and their defects, op generator, claims, coverage floor. The catalogue lists them.
//
// Recipes know env and coord alone: no clock, no client library, no container.
package workloads
