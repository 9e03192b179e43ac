package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"riven/checkers"
)

// act of a journal's entry.
type act string

const (
	actOpen  act = "open"  // the campaign was begun or resumed
	actBegin act = "begin" // of an attempt; written before it
	actEnd   act = "end"   // of an attempt, with what came of it
	actLost  act = "lost"  // an attempt was cut off before it had come to anything, and is made anew
	actThin  act = "thin"  // of a bundle
	actClose act = "close" // the campaign ended for this time
)

// entry is one line of the journal.
type entry struct {
	Time     time.Time        `json:"time"`
	Act      act              `json:"act"`
	Cell     string           `json:"cell,omitempty"`
	N        int              `json:"n,omitempty"`
	Try      int              `json:"try,omitempty"` // from 1
	Seed     uint64           `json:"seed,omitempty"`
	Commit   string           `json:"commit,omitempty"`
	Outcome  checkers.Outcome `json:"outcome"`
	Sentence string           `json:"sentence,omitempty"`
	Claims   []string         `json:"claims,omitempty"`
	Bundle   string           `json:"bundle,omitempty"`
	Took     time.Duration    `json:"took,omitempty"`
	Why      string           `json:"why,omitempty"`
}

// MarshalJSON leaves the outcome out where nothing has come of anything yet.
func (e entry) MarshalJSON() ([]byte, error) {
	type plain entry
	line := struct {
		plain
		Outcome *checkers.Outcome `json:"outcome,omitempty"`
	}{plain: plain(e)}
	if e.Act == actEnd {
		line.Outcome = &e.Outcome
	}
	return json.Marshal(line)
}

// journal is the append-only list of what a campaign did. An entry is on the disk before the next thing happens.
type journal struct {
	f       *os.File
	entries []entry
	ends    map[runKey][]entry // of a run's attempts
	claimed map[string]bool    // bundles that an end names
	thinned map[string]bool
}

type runKey struct {
	cell string
	n    int
}

// learn takes the entry in.
func (j *journal) learn(e entry) {
	j.entries = append(j.entries, e)
	switch e.Act {
	case actEnd:
		k := runKey{e.Cell, e.N}
		j.ends[k] = append(j.ends[k], e)
		j.claimed[e.Bundle] = e.Bundle != ""
	case actThin:
		j.thinned[e.Bundle] = true
	}
}

const fileJournal = "journal.jsonl"

// openJournal reads what there is and takes the rest away of a last line that was cut off.
func openJournal(dir string) (*journal, error) {
	path := filepath.Join(dir, fileJournal)
	entries, whole, err := readJournal(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := f.Truncate(whole); err != nil {
		return nil, fmt.Errorf("open journal: %w", errors.Join(err, f.Close()))
	}
	j := &journal{f: f, ends: map[runKey][]entry{}, claimed: map[string]bool{}, thinned: map[string]bool{}}
	for _, e := range entries {
		j.learn(e)
	}
	return j, nil
}

// readJournal gives the whole entries and how many bytes they take. A journal that is not there is empty.
func readJournal(path string) (entries []entry, whole int64, err error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read journal: %w", err)
	}
	for line := range bytes.Lines(content) {
		var e entry
		if line[len(line)-1] != '\n' {
			break
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, 0, fmt.Errorf("read journal %s line %d: %w", path, len(entries)+1, err)
		}
		entries = append(entries, e)
		whole += int64(len(line))
	}
	return entries, whole, nil
}

func (j *journal) add(e entry) error {
	e.Time = time.Now().UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.learn(e)
	return nil
}

func (j *journal) close() error { return j.f.Close() }

// spent is the time that the campaign went on, over all resumptions.
func (j *journal) spent() (total time.Duration) {
	var from, last time.Time
	for _, e := range j.entries {
		if e.Act == actOpen {
			total += last.Sub(from)
			from = e.Time
		}
		last = e.Time
	}
	return total + last.Sub(from)
}

// count of entries of an act.
func (j *journal) count(a act) (n int) {
	for _, e := range j.entries {
		if e.Act == a {
			n++
		}
	}
	return n
}
