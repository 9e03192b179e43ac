package protocol

import (
	"encoding/json"
	"fmt"

	"riven/harness/history"
)

// ParseIn reads a line to a participant and holds it to what the protocol says of its type. Members that are not
// known are ignored: a later minor change may add some.
func ParseIn(line []byte) (In, error) {
	var in In
	if err := json.Unmarshal(line, &in); err != nil {
		return In{}, fmt.Errorf("read a line of the participant protocol: %w: %.200q", err, line)
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

// AppendOut appends the message and a newline. Bytes that are not UTF-8 become U+FFFD.
func AppendOut(b []byte, o Out) []byte {
	line, err := json.Marshal(o)
	if err != nil { // strings and numbers alone
		panic(fmt.Sprintf("encode %q: %v", history.Type(o.Type), err))
	}
	return append(append(b, line...), '\n')
}
