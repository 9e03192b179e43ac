package protocol

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"riven/harness/history"
)

// ParseIn reads a line to a participant and holds it to what the protocol says of its type. Members that are not
// known are ignored: a later minor change may add some.
func ParseIn(line []byte) (In, error) {
	var in In
	err := Members(line, func(name, v []byte) error {
		switch {
		case Is(name, "type"):
			return Text(&in.Type, v)
		case Is(name, "id"):
			return Int(&in.ID, v)
		case Is(name, "process"):
			return Int(&in.Process, v)
		case Is(name, "hello"):
			return json.Unmarshal(v, &in.Hello)
		case Is(name, "seq"):
			return Int(&in.Seq, v)
		case Is(name, "accepted"):
			return Bool(&in.Accepted, v)
		}
		return readOp(&in.Op, name, v)
	})
	if err != nil {
		return In{}, fmt.Errorf("read a line to the participant: %w: %.200q", err, line)
	}
	if err := in.check(); err != nil {
		return In{}, fmt.Errorf("%w: %.200q", err, line)
	}
	return in, nil
}

func (in In) check() error {
	switch in.Type {
	case TypeHello:
		if in.Hello == nil {
			return fmt.Errorf("hello without its body")
		}
		if in.Hello.Version != Version {
			return fmt.Errorf("participant protocol version %d, this participant speaks %d", in.Hello.Version, Version)
		}
	case TypeInvoke:
		if in.ID <= 0 || in.F == "" {
			return fmt.Errorf("invoke needs an id from 1 and an f")
		}
	case TypeReply:
		if in.ID <= 0 {
			return fmt.Errorf("reply needs the id of an access")
		}
	case TypeOrder:
		if in.Key == "" || in.F == "" {
			return fmt.Errorf("order needs a key and an f")
		}
	default:
		return fmt.Errorf("unknown type %q of a line to a participant", in.Type)
	}
	return nil
}

// ParseOut reads a line of a participant; whether its type is one of the protocol's is for the reader to say.
func ParseOut(line []byte) (Out, error) {
	var out Out
	err := Members(line, func(name, v []byte) error {
		switch {
		case Is(name, "type"):
			return Text(&out.Type, v)
		case Is(name, "id"):
			return Int(&out.ID, v)
		case Is(name, "error"):
			return Text(&out.Error, v)
		case Is(name, "mono"):
			return Int(&out.Mono, v)
		}
		return readOp(&out.Op, name, v)
	})
	if err != nil {
		return Out{}, fmt.Errorf("read a line of the participant: %w: %.200q", err, line)
	}
	return out, nil
}

func readOp(op *history.Op, name, v []byte) error {
	switch {
	case Is(name, "f"):
		return Text(&op.F, v)
	case Is(name, "key"):
		return Text(&op.Key, v)
	case Is(name, "hold"):
		return Text(&op.Hold, v)
	case Is(name, "token"):
		return Int(&op.Token, v)
	case Is(name, "n"):
		return Int(&op.N, v)
	case Is(name, "text"):
		return Text(&op.Text, v)
	}
	return nil
}

// AppendIn appends the message to a participant without the newline. Here and in AppendOut bytes that are not UTF-8
// become U+FFFD.
func AppendIn(b []byte, in In) []byte {
	b = appendText(append(b, `{"type":`...), in.Type)
	b = appendInt(b, `,"id":`, in.ID)
	b = appendInt(b, `,"process":`, int64(in.Process))
	if in.Hello != nil {
		b = append(append(b, `,"hello":`...), encode(in.Hello)...)
	}
	b = appendInt(b, `,"seq":`, in.Seq)
	if in.Accepted {
		b = append(b, `,"accepted":true`...)
	}
	return append(appendOp(b, in.Op), '}')
}

// AppendOut appends the message and a newline.
func AppendOut(b []byte, o Out) []byte {
	b = appendText(append(b, `{"type":`...), o.Type)
	b = appendInt(b, `,"id":`, o.ID)
	b = appendMember(b, `,"error":`, o.Error)
	b = appendInt(b, `,"mono":`, o.Mono)
	return append(appendOp(b, o.Op), "}\n"...)
}

func appendOp(b []byte, op history.Op) []byte {
	b = appendMember(b, `,"f":`, op.F)
	b = appendMember(b, `,"key":`, op.Key)
	b = appendMember(b, `,"hold":`, op.Hold)
	b = appendInt(b, `,"token":`, op.Token)
	b = appendInt(b, `,"n":`, op.N)
	return appendMember(b, `,"text":`, op.Text)
}

// appendMember and appendInt leave a member out whose value is the zero value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(append(b, name...), value)
}

func appendInt(b []byte, name string, value int64) []byte {
	if value == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), value, 10)
}

func appendText(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return append(b, encode(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// encode is for what nothing that can not be encoded is in.
func encode[T string | *Hello](v T) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %v: %v", v, err))
	}
	return b
}
