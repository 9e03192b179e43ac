package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

var (
	errNotObject = errors.New("not a JSON object")
	null         = []byte("null")
)

// members calls f with the name and the raw value of each member of the JSON object b, in order. It checks that b is
// valid JSON, so that the whole of b can be passed on inside another message.
func members(b []byte, f func(name, value []byte) error) error {
	b = bytes.Trim(b, " \t\r\n")
	if len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return errNotObject
	}
	// From here on b is known to be well formed.
	i := space(b, 1)
	for b[i] != '}' {
		end := skip(b, i)
		name, err := unquote(b[i:end])
		if err != nil {
			return err
		}
		i = space(b, space(b, end)+1) // the colon
		end = skip(b, i)
		if err := f(name, b[i:end]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return nil
}

// space is the index of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' {
		i++
	}
	return i
}

// skip is the index after the value that begins at i, in a well-formed object.
func skip(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
		default: // number, true, false, null
			for b[i] == '-' || b[i] == '+' || b[i] == '.' || b[i] >= '0' && b[i] <= '9' || b[i] >= 'A' && b[i] <= 'Z' || b[i] >= 'a' && b[i] <= 'z' {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// unquote is the text of a JSON string; null is none.
func unquote(v []byte) ([]byte, error) {
	if bytes.Equal(v, null) {
		return nil, nil
	}
	if v[0] != '"' {
		return nil, errors.New("not a string")
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1], nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// text sets dst to a member's string; as in encoding/json null changes nothing.
func text(dst *[]byte, v []byte) error {
	s, err := unquote(v)
	if s != nil {
		*dst = s
	}
	return err
}

func number(dst *int64, v []byte) error {
	if bytes.Equal(v, null) {
		return nil
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return errors.New("not an integer")
	}
	*dst = n
	return nil
}

// head is what the agent looks at in a line of the participant protocol. It shares the line's bytes.
type head struct {
	Type    []byte
	ID      int64
	Process int64
	F       []byte
	Hold    []byte
}

// readHead reads what encoding/json would read for these fields, names in any case, the last of equals.
func readHead(line []byte) (head, error) {
	var h head
	err := members(line, func(name, v []byte) error {
		switch {
		case is(name, "type"):
			return text(&h.Type, v)
		case is(name, "id"):
			return number(&h.ID, v)
		case is(name, "process"):
			return number(&h.Process, v)
		case is(name, "f"):
			return text(&h.F, v)
		case is(name, "hold"):
			return text(&h.Hold, v)
		}
		return nil
	})
	return h, err
}

func is(name []byte, want string) bool {
	return string(name) == want || bytes.EqualFold(name, []byte(want))
}
