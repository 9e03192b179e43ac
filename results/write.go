package results

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"riven/checkers"
)

// WriteAll writes the verdict and every reading of it: verdict.json, measures.json, report.html, junit.xml and summary.md.
func (b *Bundle) WriteAll(v checkers.Verdict) error {
	m := measure(b.History)
	m.Elections, m.Recoveries = elections(b.History), recoveries(b.History, b.Receipts)
	m.Failovers = failovers(b.History, b.Receipts)
	b.Verdict, b.Measures = &v, &m
	return errors.Join(writeJSON(filepath.Join(b.Dir, fileMeasures), m), writeJSON(filepath.Join(b.Dir, fileVerdict), v), b.WriteReport())
}

// WriteReport writes report.html, junit.xml and summary.md of a judged bundle anew.
func (b *Bundle) WriteReport() error {
	if b.Verdict == nil {
		return fmt.Errorf("report on %s: the bundle has no verdict yet", b.Dir)
	}
	var html bytes.Buffer
	if err := b.writePage(&html); err != nil {
		return err
	}
	junit, err := b.junit()
	if err != nil {
		return err
	}
	return errors.Join(
		replace(filepath.Join(b.Dir, fileReport), html.Bytes()),
		replace(filepath.Join(b.Dir, fileJUnit), junit),
		replace(filepath.Join(b.Dir, fileSummary), []byte(b.summary())),
	)
}

// ReportPath is where the page for people is.
func (b *Bundle) ReportPath() string { return filepath.Join(b.Dir, fileReport) }
