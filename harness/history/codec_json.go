package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// WriteJSON writes one JSON object a line.
func WriteJSON(w io.Writer, events []Event) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, ev := range events {
		if err := enc.Encode(ev); err != nil {
			return fmt.Errorf("write event %d: %w", ev.Index, err)
		}
	}
	return nil
}

// ReadJSON reads what WriteJSON writes; Index is the position. An event that does not name its process has none. When
// the last line has no end and can not be read, the error is a *TruncatedError and the events before it are given too.
func ReadJSON(r io.Reader) ([]Event, error) {
	var events []Event
	var offset int64
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return events, fmt.Errorf("read history: %w", err)
		}
		last := err != nil
		if last && len(line) == 0 {
			return events, nil
		}
		ev := Event{Process: NoProcess}
		if bad := json.Unmarshal(line, &ev); bad != nil {
			if last {
				return events, &TruncatedError{offset}
			}
			return events, fmt.Errorf("read history line %d: %w", len(events)+1, bad)
		}
		ev.Index = len(events)
		events = append(events, ev)
		offset += int64(len(line))
	}
}
