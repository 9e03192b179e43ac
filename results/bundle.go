package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// Bundle is a run as it lies on disk.
type Bundle struct {
	Dir      string
	Meta     Meta
	Spec     spec.Spec
	Plan     nemesis.Plan
	Receipts []nemesis.Receipt
	History  []history.Event   // sorted
	Verdict  *checkers.Verdict // nil: not judged yet
	Measures *Measures         // nil: not judged yet, or by a riven that took none
	Origin   *Origin           // nil: no search came by it
	Notes    []string          // what is missing, in words
}

// Open reads a bundle. A run that was killed gives what it left, and says so in Notes.
func Open(dir string) (*Bundle, error) {
	b, err := OpenBrief(dir)
	if err != nil {
		return nil, err
	}
	if b.Meta.Thinned {
		return nil, fmt.Errorf("open bundle %s: it was thinned: its verdict is kept, its history is not", dir)
	}
	return b, b.readHistory()
}

// OpenBrief reads a bundle without its history, which is nearly all of it. It reads thinned bundles too.
func OpenBrief(dir string) (*Bundle, error) {
	b := &Bundle{Dir: dir}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open bundle %s: not a directory", dir)
	}
	err := b.readJSON(fileMeta, &b.Meta)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open bundle %s: not a bundle of riven, it has no %s", dir, fileMeta)
	}
	if err != nil {
		return nil, err
	}
	if b.Meta.Version != BundleVersion {
		return nil, fmt.Errorf("open bundle %s: version %d, this riven reads version %d", dir, b.Meta.Version, BundleVersion)
	}
	if !b.Meta.Ended {
		b.Notes = append(b.Notes, "the run was stopped before its end")
	}
	if b.Meta.Interrupted != "" {
		b.Notes = append(b.Notes, fmt.Sprintf("the run was interrupted in phase %s", b.Meta.Interrupted))
	}
	for _, read := range []func() error{b.readSpec, b.readPlan, b.readReceipts, b.readVerdict, b.readMeasures, b.readOrigin} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Input is what a verdict on the bundle rests on; native and claims are the recipe's.
func (b *Bundle) Input(native bool, claims []checkers.Claim) checkers.Input {
	return checkers.Input{
		Spec: b.Spec, Plan: b.Plan, Receipts: b.Receipts, History: b.History, Claims: claims,
		Native: native, Incomparable: b.Meta.Incomparable, Lacks: b.Notes,
	}
}

func (b *Bundle) read(name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(b.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return content, nil
}

func (b *Bundle) readJSON(name string, to any) error {
	content, err := b.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, to); err != nil {
		return fmt.Errorf("open bundle %s: %s: %w", b.Dir, name, err)
	}
	return nil
}

func (b *Bundle) readSpec() error {
	content, err := b.read(fileSpec)
	if err != nil {
		return err
	}
	if b.Spec, err = spec.Parse(content); err != nil {
		return fmt.Errorf("open bundle %s: %s: %w", b.Dir, fileSpec, err)
	}
	return nil
}

func (b *Bundle) readPlan() error {
	err := b.readJSON(filePlan, &b.Plan)
	if errors.Is(err, fs.ErrNotExist) {
		b.Notes = append(b.Notes, "the run has no plan")
		return nil
	}
	return err
}

func (b *Bundle) readReceipts() (err error) {
	var torn bool
	if b.Receipts, torn, err = readLines[nemesis.Receipt](b, fileReceipts); torn {
		b.Notes = append(b.Notes, "the last receipt is torn")
	}
	return err
}

func (b *Bundle) readHistory() error {
	f, err := os.Open(filepath.Join(b.Dir, fileHistory))
	if err != nil {
		return fmt.Errorf("open bundle: %w", err)
	}
	defer f.Close()
	events, err := history.Read(f)
	var torn *history.TruncatedError
	if errors.As(err, &torn) {
		b.Notes = append(b.Notes, torn.Error())
	} else if err != nil {
		return fmt.Errorf("open bundle %s: %s: %w", b.Dir, fileHistory, err)
	}
	b.History = history.Sorted(events)
	return nil
}

func (b *Bundle) readVerdict() error {
	var v checkers.Verdict
	err := b.readJSON(fileVerdict, &v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		b.Verdict = &v
	}
	return err
}

func (b *Bundle) readMeasures() error {
	var m Measures
	err := b.readJSON(fileMeasures, &m)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		b.Measures = &m
	}
	return err
}

// Logs are the names of the files in logs/, in order.
func (b *Bundle) Logs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(b.Dir, dirLogs))
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// Ledger reads the list of what was done to the nodes. A torn last line is left out.
func (b *Bundle) Ledger() ([]LedgerEntry, error) {
	entries, torn, err := readLines[LedgerEntry](b, fileLedger)
	if torn {
		b.Notes = append(b.Notes, "the last entry of the ledger is torn")
	}
	return entries, err
}

// readLines reads a file of one JSON value a line; torn tells whether it ends in half of one.
func readLines[T any](b *Bundle, name string) (values []T, torn bool, err error) {
	content, err := b.read(name)
	if err != nil {
		return nil, false, err
	}
	for i, line := range bytes.SplitAfter(content, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var v T
		err := json.Unmarshal(line, &v)
		if err != nil && line[len(line)-1] != '\n' {
			return values, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("open bundle %s: %s line %d: %w", b.Dir, name, i+1, err)
		}
		values = append(values, v)
	}
	return values, false, nil
}
