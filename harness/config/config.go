package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is what is wrong at one place of a file.
type Error struct {
	File string
	Line int
	Key  string // the way to the value, "matrix.servers"; empty for the file as a whole
	Why  string
}

func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Why
}

// At is a scalar with the line that it stands on, so that what is wrong with it can be told there.
type At[T any] struct {
	V    T
	Line int
}

func (a *At[T]) place(line int) any {
	a.Line = line
	return &a.V
}

// placed is what At is, whatever it holds: it notes the line and gives what the value is read into.
type placed interface{ place(line int) any }

// Read reads the YAML document into the struct that to points to, by its yaml tags; a field tagged
// ",inline" is a struct whose fields stand beside the others. Fields that the file does not name
// keep their values. A single scalar will do where a list is wanted. The error is an *Error.
func Read(file string, content []byte, to any) error {
	r := reader{file}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || doc.Content[0].Tag == "!!null") {
		return &Error{File: file, Why: "the file is empty"}
	}
	if err != nil {
		return syntax(file, err)
	}
	if err := dec.Decode(&more); err == nil {
		return &Error{File: file, Line: more.Line, Why: "a second document"}
	} else if !errors.Is(err, io.EOF) {
		return syntax(file, err)
	}
	return r.value(doc.Content[0], "", reflect.ValueOf(to).Elem())
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax is the parser's error with its line where all lines stand.
func syntax(file string, err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	e := &Error{File: file, Why: "no YAML: " + yamlLine.ReplaceAllString(text, "")}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	return e
}

type reader struct{ file string }

func (r reader) wrong(n *yaml.Node, key, format string, args ...any) error {
	return &Error{r.file, n.Line, key, fmt.Sprintf(format, args...)}
}

func (r reader) value(n *yaml.Node, key string, to reflect.Value) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return r.wrong(n, key, "anchors and aliases are not read here")
	}
	if p, ok := to.Addr().Interface().(placed); ok {
		return r.value(n, key, reflect.ValueOf(p.place(n.Line)).Elem())
	}
	if u, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return r.text(n, key, u)
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return r.value(n, key, to.Elem())
	case reflect.Struct:
		return r.fields(n, key, to)
	case reflect.Slice:
		return r.list(n, key, to)
	case reflect.Map:
		return r.entries(n, key, to)
	}
	return r.scalar(n, key, to)
}

func (r reader) text(n *yaml.Node, key string, to encoding.TextUnmarshaler) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return r.wrong(n, key, "want a single value")
	}
	if err := to.UnmarshalText([]byte(n.Value)); err != nil {
		return r.wrong(n, key, "%s", strings.TrimPrefix(err.Error(), "time: "))
	}
	return nil
}

func (r reader) fields(n *yaml.Node, key string, to reflect.Value) error {
	fields, names := map[string]reflect.Value{}, []string{}
	collect(to, func(name string, field reflect.Value) {
		fields[name] = field
		names = append(names, name)
	})
	return r.pairs(n, key, func(name string, k, v *yaml.Node, path string) error {
		field, known := fields[name]
		if !known {
			return r.wrong(k, key, "unknown key %q (know %s)", name, strings.Join(names, ", "))
		}
		return r.value(v, path, field)
	})
}

// collect gives the fields that are read, those of inlined structs in their place.
func collect(of reflect.Value, each func(name string, field reflect.Value)) {
	for i := range of.NumField() {
		switch name := of.Type().Field(i).Tag.Get("yaml"); name {
		case "":
		case ",inline":
			collect(of.Field(i), each)
		default:
			each(name, of.Field(i))
		}
	}
}

// entries reads a mapping with free names.
func (r reader) entries(n *yaml.Node, key string, to reflect.Value) error {
	to.Set(reflect.MakeMap(to.Type()))
	return r.pairs(n, key, func(name string, _, v *yaml.Node, path string) error {
		element := reflect.New(to.Type().Elem()).Elem()
		if err := r.value(v, path, element); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(name), element)
		return nil
	})
}

func (r reader) pairs(n *yaml.Node, key string, each func(name string, k, v *yaml.Node, path string) error) error {
	if n.Kind != yaml.MappingNode {
		return r.wrong(n, key, "want keys with values")
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			return r.wrong(k, key, "a key must be a word")
		}
		if slices.Contains(seen, k.Value) {
			return r.wrong(k, key, "the key %q is given twice", k.Value)
		}
		seen = append(seen, k.Value)
		if err := each(k.Value, k, v, strings.TrimPrefix(key+"."+k.Value, ".")); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) list(n *yaml.Node, key string, to reflect.Value) error {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	} else if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return r.wrong(n, key, "want a list")
	}
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		path := key
		if item.Kind != yaml.ScalarNode {
			path = fmt.Sprintf("%s[%d]", key, i+1)
		}
		if err := r.value(item, path, to.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) scalar(n *yaml.Node, key string, to reflect.Value) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return r.wrong(n, key, "want a single value")
	}
	bad := func(what string) error { return r.wrong(n, key, "want %s, have %q", what, n.Value) }
	switch to.Kind() {
	case reflect.String:
		to.SetString(n.Value)
	case reflect.Bool:
		if n.Value != "true" && n.Value != "false" {
			return bad("true or false")
		}
		to.SetBool(n.Value == "true")
	case reflect.Int, reflect.Int64:
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || to.OverflowInt(v) {
			return bad("a whole number")
		}
		to.SetInt(v)
	case reflect.Uint64:
		v, err := strconv.ParseUint(n.Value, 10, 64)
		if err != nil {
			return bad("a whole number from 0")
		}
		to.SetUint(v)
	default:
		return fmt.Errorf("config: %s is of kind %s, which is not read", key, to.Kind())
	}
	return nil
}
