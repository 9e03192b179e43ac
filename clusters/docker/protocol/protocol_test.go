package protocol_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
)

func TestParseIn(t *testing.T) {
	in, err := protocol.ParseIn([]byte(`{"type":"invoke","id":4,"process":2,"f":"work","n":250}`))
	require.NoError(t, err)
	require.Equal(t, protocol.In{Type: "invoke", ID: 4, Process: 2, Op: history.Op{F: "work", N: 250}}, in)
	for line, want := range map[string]string{
		`{"type":"invoke","f":"work"}`: `invoke needs an id from 1 and an f: "{\"type\":\"invoke\",\"f\":\"work\"}"`,
		`{"type":"invoke","id":1}`:     `invoke needs an id from 1 and an f: "{\"type\":\"invoke\",\"id\":1}"`,
		`{"type":"reply"}`:             `reply needs the id of an access: "{\"type\":\"reply\"}"`,
		`{"type":"order","key":"f1"}`:  `order needs a key and an f: "{\"type\":\"order\",\"key\":\"f1\"}"`,
		`{"type":"ready"}`:             `unknown type "ready" of a line to a participant: "{\"type\":\"ready\"}"`,
		`[]`:                           `read a line of the participant protocol: json: cannot unmarshal array into Go value of type protocol.In: "[]"`,
	} {
		_, err := protocol.ParseIn([]byte(line))
		require.EqualError(t, err, want)
	}
}

func TestAppendOut(t *testing.T) {
	b := protocol.AppendOut([]byte("x"), protocol.Out{Type: "ok", ID: 4, Op: history.Op{F: "list", N: 2, Text: "a\nb"}})
	require.Equal(t, `x{"type":"ok","id":4,"f":"list","n":2,"text":"a\nb"}`+"\n", string(b))
}

// FuzzParseIn: what is read can be written and read again, and what is refused is refused with an error.
func FuzzParseIn(f *testing.F) {
	f.Add([]byte(`{"type":"hello","hello":{"version":1,"node":"p1","incarnation":1,"servers":[{"name":"zk1","address":"10.0.0.2:2181"}]}}`))
	f.Add([]byte(`{"type":"invoke","id":4,"process":2,"f":"work","n":250}`))
	f.Add([]byte(`{"type":"reply","id":1,"seq":9,"accepted":true,"text":"\ud800"}`))
	f.Add([]byte(`{"type":"order","key":"f1","f":"create","n":1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, line []byte) {
		in, err := protocol.ParseIn(line)
		if err != nil {
			require.Zero(t, in)
			return
		}
		again, err := json.Marshal(in)
		require.NoError(t, err)
		second, err := protocol.ParseIn(again)
		require.NoError(t, err)
		require.Equal(t, in, second)
	})
}
