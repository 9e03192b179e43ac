// Package checkers turns a history into anomalies and a verdict.
//
// It owns the claims and their preconditions, the checkers that hold a history against them, the coverage floor of the
// lock workload and the rule by which all of it becomes one verdict. Pure functions of data, near-linear and
// deterministic: the same input gives the same bytes. It must not know Docker, a clock, files or the testing package.
package checkers
