package history_test

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"riven/harness/history"
)

var types = []history.Type{
	history.Invoke, history.OK, history.Fail, history.Info, history.Note, history.Access, history.Answer,
	history.Start, history.Exit, history.Role, history.Wire, history.Stall, history.Fault, history.Phase,
}

// drawEvents draws a history as it was recorded. Few names and many, small numbers and huge.
func drawEvents(t *rapid.T) []history.Event {
	name := rapid.OneOf(rapid.SampledFrom([]string{"", "p1", "p2", "zk1", "acquire", "release"}), rapid.StringN(0, 200, -1))
	number := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64())
	small := rapid.OneOf(rapid.IntRange(-1, 3), rapid.IntRange(math.MinInt32, math.MaxInt32))
	events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) history.Event {
		return history.Event{
			Time: number.Draw(t, "time"), End: number.Draw(t, "end"), Type: rapid.SampledFrom(types).Draw(t, "type"),
			Node: name.Draw(t, "node"), Incarnation: small.Draw(t, "inc"), Process: small.Draw(t, "process"),
			ID: number.Draw(t, "id"), Seq: number.Draw(t, "seq"), Rejected: rapid.Bool().Draw(t, "rejected"),
			Error: name.Draw(t, "error"), Mono: number.Draw(t, "mono"),
			Op: history.Op{F: name.Draw(t, "f"), Key: name.Draw(t, "key"), Hold: name.Draw(t, "hold"),
				Token: number.Draw(t, "token"), N: number.Draw(t, "n"), Text: name.Draw(t, "text")},
		}
	}), 0, 12).Draw(t, "events")
	for i := range events {
		events[i].Index = i
	}
	return events
}

func encode(t require.TestingT, events []history.Event) []byte {
	var b bytes.Buffer
	enc, err := history.NewEncoder(&b)
	require.NoError(t, err)
	for _, ev := range events {
		require.NoError(t, enc.Encode(ev))
	}
	return b.Bytes()
}

// requirePrefix checks what is left of a history that was cut off: some of its first events, and a note if any bytes lie there.
func requirePrefix(t require.TestingT, want, got []history.Event, err error) {
	require.LessOrEqual(t, len(got), len(want))
	for i := range got {
		require.Equal(t, want[i], got[i])
	}
	if err != nil {
		var torn *history.TruncatedError
		require.ErrorAs(t, err, &torn)
	}
}

func TestNativeRoundTripAndEveryPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		b := encode(t, events)
		got, err := history.Read(bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, len(events), len(got))
		requirePrefix(t, events, got, nil)
		for cut := range b {
			got, err := history.Read(bytes.NewReader(b[:cut]))
			requirePrefix(t, events, got, err)
		}
	})
}

func TestJSONRoundTripAndEveryPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		var b bytes.Buffer
		require.NoError(t, history.WriteJSON(&b, events))
		got, err := history.ReadJSON(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		require.Equal(t, len(events), len(got))
		requirePrefix(t, events, got, nil)
		cut := rapid.IntRange(0, b.Len()).Draw(t, "cut")
		got, err = history.ReadJSON(bytes.NewReader(b.Bytes()[:cut]))
		requirePrefix(t, events, got, err)
	})
}

