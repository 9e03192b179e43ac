package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ErrNotObject is the error of what should be one JSON object.
var ErrNotObject = errors.New("not a JSON object")

// Members calls f with the name and the raw value of each member of the JSON object b, in order. It checks that b is
// valid JSON, so that the whole of b can be passed on inside another message.
//
// It and the functions below read what encoding/json would read, at a fraction of its cost: lines are most of what a run
// is made of.
func Members(b []byte, f func(name, value []byte) error) error {
	b = bytes.Trim(b, " \t\r\n")
	if len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return ErrNotObject
	}
	// From here on b is known to be well formed.
	i := space(b, 1)
	for b[i] != '}' {
		end := skip(b, i)
		name, err := Unquote(b[i:end])
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

// Is tells whether a member's name is the one wanted, in any case, as in encoding/json.
func Is(name []byte, want string) bool {
	return string(name) == want || bytes.EqualFold(name, []byte(want))
}

// Unquote is the text of a JSON string; null is none.
func Unquote(v []byte) ([]byte, error) {
	if string(v) == null {
		return nil, nil
	}
	if v[0] != '"' {
		return nil, errors.New("not a string")
	}
	if plain(v) {
		return v[1 : len(v)-1], nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// plain tells whether a string stands there as it is meant.
func plain(v []byte) bool {
	for _, c := range v {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

const null = "null"

// Text sets dst to a member's string; null changes nothing.
func Text[T ~string | ~[]byte](dst *T, v []byte) error {
	s, err := Unquote(v)
	if s != nil {
		*dst = T(s)
	}
	return err
}

// Int sets dst to a member's integer; null changes nothing.
func Int[T int | int64](dst *T, v []byte) error {
	if string(v) == null {
		return nil
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || int64(T(n)) != n {
		return errors.New("not an integer")
	}
	*dst = T(n)
	return nil
}

// Bool sets dst to a member's truth value; null changes nothing.
func Bool(dst *bool, v []byte) error {
	switch string(v) {
	case "true", "false":
		*dst = v[0] == 't'
	case null:
	default:
		return errors.New("neither true nor false")
	}
	return nil
}
