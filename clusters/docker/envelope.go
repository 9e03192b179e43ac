package docker

import (
	"bytes"
	"encoding/json"
	"fmt"

	"riven/clusters/docker/agent"
)

// decode reads one line of an agent. Most are participant lines, which are recognised by their exact shape
// {"line":{"t":1,"i":1,"to":true,"raw":{…}}} at a fraction of a full decoding's cost. What stands in raw is not looked
// at then: whoever decodes it finds out whether it is one object.
func decode(b []byte) (agent.Message, error) {
	if line, ok := participantLine(b); ok {
		return agent.Message{Line: &line}, nil
	}
	return decodeFully(b)
}

func decodeFully(b []byte) (agent.Message, error) {
	var m agent.Message
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("read a line of the agent: %w: %.200q", err, b)
	}
	return m, nil
}

func participantLine(b []byte) (agent.Line, bool) {
	var l agent.Line
	b, ok := bytes.CutPrefix(b, []byte(`{"line":{"t":`))
	if !ok {
		return l, false
	}
	if l.Time, b, ok = number(b); !ok {
		return l, false
	}
	if b, ok = bytes.CutPrefix(b, []byte(`,"i":`)); !ok {
		return l, false
	}
	inc, b, ok := number(b)
	if !ok {
		return l, false
	}
	l.Incarnation = int(inc)
	b, l.To = bytes.CutPrefix(b, []byte(`,"to":true`))
	if b, ok = bytes.CutPrefix(b, []byte(`,"raw":`)); !ok {
		return l, false
	}
	if b, ok = bytes.CutSuffix(b, []byte(`}}`)); !ok || len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return l, false
	}
	l.Raw = b
	return l, true
}

// number reads a positive decimal number of at most 18 digits, as JSON writes it.
func number(b []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for i < len(b) && i < 18 && '0' <= b[i] && b[i] <= '9' {
		n = 10*n + int64(b[i]-'0')
		i++
	}
	return n, b[i:], i > 0 && b[0] != '0'
}