// run is a small history with one of everything that the codecs treat apart.
func run() []history.Event {
	return []history.Event{
		{Index: 0, Time: 100, Type: history.Phase, Process: history.NoProcess, Op: history.Op{F: history.PhaseOps}},
		{Index: 1, Time: 110, Type: history.Invoke, Node: "p1", Incarnation: 1, Process: 0, ID: 1, Op: history.Op{F: "acquire", Key: "/lock"}},
		{Index: 2, Time: 130, Type: history.OK, Node: "p1", Incarnation: 1, Process: 0, ID: 1, Op: history.Op{F: "acquire", Key: "/lock", Hold: "p1.1/1", Token: 7}},
		{Index: 3, Time: 135, Type: history.Access, Node: "p1", Process: history.NoProcess, Seq: 1, Op: history.Op{Key: "register", Hold: "p1.1/1", Token: 7, N: 5}},
		{Index: 4, Time: 140, End: 145, Type: history.Fault, Process: history.NoProcess, Op: history.Op{F: "begin", Key: "f1"}},
		{Index: 5, Time: 150, Type: history.Invoke, Node: "p2", Incarnation: 1, Process: 1, ID: 2, Op: history.Op{F: "read", Key: "x"}},
		{Index: 6, Time: 160, Type: history.Info, Node: "p2", Incarnation: 1, Process: 1, ID: 2, Error: "connection \"lost\"\n", Op: history.Op{F: "read", Key: "x"}},
		{Index: 7, Time: 170, Type: history.Invoke, Node: "p2", Incarnation: 1, Process: 5, ID: 3, Op: history.Op{F: "read first", N: 3, Text: "\x01é"}},
	}
}

func TestEDN(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, history.WriteEDN(&b, run()))
	require.Equal(t, `{:index 0, :time 110, :type :invoke, :process 0, :f :acquire, :value nil, :node "p1", :key "/lock"}
{:index 1, :time 130, :type :ok, :process 0, :f :acquire, :value nil, :node "p1", :key "/lock", :hold "p1.1/1", :token 7}
{:index 2, :time 140, :type :info, :process :nemesis, :f :begin, :value "f1"}
{:index 3, :time 150, :type :invoke, :process 1, :f :read, :value nil, :node "p2", :key "x"}
{:index 4, :time 160, :type :info, :process 1, :f :read, :value 0, :error "connection \"lost\"\n", :node "p2", :key "x"}
{:index 5, :time 170, :type :invoke, :process 5, :f :read-first, :value 3, :node "p2", :text "\u0001é"}
`, b.String())
}

func TestDamageInTheMiddleIsNoTruncation(t *testing.T) {
	b := encode(t, run())
	size := len(encode(t, run()[:3])) // where event 3 begins
	end := len(encode(t, run()[:4]))
	for i := size; i < end; i++ {
		broken := bytes.Clone(b)
		broken[i] ^= 0xff
		got, err := history.Read(bytes.NewReader(broken))
		var corrupt *history.CorruptError
		require.ErrorAs(t, err, &corrupt, "byte %d", i)
		require.EqualValues(t, size, corrupt.Offset)
		require.Equal(t, run()[:3], got)
	}
}

func TestTornTail(t *testing.T) {
	b := encode(t, run())
	for _, tail := range [][]byte{{0}, make([]byte, 4096), {200, 1, 2}, {5, 0, 0, 0, 0, 1, 2, 3, 4, 5}} {
		got, err := history.Read(bytes.NewReader(append(bytes.Clone(b), tail...)))
		require.Equal(t, &history.TruncatedError{Offset: int64(len(b))}, err)
		require.Equal(t, run(), got)
	}
}

func TestForeignAndOtherVersions(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"empty":    {"", &history.TruncatedError{}},
		"half":     {"rvnh", &history.TruncatedError{}},
		"foreign":  {"PK\x03\x04", history.ErrForeign},
		"version":  {"rvnhist\x09", &history.VersionError{Version: 9}},
		"no event": {"rvnhist\x01", nil},
	} {
		got, err := history.Read(bytes.NewReader([]byte(c.in)))
		require.Equal(t, c.want, err, name)
		require.Empty(t, got, name)
	}
}

func TestTooLargeAnEventIsRefused(t *testing.T) {
	enc, err := history.NewEncoder(io.Discard)
	require.NoError(t, err)
	var large *history.TooLargeError
	require.ErrorAs(t, enc.Encode(history.Event{Op: history.Op{Text: string(make([]byte, history.MaxPayload))}}), &large)
	require.ErrorAs(t, enc.Encode(history.Event{}), &large, "the encoder stays broken")
}

