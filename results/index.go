package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// indexFile holds the digests of a folder's bundles. It can be deleted at any time: it is made of the bundles alone.
const indexFile = "index.jsonl"

// indexEntry is a line of it.
type indexEntry struct {
	Changed int64 `json:"changed"`
	Digest
}

// Index reads the digests of all bundles in a folder, the newest first, and keeps them in an index file there. Only
// what has changed since the last time is read. Folders that are no bundles are passed over; bundles that can not be
// read are told in problems, in order of their names.
func Index(root string) (digests []Digest, problems []string, err error) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, fmt.Errorf("list bundles: %w", err)
	}
	known, stale := readIndex(root)
	var entries []indexEntry
	for _, f := range folders {
		dir := filepath.Join(root, f.Name())
		at, err := changed(dir)
		if errors.Is(err, fs.ErrNotExist) || !f.IsDir() {
			continue
		}
		if e, is := known[f.Name()]; is && err == nil && e.Changed == at {
			entries = append(entries, e)
			continue
		}
		stale = true
		var d Digest
		if err == nil {
			d, err = digestOf(dir)
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		entries = append(entries, indexEntry{at, d})
	}
	if stale || len(entries) != len(known) {
		if err := writeIndex(root, entries); err != nil {
			return nil, nil, err
		}
	}
	for _, e := range entries {
		digests = append(digests, e.Digest)
	}
	slices.SortStableFunc(digests, func(a, b Digest) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(b.Run, a.Run)
	})
	return digests, problems, nil
}

func digestOf(dir string) (Digest, error) {
	b, err := OpenBrief(dir)
	if err != nil {
		return Digest{}, err
	}
	return b.Digest(), nil
}

// readIndex gives what the file knows; one that can not be read knows nothing.
func readIndex(root string) (known map[string]indexEntry, stale bool) {
	known = map[string]indexEntry{}
	f, err := os.Open(filepath.Join(root, indexFile))
	if err != nil {
		return known, true
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e indexEntry
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			return map[string]indexEntry{}, true
		}
		known[e.Run] = e
	}
	return known, lines.Err() != nil
}

// writeIndex leaves out runs that are not judged: they change without notice.
func writeIndex(root string, entries []indexEntry) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, e := range entries {
		if e.Outcome == "" {
			continue
		}
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("encode the index: %w", err)
		}
	}
	err := replace(filepath.Join(root, indexFile), out.Bytes())
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		return nil // a folder that can be read only is read each time
	}
	return err
}
