package results

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// flushEvery bounds what a killed run loses of its history.
const flushEvery = 200 * time.Millisecond

// Recorder writes a run's bundle while the run goes on. Its methods may be called from any goroutine. Close it, then
// Open the directory to judge what it holds.
type Recorder struct {
	Dir string

	mu       sync.Mutex
	meta     Meta
	out      *bufio.Writer
	enc      *history.Encoder
	history  *os.File
	ledger   *os.File
	receipts *os.File
	logs     map[string]*os.File
	err      error // the first that Record met
	stop     chan struct{}
	stopped  chan struct{}
}

// Create makes the directory root/<yyyymmddThhmmss>-<workload>-<seed>-<random> with what is known before the run.
func Create(root string, s spec.Spec, now time.Time) (*Recorder, error) {
	dir := filepath.Join(root, fmt.Sprintf("%s-%s-%d-%.6s", now.UTC().Format("20060102T150405"), s.Workload, s.Seed, rand.Text()))
	if err := os.MkdirAll(filepath.Join(dir, dirLogs), 0o755); err != nil {
		return nil, fmt.Errorf("create bundle: %w", err)
	}
	r := &Recorder{
		Dir: dir, meta: Meta{Version: BundleVersion, Riven: Revision(), Started: now},
		logs: map[string]*os.File{}, stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := r.begin(s); err != nil {
		return nil, fmt.Errorf("create bundle: %w", errors.Join(err, r.closeFiles()))
	}
	go r.flushing()
	return r, nil
}

func (r *Recorder) begin(s spec.Spec) (err error) {
	if err := writeJSON(r.path(fileMeta), r.meta); err != nil {
		return err
	}
	if err := writeJSON(r.path(fileSpec), s); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		to   **os.File
	}{{fileHistory, &r.history}, {fileLedger, &r.ledger}, {fileReceipts, &r.receipts}} {
		if *f.to, err = os.OpenFile(r.path(f.name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
			return err
		}
	}
	r.out = bufio.NewWriterSize(r.history, 1<<16)
	if r.enc, err = history.NewEncoder(r.out); err != nil {
		return err
	}
	return r.out.Flush()
}

func (r *Recorder) path(name string) string { return filepath.Join(r.Dir, name) }

func (r *Recorder) flushing() {
	defer close(r.stopped)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Flush() // an error stays for Close
		case <-r.stop:
			return
		}
	}
}

// Record appends the event. It is on its way to the disk within 200 ms, at once if the run enters a phase. An error
// stays with the recorder: Flush and Close give it.
func (r *Recorder) Record(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(r.enc.Encode(e))
	if e.Type == history.Phase {
		r.keep(r.out.Flush())
	}
}

func (r *Recorder) keep(err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("record history: %w", err)
	}
}

// Flush writes what has been recorded to the file and gives the first error of recording.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(r.out.Flush())
	return r.err
}

// Describe changes what is said of the run.
func (r *Recorder) Describe(change func(*Meta)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.meta)
	return writeJSON(r.path(fileMeta), r.meta)
}

// Plan writes the plan, or one that has been resolved further.
func (r *Recorder) Plan(p nemesis.Plan) error { return writeJSON(r.path(filePlan), p) }

// Receipt appends what a fault was observed to do.
func (r *Recorder) Receipt(v nemesis.Receipt) error { return r.line(r.receipts, v) }

// Ledger appends the entry; when it returns the entry is in the file. Write it before the fault is applied.
func (r *Recorder) Ledger(e LedgerEntry) error { return r.line(r.ledger, e) }

func (r *Recorder) line(f *os.File, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode for %s: %w", f.Name(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("append to bundle: %w", err)
	}
	return nil
}

// Log is where the output of a node's child goes: logs/<node>.log. When the file can not be made the output is lost and
// Close gives the error.
func (r *Recorder) Log(node string) io.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.logs[node]; f != nil {
		return f
	}
	f, err := os.Create(filepath.Join(r.Dir, dirLogs, node+".log"))
	if err != nil {
		r.keep(err)
		return io.Discard
	}
	r.logs[node] = f
	return f
}

// Close ends the bundle: the run saw its own end. It gives the first error of recording.
func (r *Recorder) Close() error {
	close(r.stop)
	<-r.stopped
	err := r.Flush()
	if e := r.Describe(func(m *Meta) { m.Ended = true }); err == nil {
		err = e
	}
	if e := r.closeFiles(); err == nil {
		err = e
	}
	return err
}

func (r *Recorder) closeFiles() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, f := range r.logs {
		errs = append(errs, f.Close())
	}
	for _, f := range []*os.File{r.history, r.ledger, r.receipts} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
