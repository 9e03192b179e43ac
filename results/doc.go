// Package results is what a run leaves behind, and how people and machines read it: the bundle on disk (written while
// the run goes on, read back for judging), the HTML report, JUnit XML and the summary for CI.
//
// It owns the layout of a bundle. It judges nothing: a verdict is handed to it. It must not know clusters, engines or
// workloads; whatever a report says comes from the bundle, so that any old run can be reported again.
package results
