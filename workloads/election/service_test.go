package election

import (
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

func request(key string, token, n int64) env.Request {
	return env.Request{Resource: JournalResource, Key: key, Hold: "h", Token: token, N: n}
}

func TestJournal(t *testing.T) {
	for _, c := range []struct {
		name    string
		fencing bool
		asked   []env.Request
		want    []env.Reply
	}{
		{"refuses epochs below the highest", true,
			[]env.Request{request(keyOpen, 5, 0), request(keyAppend, 5, 1), request(keyOpen, 7, 0), request(keyAppend, 5, 2), request(keyAppend, 7, 3)},
			[]env.Reply{{Seq: 1, Accepted: true}, {Seq: 2, Accepted: true, N: 1}, {Seq: 3, Accepted: true}, {Seq: 4, Text: "epoch 5 is below 7"}, {Seq: 5, Accepted: true, N: 3}}},
		{"without fencing takes any", false,
			[]env.Request{request(keyOpen, 7, 0), request(keyAppend, 5, 2)},
			[]env.Reply{{Seq: 1, Accepted: true}, {Seq: 2, Accepted: true, N: 2}}},
		{"takes nothing that is fenced, whatever it is told later", false,
			[]env.Request{request(keyFence, 5, 0), request(keyAppend, 5, 1), request(keyFence, 3, 0), request(keyAppend, 4, 2), request(keyAppend, 6, 3)},
			[]env.Reply{{Seq: 1, Text: "fenced up to 5"}, {Seq: 2, Text: "epoch 5 is fenced"}, {Seq: 3, Text: "fenced up to 5"}, {Seq: 4, Text: "epoch 4 is fenced"}, {Seq: 5, Accepted: true, N: 3}}},
		{"knows its name", true,
			[]env.Request{{Resource: "register", Token: 1}},
			[]env.Reply{{Seq: 1, Text: `no resource "register"`}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJournal(electionSpec(c.fencing))
			var got []env.Reply
			for _, r := range c.asked {
				got = append(got, j.Decide("journal1", r))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// newTestService is service1 with a journal of its own.
func newTestService(fencing bool) *world {
	w := &world{id: "service1.1"}
	newNode(node(w, Service, fencing))
	w.others["journal1"] = journalOf(fencing)
	return w
}

func (w *world) active(token int64) string {
	return w.serve("controller1", env.Message{Kind: askActive, Hold: "h", Token: token}).Kind
}

func (w *world) standby(token int64) string {
	return w.serve("controller2", env.Message{Kind: askStandby, Token: token}).Kind
}

func (w *world) write(n int64) string {
	return w.serve("client1", env.Message{Kind: askWrite, N: n}).Kind
}

func TestServiceWritesWhileActive(t *testing.T) {
	w := newTestService(true)
	require.Equal(t, no, w.write(1), "it begins as standby")
	require.Equal(t, yes, w.active(5))
	require.Equal(t, yes, w.write(1))
	require.Equal(t, "h", w.serve("controller1", answer(askHealth)).Hold)
	require.Equal(t, yes, w.standby(5))
	require.Equal(t, no, w.write(2))
	require.Equal(t, no, w.active(5), "fenced for good")
	require.Equal(t, no, w.active(4))
	require.Equal(t, yes, w.active(6))
	require.Equal(t, []env.Note{
		{Kind: history.NoteAssigned, Key: Service, Hold: "h", Token: 5},
		{Kind: history.NoteRevoked, Key: Service, Hold: "h", Token: 5, Text: "told to"},
		{Kind: history.NoteAssigned, Key: Service, Hold: "h", Token: 6},
	}, w.notes)
}

// TestLateStandby: a fencing that is late, of a term before, leaves the present one alone.
func TestLateStandby(t *testing.T) {
	w := newTestService(true)
	require.Equal(t, yes, w.active(5))
	require.Equal(t, yes, w.standby(4))
	require.Equal(t, yes, w.write(1))
}

// TestServiceThatWasRefused: somebody else is active, and the service finds out by a write.
func TestServiceThatWasRefused(t *testing.T) {
	w := newTestService(true)
	require.Equal(t, yes, w.active(5))
	w.others["journal1"]("service2", env.Message{Kind: keyOpen, Hold: "h2", Token: 9})
	require.Equal(t, no, w.write(1))
	require.Equal(t, "the journal refused it", w.notes[1].Text)
	require.Equal(t, no, w.active(6), "the journal is further already")
}

// TestServiceThatCanNotVouch: where a write may still arrive, to be standby is not enough.
func TestServiceThatCanNotVouch(t *testing.T) {
	t.Run("no answer from the journal", func(t *testing.T) {
		w := newTestService(false)
		require.Equal(t, yes, w.active(5))
		w.others["journal1"] = nil
		require.Equal(t, unsure, w.write(1))
		require.Equal(t, unsure, w.standby(5))
	})
	t.Run("started again", func(t *testing.T) {
		require.Equal(t, unsure, newTestService(false).standby(5))
	})
	t.Run("a write is under way", func(t *testing.T) {
		w := newTestService(false)
		require.Equal(t, yes, w.active(5))
		journal := w.others["journal1"]
		w.others["journal1"] = func(from string, m env.Message) env.Message {
			w.others["journal1"] = journal
			require.Equal(t, unsure, w.standby(5), "nothing else happens while it waits for the write")
			return journal(from, m)
		}
		require.Equal(t, yes, w.write(1))
		require.Equal(t, yes, w.standby(5))
	})
}

// TestActivationOvertaken: a fencing that comes while the service opens the journal wins.
func TestActivationOvertaken(t *testing.T) {
	w := newTestService(true)
	journal := w.others["journal1"]
	w.others["journal1"] = func(from string, m env.Message) env.Message {
		w.standby(5)
		return journal(from, m)
	}
	require.Equal(t, no, w.active(5))
	require.Equal(t, no, w.write(1))
}

func TestClientGoesRound(t *testing.T) {
	w := &world{id: "client1.1"}
	c := newNode(node(w, Client, true))
	says := func(kind string) func(string, env.Message) env.Message {
		return func(string, env.Message) env.Message { return answer(kind) }
	}
	w.others["service1"], w.others["service2"] = says(no), says(yes)
	require.Equal(t, workloads.Completion{Type: history.OK, Op: history.Op{N: 7, Text: "service2"}}, c.Do(history.Op{F: Write, N: 7}))
	w.others["service2"] = says(no)
	require.Equal(t, workloads.Completion{Type: history.Fail, Error: "no service is active"}, c.Do(history.Op{F: Write, N: 8}))
	w.others["service1"], w.others["service2"] = says(unsure), nil
	for _, service := range []string{"service1", "service2"} {
		require.Contains(t, []string{"service1 did not say whether it was written", "service2 did not say whether it was written"}, c.Do(history.Op{F: Write, N: 9}).Error, service)
	}
}

// TestValuesAreUnique: no two writes of a run have the same value.
func TestValuesAreUnique(t *testing.T) {
	s := electionSpec(true)
	seen := map[int64]bool{}
	take := func(op history.Op) {
		if op.F == Write {
			require.False(t, seen[op.N], "%d", op.N)
			seen[op.N] = true
		}
	}
	for _, name := range s.Of(Client) {
		w := &world{}
		stream := Workload().Ops(s, name, node(w, Client, true).Env.Rand())
		for range 2000 {
			take(stream.Next())
		}
		for _, op := range Workload().Quiet(s, name) {
			take(op)
		}
	}
	for _, idle := range []string{"controller1", "service2", "journal1"} {
		require.Nil(t, ops(s, idle, nil))
		require.Empty(t, quiet(s, idle))
	}
}
