// Package results is what runs leave behind, and how people and machines read it: the bundle on disk (written while the
// run goes on, read back for judging), the HTML report, JUnit XML and the summary for CI, the forms in which a bundle is sent, the
// summary of a campaign, and the gate that holds bundles against a policy.
//
// It owns the layout of a bundle, and the names of cells. It judges nothing: a verdict is handed to it. It must not know
// clusters or engines; whatever a report says comes from the bundle, so that any old run can be reported again. Of the
// workloads it knows what the catalogue lists: names, and which claims a defect breaks.
package results
