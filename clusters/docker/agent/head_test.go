package agent

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
)

// model is head as encoding/json reads it.
type model struct {
	Type    string `json:"type"`
	ID      int64  `json:"id"`
	Process int64  `json:"process"`
	F       string `json:"f"`
	Hold    string `json:"hold"`
}

func (h head) model() model {
	return model{Type: string(h.Type), ID: h.ID, Process: h.Process, F: string(h.F), Hold: string(h.Hold)}
}

var lines = []string{
	`{}`, ` { } `, `{"type":"ok","id":12,"hold":"p1.2/7","n":-3}`, `{"id":1,"id":2}`, `{"id":null,"type":null}`, `{"id":1.0}`, `{"id":"1"}`,
	`{"id":9223372036854775807}`, `{"id":9223372036854775808}`, `{"type":"\u006fk","\u0066":"a\"b\\"}`, `{"TYPE":"ok","Hold":"x"}`, `{"type":5}`,
	`{"hello":{"type":"no","spec":[{"id":3},"}",[]]},"type":"hello" , "process" : 7}`, `{"type":"ok"`, `["type"]`, ``, `null`, `{"f":"x"}{}`, `{"text":"\\"}`,
	"{\"type\":\"ok\"}\r", `{"type":{"id":4}}`, `{"x":[1,2,{"y":-1.5e+3}],"id":-4}`, `{"type":"a","type":null}`, `{"Kind":1,"hoLd":"` + "\u212a" + `"}`,
}

func TestReadHeadReadsWhatJSONReads(t *testing.T) {
	for _, line := range lines {
		sameHead(t, []byte(line))
	}
}

func FuzzReadHead(f *testing.F) {
	for _, line := range lines {
		f.Add([]byte(line))
	}
	f.Fuzz(sameHead)
}

func sameHead(t *testing.T, line []byte) {
	h, err := readHead(line)
	if err == nil {
		var want model
		require.NoError(t, json.Unmarshal(line, &want), "%q", line)
		require.Equal(t, want, h.model(), "%q", line)
		return
	}
	var anything map[string]any
	if json.Unmarshal(line, &anything) != nil || anything == nil {
		require.ErrorIs(t, err, protocol.ErrNotObject, "%q", line)
		return
	}
	require.Error(t, json.Unmarshal(line, &model{}), "%q: %v", line, err)
}
