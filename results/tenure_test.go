package results

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

func believes(at int64, node, kind, key, hold string, token int64, text string) history.Event {
	return history.Event{Time: at, Type: history.Note, Node: node, Process: history.NoProcess, Op: history.Op{F: kind, Key: key, Hold: hold, Token: token, Text: text}}
}

// terms are two active nodes that overlap, a partition that changes hands, one that dies with its owner, and a health
// monitor's findings.
func terms(from, unit int64) []history.Event {
	at := func(n int64) int64 { return from + n*unit }
	return []history.Event{
		believes(at(1), "c1", history.NoteElected, "", "c1.1/1", 1, ""),
		believes(at(2), "a1", history.NoteAssigned, "t-10", "a1.1/1", 7, ""),
		believes(at(2), "a1", history.NoteAssigned, "t-2", "a1.1/2", 8, ""),
		believes(at(3), "c1", history.NoteHealth, "s1", "", 0, "healthy"),
		believes(at(4), "c1", history.NoteHealth, "s1", "", 0, "silent"),
		believes(at(5), "c2", history.NoteElected, "", "c2.1/1", 2, ""),
		believes(at(6), "c1", history.NoteHealth, "s1", "", 0, "healthy"),
		believes(at(6), "c1", history.NoteDeposed, "", "c1.1/1", 0, ""),
		believes(at(6), "a1", history.NoteRevoked, "t-10", "a1.1/1", 0, ""),
		believes(at(7), "a2", history.NoteAssigned, "t-10", "a2.1/1", 9, ""),
		{Time: at(8), Type: history.Exit, Node: "a1", Process: history.NoProcess},
		{Time: at(9), Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseDone}},
	}
}

func TestTenures(t *testing.T) {
	require.Equal(t, []tenureRow{
		{Name: "active", Tracks: [][]tenure{
			{{interval: interval{1, 6}, Node: "c1", Token: 1, Hold: "c1.1/1"}},
			{{interval: interval{5, 9}, Node: "c2", Token: 2, Hold: "c2.1/1"}},
		}},
		{Name: "health", Tracks: [][]tenure{{{interval: interval{4, 6}, Node: "c1", Text: "says s1 is silent"}}}},
		{Name: "t-2", Tracks: [][]tenure{{{interval: interval{2, 8}, Node: "a1", Token: 8, Hold: "a1.1/2"}}}},
		{Name: "t-10", Tracks: [][]tenure{{
			{interval: interval{2, 6}, Node: "a1", Token: 7, Hold: "a1.1/1"},
			{interval: interval{7, 9}, Node: "a2", Token: 9, Hold: "a2.1/1"},
		}}},
	}, tenures(terms(0, 1)))
	require.Empty(t, tenures(newExample(1).history()))
}

func TestTenureTable(t *testing.T) {
	views, more := tenureViews(tenures(terms(0, ms)), 0)
	require.Len(t, views, 6)
	require.Zero(t, more)
	require.Equal(t, tenureView{Row: "active", Node: "c2", Token: "2", Hold: "c2.1/1", Span: "0.005 s to 0.009 s", Link: moment(5*ms, 9*ms)}, views[1])
}
