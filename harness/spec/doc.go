// Package spec describes a run as data: everything that, with the plan, decides what a run does.
//
// It owns Spec, its defaults and the rules that need no catalogue (counts, times, timings). It knows no workload's
// recipes, no engine and no files.
package spec
