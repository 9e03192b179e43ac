// Package catalogue lists the workloads and finds them by name.
//
// It owns the list, the look-up and the check of a spec's names; it knows nothing of how a workload works.
package catalogue
