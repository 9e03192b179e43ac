package results

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func create(t *testing.T) *Recorder {
	s := spec.Default()
	s.Seed = 42
	r, err := Create(t.TempDir(), s, began)
	require.NoError(t, err)
	return r
}

func note(at int64, node string) history.Event {
	return history.Event{Time: at, Type: history.Note, Node: node, Process: history.NoProcess, Op: history.Op{F: history.NoteReady}}
}

func TestBundleRoundTrip(t *testing.T) {
	r := create(t)
	require.Regexp(t, `/20260102T030405-lock-42-[A-Z2-7]{6}$`, r.Dir)
	plan := nemesis.Plan{Policy: "none"}
	receipt := nemesis.Receipt{Status: nemesis.Applied, Nodes: []string{"zk1"}}
	require.NoError(t, r.Plan(plan))
	require.NoError(t, r.Receipt(receipt))
	require.NoError(t, r.Describe(func(m *Meta) { m.Engine = "docker 29" }))
	r.Record(note(20, "p2"))
	r.Record(note(10, "p1"))
	_, err := r.Log("p1").Write([]byte("hello\n"))
	require.NoError(t, err)
	require.NoError(t, r.Close())

	b, err := Open(r.Dir)
	require.NoError(t, err)
	first, second := note(10, "p1"), note(20, "p2")
	second.Index = 1
	s := spec.Default()
	s.Seed = 42
	require.Equal(t, &Bundle{
		Dir: r.Dir, Meta: Meta{Version: 1, Riven: Revision(), Engine: "docker 29", Started: began, Ended: true},
		Spec: s, Plan: plan, Receipts: []nemesis.Receipt{receipt}, History: []history.Event{first, second},
	}, b)
	logs, err := b.Logs()
	require.NoError(t, err)
	require.Equal(t, []string{"p1.log"}, logs)
}

func TestEventsReachTheFileWhileTheRunGoesOn(t *testing.T) {
	r := create(t)
	defer r.Close()
	written := func(want int) func() bool {
		return func() bool {
			b, err := os.ReadFile(filepath.Join(r.Dir, fileHistory))
			require.NoError(t, err)
			events, err := history.Read(bytes.NewReader(b))
			return err == nil && len(events) == want
		}
	}
	r.Record(note(1, "p1"))
	require.Eventually(t, written(1), 10*time.Second, time.Millisecond)
	r.Record(history.Event{Time: 2, Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseHeal}})
	require.True(t, written(2)(), "a phase is written at once")
	require.NoError(t, r.Ledger(LedgerEntry{Time: began, Step: "f1", Act: Apply, Detail: "kill zk1"}))
	ledger, err := os.ReadFile(filepath.Join(r.Dir, fileLedger))
	require.NoError(t, err)
	require.Equal(t, `{"time":"2026-01-02T03:04:05Z","step":"f1","act":"apply","detail":"kill zk1"}`+"\n", string(ledger))
}

func TestRecordFromManyGoroutines(t *testing.T) {
	r := create(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for at := range int64(1000) {
				r.Record(note(at, "p1"))
			}
		})
	}
	wg.Wait()
	require.NoError(t, r.Close())
	b, err := Open(r.Dir)
	require.NoError(t, err)
	require.Len(t, b.History, 8000)
}

func TestAnEventThatCanNotBeKeptIsTold(t *testing.T) {
	r := create(t)
	e := note(1, "p1")
	e.Text = string(make([]byte, history.MaxPayload))
	r.Record(e)
	require.ErrorContains(t, r.Close(), "record history: event of")
}

func TestOpenAKilledRun(t *testing.T) {
	r := create(t)
	r.Record(note(1, "p1"))
	r.Record(note(2, "p2"))
	require.NoError(t, r.Flush())
	defer r.Close()
	path := filepath.Join(r.Dir, fileHistory)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()-1))
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, fileReceipts), []byte(`{"status":"applied"}`+"\n"+`{"sta`), 0o644))

	b, err := Open(r.Dir)
	require.NoError(t, err)
	require.Equal(t, []history.Event{note(1, "p1")}, b.History)
	require.Equal(t, []nemesis.Receipt{{Status: nemesis.Applied}}, b.Receipts)
	require.Equal(t, []string{
		"the run was stopped before its end", "the run has no plan", "the last receipt is torn",
		"history truncated at byte 32: the run was stopped while it wrote",
	}, b.Notes)
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	check := func(want string) {
		t.Helper()
		_, err := Open(dir)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	check("not a bundle of riven")
	put := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	put(fileMeta, `{"version": 9}`)
	check("version 9, this riven reads version 1")
	put(fileMeta, `{"version": 1`)
	check("meta.json: unexpected end of JSON input")
	put(fileMeta, `{"version": 1}`)
	check("spec.json: no such file")
	put(fileSpec, `{"version": 7}`)
	check("spec version 7")
	put(fileSpec, `{}`)
	put(fileReceipts, "[]\n{}\n")
	check("receipts.jsonl line 1")
	put(fileReceipts, "")
	put(fileHistory, "PK")
	check("not a riven history")
	put(fileHistory, "rvnhist\x05")
	check("history version 5: this riven reads version 1")
	dir = filepath.Join(dir, fileMeta)
	check("not a directory")
	dir += "-not"
	check("no such file or directory")
}
