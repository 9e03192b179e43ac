// Package web is the local view on a folder of bundles: all runs with search, the grid of verdicts by cell and night,
// trends, two runs side by side, and each run's own report.
//
// It only reads. It owns its pages and addresses; what a run was and how it is summed up is for results. Whatever a
// system under test said is escaped, and a report is shown in a sandbox: a bundle may come from anybody.
package web
