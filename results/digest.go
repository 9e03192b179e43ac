package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"riven/nemesis"
)

// Digest is what lists and trends say of a run.
type Digest struct {
	Run       string    `json:"run"` // the bundle's folder
	Cell      string    `json:"cell"`
	Started   time.Time `json:"started"`
	Riven     string    `json:"riven"`
	Commit    string    `json:"commit,omitempty"`
	ZooKeeper string    `json:"zooKeeper,omitempty"`
	Workload  string    `json:"workload"`
	Recipe    string    `json:"recipe"`
	Defects   []string  `json:"defects,omitempty"`
	Cluster   string    `json:"cluster"`
	Servers   int       `json:"servers"`
	Seed      uint64    `json:"seed"`
	Planned   int       `json:"planned"` // faults
	Applied   int       `json:"applied"`
	Outcome   string    `json:"outcome"` // empty: not judged
	Sentence  string    `json:"sentence,omitempty"`
	Claims    []string  `json:"claims,omitempty"` // that were violated
	Thinned   bool      `json:"thinned,omitempty"`
	Measures
}

// Day is the day in UTC on which the run began.
func (d Digest) Day() string { return d.Started.UTC().Format(time.DateOnly) }

// Digest sums the bundle up; its history is not needed.
func (b *Bundle) Digest() Digest {
	s := b.Spec
	d := Digest{
		Run: filepath.Base(b.Dir), Cell: Cell(s, b.Plan), Started: b.Meta.Started, Riven: b.Meta.Riven, Commit: b.Meta.Commit, ZooKeeper: b.Meta.ZooKeeper,
		Workload: s.Workload, Recipe: s.Recipe, Defects: s.Defects, Cluster: s.Cluster, Servers: s.Servers, Seed: s.Seed,
		Planned: len(b.Plan.Steps), Thinned: b.Meta.Thinned,
	}
	for _, r := range b.Receipts {
		if r.Status == nemesis.Applied {
			d.Applied++
		}
	}
	if b.Verdict != nil {
		d.Outcome, d.Sentence, d.Claims = b.Verdict.Outcome.String(), b.Verdict.Sentence, ViolatedClaims(*b.Verdict)
	}
	if b.Measures != nil {
		d.Measures = *b.Measures
	}
	return d
}

// changed is the time at which the bundle in dir last changed in a way that its digest shows: meta.json is written at
// the run's begin and end, verdict.json whenever it is judged. The error is fs.ErrNotExist if dir is no bundle.
func changed(dir string) (int64, error) {
	meta, err := os.Stat(filepath.Join(dir, fileMeta))
	if err != nil {
		return 0, err
	}
	at := meta.ModTime().UnixNano()
	verdict, err := os.Stat(filepath.Join(dir, fileVerdict))
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err != nil {
		return 0, err
	}
	return max(at, verdict.ModTime().UnixNano()), nil
}
