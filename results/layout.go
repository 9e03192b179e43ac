package results

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// Names of the files of a bundle.
const (
	fileMeta     = "meta.json"
	fileSpec     = "spec.json"
	filePlan     = "plan.json"
	fileHistory  = "history.rvn"
	fileReceipts = "receipts.jsonl"
	fileLedger   = "ledger.jsonl"
	fileVerdict  = "verdict.json"
	fileMeasures = "measures.json"
	fileReport   = "report.html"
	fileJUnit    = "junit.xml"
	fileSummary  = "summary.md"
	fileOrigin   = "origin.json"
	dirLogs      = "logs"

	fileFoundSpec = "found-spec.json"
	fileFoundPlan = "found-plan.json"
)

// BundleVersion is the version of the layout.
const BundleVersion = 1

// Meta is what is known of the run beside its spec.
type Meta struct {
	Version      int       `json:"version"`             // of the bundle
	Riven        string    `json:"riven"`               // revision that riven was built from
	Commit       string    `json:"commit,omitempty"`    // of what was tested; riven's own revision when nobody named another
	ZooKeeper    string    `json:"zooKeeper,omitempty"` // version of the servers
	Engine       string    `json:"engine,omitempty"`    // that ran the containers, with its version
	Command      string    `json:"command,omitempty"`   // that makes the run without the bundle, for a shell; empty: flags can not tell it
	Started      time.Time `json:"started"`
	OpsBegan     time.Time `json:"opsBegan,omitzero"`      // the machine's time at the begin of the ops, to a tenth of a second
	Problems     []string  `json:"problems,omitempty"`     // what broke in the harness, in the order in which it was met
	Incomparable bool      `json:"incomparable,omitempty"` // nodes ran on more than one kernel: their stamps can not be compared
	Interrupted  string    `json:"interrupted,omitempty"`  // phase in which it was told to stop
	Ended        bool      `json:"ended"`                  // false: the run was killed, and everything ends where it was
	Thinned      bool      `json:"thinned,omitempty"`      // history, logs and report were removed to save room
}

// Act of a ledger entry. Apply and Undo are written before, Applied and Undone after.
type Act string

// Acts.
const (
	Apply   Act = "apply"
	Applied Act = "applied"
	Undo    Act = "undo"
	Undone  Act = "undone"
)

// LedgerEntry is one line of the append-only list of faults.
type LedgerEntry struct {
	Time   time.Time `json:"time"`
	Step   string    `json:"step"`
	Act    Act       `json:"act"`
	Detail string    `json:"detail,omitempty"`
}

// Revision is the commit that this program was built from.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if rev == "" {
		return info.Main.Version
	}
	return rev + dirty
}

// writeJSON replaces the file as a whole: a reader sees the old content or the new one.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return replace(path, append(b, '\n'))
}

func replace(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = tmp.Write(content)
	for _, then := range []func() error{
		func() error { return tmp.Chmod(0o644) }, tmp.Close, func() error { return os.Rename(tmp.Name(), path) },
	} {
		if e := then(); err == nil {
			err = e
		}
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
