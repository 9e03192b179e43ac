package run

import (
	"io"

	"riven/harness/history"
	"riven/nemesis"
	"riven/results"
)

// recorder keeps what a run leaves: a results.Recorder in a bundle, a memory for a run that is only looked at.
type recorder interface {
	Record(history.Event)
	Receipt(nemesis.Receipt) error
	Ledger(results.LedgerEntry) error
	Plan(nemesis.Plan) error
	Describe(func(*results.Meta)) error
	Log(node string) io.Writer
	Close() error
}

// memory keeps it in memory, as far as a verdict needs it.
type memory struct {
	events   []history.Event
	receipts []nemesis.Receipt
	meta     results.Meta
}

func (m *memory) Record(e history.Event)                    { m.events = append(m.events, e) }
func (m *memory) Ledger(results.LedgerEntry) error          { return nil }
func (m *memory) Plan(nemesis.Plan) error                   { return nil }
func (m *memory) Log(string) io.Writer                      { return io.Discard }
func (m *memory) Close() error                              { return nil }
func (m *memory) Receipt(r nemesis.Receipt) error           { m.receipts = append(m.receipts, r); return nil }
func (m *memory) Describe(change func(*results.Meta)) error { change(&m.meta); return nil }
