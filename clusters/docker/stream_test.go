package docker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"testing"
	"testing/iotest"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/agent"
)

func frame(stream stdcopy.StdType, text string) []byte {
	b := make([]byte, 8, 8+len(text))
	b[0] = byte(stream)
	binary.BigEndian.PutUint32(b[4:], uint32(len(text)))
	return append(b, text...)
}

func TestDemux(t *testing.T) {
	in := bytes.Join([][]byte{
		frame(stdcopy.Stderr, "log 1\n"), frame(stdcopy.Stdout, `{"a":`), frame(stdcopy.Stdout, ""), frame(stdcopy.Stderr, "log 2\n"),
		frame(stdcopy.Stdout, "1}\n"), frame(stdcopy.Stderr, "log 3\n"),
	}, nil)
	var log bytes.Buffer
	out, err := io.ReadAll(&demux{src: iotest.OneByteReader(bytes.NewReader(in)), stderr: &log})
	require.NoError(t, err)
	require.Equal(t, "{\"a\":1}\n", string(out))
	require.Equal(t, "log 1\nlog 2\nlog 3\n", log.String())

	_, err = io.ReadAll(&demux{src: bytes.NewReader(frame(stdcopy.Systemerr, "out of disk"))})
	require.EqualError(t, err, "the engine says: out of disk")
}

// FuzzDemux holds the reader against the engine's own client, and against cut streams.
func FuzzDemux(f *testing.F) {
	f.Add(append(frame(stdcopy.Stdout, "out"), frame(stdcopy.Stderr, "err")...))
	f.Add(frame(stdcopy.Stdout, "out")[:9])
	f.Add(frame(stdcopy.Stderr, "err")[:10])
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		if frames(in) {
			var wantOut, wantErr bytes.Buffer
			_, err := stdcopy.StdCopy(&wantOut, &wantErr, bytes.NewReader(in))
			var gotErr bytes.Buffer
			gotOut, err2 := io.ReadAll(&demux{src: bytes.NewReader(in), stderr: &gotErr})
			require.Equal(t, err == nil, err2 == nil)
			require.Equal(t, wantOut.String(), string(gotOut))
			require.Equal(t, wantErr.String(), gotErr.String())
			return
		}
		_, _ = io.ReadAll(&demux{src: bytes.NewReader(in), stderr: io.Discard})
	})
}

// frames tells whether in is whole frames of standard output and error.
func frames(in []byte) bool {
	for len(in) > 0 {
		if len(in) < 8 || in[0] != 1 && in[0] != 2 {
			return false
		}
		size := uint64(binary.BigEndian.Uint32(in[4:])) + 8
		if size > uint64(len(in)) {
			return false
		}
		in = in[size:]
	}
	return true
}

func TestParticipantLineIsTheAgentsOwnShape(t *testing.T) {
	for _, l := range []agent.Line{
		{Time: 1, Incarnation: 1, To: true, Raw: []byte(`{"type":"invoke","id":1}`)},
		{Time: 123456789012345678, Incarnation: 12, Raw: []byte(`{"type":"ok","text":"}}"}`)},
	} {
		b, err := json.Marshal(agent.Message{Line: &l})
		require.NoError(t, err)
		got, ok := participantLine(b)
		require.True(t, ok, "%s", b)
		require.Equal(t, l, got)
	}
}

// FuzzDecode holds the short cut against the full decoding.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"line":{"t":1,"i":1,"to":true,"raw":{"type":"ok","id":3}}}`))
	f.Add([]byte(`{"line":{"t":01,"i":1,"raw":{}}}`))
	f.Add([]byte(`{"line":{"t":1,"i":1,"raw":{}},"up":{"x":{}}}`))
	f.Add([]byte(`{"line":{"t":9999999999999999999,"i":1,"raw":{}}}`))
	f.Add([]byte(`{"re":5,"answer":{"from":1,"to":2}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		line, ok := participantLine(b)
		if !ok || !json.Valid(line.Raw) {
			return // decoded fully, or found out by whoever decodes Raw
		}
		m, err := decodeFully(b)
		require.NoError(t, err)
		require.Equal(t, agent.Message{Line: &line}, m)
	})
}