func TestSorted(t *testing.T) {
	access := func(time, seq int64) history.Event {
		return history.Event{Time: time, Type: history.Access, Seq: seq}
	}
	other := func(time int64, node string) history.Event {
		return history.Event{Time: time, Type: history.Note, Node: node}
	}
	in := []history.Event{other(5, "a"), access(5, 3), other(5, "b"), access(5, 1), access(4, 2), access(5, 2), other(1, "c")}
	want := []history.Event{other(1, "c"), access(4, 2), other(5, "a"), access(5, 1), other(5, "b"), access(5, 2), access(5, 3)}
	for i := range want {
		want[i].Index = i
	}
	require.Equal(t, want, history.Sorted(in))
	require.Equal(t, other(5, "a"), in[0], "the input is left alone")
}

// TestSortedIsStable holds the order against a stable sort, of histories that are nearly in order and of such that are not.
func TestSortedIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apart := rapid.Int64Range(0, 200).Draw(t, "how far events are from their place")
		in := make([]history.Event, rapid.IntRange(0, 100).Draw(t, "events"))
		for i := range in {
			in[i] = history.Event{Type: history.Note, ID: int64(i), Time: int64(i) - rapid.Int64Range(0, apart).Draw(t, "late")}
		}
		want := slices.Clone(in)
		slices.SortStableFunc(want, func(a, b history.Event) int { return cmp.Compare(a.Time, b.Time) })
		for i := range want {
			want[i].Index = i
		}
		require.Equal(t, want, history.Sorted(in))
	})
}

func FuzzNative(f *testing.F) {
	f.Add(encode(f, run()))
	f.Add([]byte("rvnhist\x01"))
	f.Add([]byte("rvnhist\x01\x03\x00\x00\x00\x00abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := history.Read(bytes.NewReader(b))
		if errors.Is(err, history.ErrForeign) {
			require.Empty(t, events)
		}
		again, err := history.Read(bytes.NewReader(encode(t, events)))
		require.NoError(t, err)
		require.Equal(t, events, again)
	})
}

func FuzzJSON(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, history.WriteJSON(&b, run()))
	f.Add(b.Bytes())
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, in []byte) {
		events, _ := history.ReadJSON(bytes.NewReader(in))
		var b bytes.Buffer
		require.NoError(t, history.WriteJSON(&b, events))
		again, err := history.ReadJSON(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		require.Equal(t, events, again)
	})
}

// stream is what a busy run records: four participants, a hold of ten accesses each.
func stream(n int) []history.Event {
	events := make([]history.Event, 0, n)
	for i := 0; len(events) < n; i++ {
		node := []string{"p1", "p2", "p3", "p4"}[i%4]
		hold := node + ".1/" + string(rune('0'+i/4%10)) + string(rune('a'+i/40%26))
		at := int64(i) * 37_000_123
		ev := history.Event{Time: at, Type: history.Invoke, Node: node, Incarnation: 1, Process: i % 4, ID: int64(i), Op: history.Op{F: "acquire", Key: "/lock"}}
		events = append(events, ev)
		for k := range 10 {
			events = append(events, history.Event{Time: at + int64(k)*1_812_345, Type: history.Access, Node: node, Process: history.NoProcess,
				Seq: int64(10*i + k), Op: history.Op{Key: "register", Hold: hold, Token: int64(4_294_967_296 + i), N: int64(k)}})
		}
		ev.Type, ev.Time, ev.Hold, ev.Token = history.OK, at+21_000_456, hold, int64(4_294_967_296+i)
		events = append(events, ev)
	}
	return events
}

func BenchmarkEncode(b *testing.B) {
	events := stream(100_000)
	var c counter
	enc, err := history.NewEncoder(&c)
	require.NoError(b, err)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := enc.Encode(events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(c)/float64(b.N), "bytes/event")
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func BenchmarkDecode(b *testing.B) {
	in := encode(b, stream(100_000))
	for b.Loop() {
		if _, err := history.Read(bytes.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "events/s")
}
