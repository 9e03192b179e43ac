package agent

import "riven/clusters/docker/protocol"

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
	err := protocol.Members(line, func(name, v []byte) error {
		switch {
		case protocol.Is(name, "type"):
			return protocol.Text(&h.Type, v)
		case protocol.Is(name, "id"):
			return protocol.Int(&h.ID, v)
		case protocol.Is(name, "process"):
			return protocol.Int(&h.Process, v)
		case protocol.Is(name, "f"):
			return protocol.Text(&h.F, v)
		case protocol.Is(name, "hold"):
			return protocol.Text(&h.Hold, v)
		}
		return nil
	})
	return h, err
}
