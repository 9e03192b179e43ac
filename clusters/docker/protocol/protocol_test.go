package protocol_test

import (
	"bytes"
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
		`[]`:                           `read a line to the participant: not a JSON object: "[]"`,
	} {
		_, err := protocol.ParseIn([]byte(line))
		require.EqualError(t, err, want)
	}
}

func TestAppend(t *testing.T) {
	op := history.Op{F: "list", Key: "/a\\b", Hold: "p1.2/7", Token: -3, N: 2, Text: "a\nb\xff"}
	b := protocol.AppendOut([]byte("x"), protocol.Out{Type: "ok", ID: 4, Error: "é", Mono: 5, Op: op})
	require.Equal(t, `x{"type":"ok","id":4,"error":"é","mono":5,"f":"list","key":"/a\\b","hold":"p1.2/7","token":-3,"n":2,"text":"a\nb\ufffd"}`+"\n", string(b))
	b = protocol.AppendIn([]byte("x"), protocol.In{Type: "reply", ID: 4, Process: 3, Seq: 9, Accepted: true, Op: history.Op{N: 1}})
	require.Equal(t, `x{"type":"reply","id":4,"process":3,"seq":9,"accepted":true,"n":1}`, string(b))
}

// FuzzParseOut: a line is read as encoding/json reads it, and what was read can be written and read again.
func FuzzParseOut(f *testing.F) {
	for _, line := range []string{
		`{"type":"ok","id":4,"text":"\ud800\u0041<&>","hold":"p1.1/1"}`, `{"TYPE":"note","mono":7,"token":-9223372036854775808,"key":null}`,
		`{"type":"wire","error":"` + "\xff" + `","N":1,"n":2}`, `{"id":1.0}`, `{"n":9223372036854775808}`, `{"text":{"text":"x"}}`, `{"f":"a"} {}`, ` {} `, `null`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		out, err := protocol.ParseOut(line)
		var want protocol.Out
		wrong := json.Unmarshal(line, &want)
		if err != nil {
			require.Zero(t, out)
			require.True(t, wrong != nil || bytes.Equal(bytes.TrimSpace(line), []byte("null")), "%q: %v", line, err)
			return
		}
		require.NoError(t, wrong, "%q", line)
		require.Equal(t, want, out, "%q", line)
		again, err := protocol.ParseOut(bytes.TrimSuffix(protocol.AppendOut(nil, out), []byte("\n")))
		require.NoError(t, err)
		require.Equal(t, out, again)
	})
}

// FuzzParseIn: what is read is what encoding/json reads, and can be written and read again.
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
		var want protocol.In
		require.NoError(t, json.Unmarshal(line, &want), "%q", line)
		require.Equal(t, want, in, "%q", line)
		second, err := protocol.ParseIn(protocol.AppendIn(nil, in))
		require.NoError(t, err)
		require.Equal(t, in, second)
	})
}
