package history

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// TruncatedError says that the writer was stopped in mid-event: everything before Offset (bytes) was read.
type TruncatedError struct{ Offset int64 }

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("history truncated at byte %d: the run was stopped while it wrote", e.Offset)
}

// CorruptError says that bytes in the middle of a history are not what was written.
type CorruptError struct {
	Offset int64
	Why    string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("history corrupt at byte %d: %s", e.Offset, e.Why)
}

// VersionError is a history of another version than Version.
type VersionError struct{ Version byte }

func (e *VersionError) Error() string {
	return fmt.Sprintf("history version %d: this riven reads version %d", e.Version, Version)
}

// ErrForeign is a stream that is no history.
var ErrForeign = errors.New("not a riven history")

// Decoder reads the native encoding.
type Decoder struct {
	r      *bufio.Reader
	offset int64 // of the next frame
	index  int
	last   deltas
	table  []string
	err    error
}

// NewDecoder reads events from r. What the header says comes with the first Next.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: bufio.NewReaderSize(r, 4*MaxPayload)} }

// Next gives the events as they were recorded; Index is the position. It ends with io.EOF, with a *TruncatedError when
// the last frame is torn, or with a *CorruptError, *VersionError, ErrForeign or an error of the reader.
func (d *Decoder) Next() (Event, error) {
	if d.err != nil {
		return Event{}, d.err
	}
	if d.offset == 0 {
		if d.err = d.header(); d.err != nil {
			return Event{}, d.err
		}
	}
	payload, size, err := d.frame()
	if err != nil {
		d.err = err
		return Event{}, err
	}
	p := parser{buf: payload}
	ev := d.event(&p)
	if p.why == "" && len(p.buf) > 0 {
		p.why = "an event is followed by other bytes"
	}
	if p.why != "" {
		d.err = &CorruptError{d.offset, p.why}
		return Event{}, d.err
	}
	if _, err := d.r.Discard(size); err != nil {
		d.err = fmt.Errorf("read history: %w", err)
		return Event{}, d.err
	}
	d.offset += int64(size)
	d.index++
	return ev, nil
}

func (d *Decoder) header() error {
	head, err := d.r.Peek(len(magic) + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read history: %w", err)
	}
	n := min(len(head), len(magic))
	if string(head[:n]) != magic[:n] {
		return ErrForeign
	}
	if n = len(head); n <= len(magic) {
		return &TruncatedError{0}
	}
	if v := head[len(magic)]; v != Version {
		return &VersionError{v}
	}
	d.offset = int64(len(magic) + 1)
	_, err = d.r.Discard(len(magic) + 1)
	return err
}

// frame gives the payload of the next frame, which stays unread, and the size of the whole frame.
func (d *Decoder) frame() (payload []byte, size int, err error) {
	ahead, err := d.r.Peek(frameHead)
	if len(ahead) == 0 && errors.Is(err, io.EOF) {
		return nil, 0, io.EOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read history: %w", err)
	}
	if length, n := binary.Uvarint(ahead); n > 0 && length <= MaxPayload {
		ahead, err = d.r.Peek(n + 4 + int(length))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, fmt.Errorf("read history: %w", err)
		}
	}
	if payload, size, ok := split(ahead); ok {
		return payload, size, nil
	}
	return nil, 0, d.bad()
}

// split takes the frame off that bytes begin with, if they do.
func split(b []byte) (payload []byte, size int, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length == 0 || length > MaxPayload || len(b) < n+4+int(length) {
		return nil, 0, false
	}
	size = n + 4 + int(length)
	payload = b[n+4 : size]
	return payload, size, checksum(payload) == binary.LittleEndian.Uint32(b[n:])
}

// bad judges a frame that can not be read: when a good one follows, or more than one event's bytes, the history was
// damaged after it was written. Else it is the writer's last, torn frame.
func (d *Decoder) bad() error {
	rest, err := d.r.Peek(2 * MaxPayload)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read history: %w", err)
	}
	if len(rest) > frameHead+MaxPayload {
		return &CorruptError{d.offset, "checksum mismatch"}
	}
	for i := 1; i < len(rest); i++ {
		if _, _, ok := split(rest[i:]); ok {
			return &CorruptError{d.offset, fmt.Sprintf("checksum mismatch, events go on at byte %d", d.offset+int64(i))}
		}
	}
	return &TruncatedError{d.offset}
}

// parser takes a payload apart. After the first mistake it gives zeros.
type parser struct {
	buf []byte
	why string
}

func (p *parser) fail(why string) {
	if p.why == "" {
		p.why = why
	}
	p.buf = nil
}

func (p *parser) uint() uint64 {
	v, n := binary.Uvarint(p.buf)
	if n <= 0 {
		p.fail("a number is cut off")
		return 0
	}
	p.buf = p.buf[n:]
	return v
}

func (p *parser) int() int64 {
	v, n := binary.Varint(p.buf)
	if n <= 0 {
		p.fail("a number is cut off")
		return 0
	}
	p.buf = p.buf[n:]
	return v
}

func (p *parser) small() int {
	v := p.int()
	if v < math.MinInt32 || v > math.MaxInt32 {
		p.fail("a process or incarnation is out of range")
		return 0
	}
	return int(v)
}

func (d *Decoder) text(p *parser) string {
	n := p.uint()
	if n > uint64(len(d.table)) {
		p.fail("a string is not in the table")
		return ""
	}
	if n > 0 {
		return d.table[n-1]
	}
	size := p.uint()
	if size > uint64(len(p.buf)) {
		p.fail("a string is cut off")
		return ""
	}
	s := string(p.buf[:size])
	p.buf = p.buf[size:]
	if p.why == "" && enters(s, len(d.table)) {
		d.table = append(d.table, s)
	}
	return s
}

func (d *Decoder) event(p *parser) Event {
	f := fields(p.uint())
	if f&^allFields != 0 {
		p.fail("an event has fields that version 1 does not know")
	}
	ev := Event{Index: d.index, Process: NoProcess, Rejected: f&isRejected != 0}
	ev.Type = Type(d.text(p))
	ev.Time = d.last.time + p.int()
	for _, s := range [...]struct {
		bit fields
		to  *string
	}{{hasNode, &ev.Node}, {hasF, &ev.F}, {hasKey, &ev.Key}, {hasHold, &ev.Hold}, {hasText, &ev.Text}, {hasError, &ev.Error}} {
		if f&s.bit != 0 {
			*s.to = d.text(p)
		}
	}
	if f&hasIncarnation != 0 {
		ev.Incarnation = p.small()
	}
	if f&hasProcess != 0 {
		ev.Process = p.small()
	}
	for _, v := range [...]struct {
		bit  fields
		to   *int64
		base int64
	}{
		{hasID, &ev.ID, d.last.id}, {hasToken, &ev.Token, d.last.token}, {hasN, &ev.N, 0},
		{hasSeq, &ev.Seq, d.last.seq}, {hasEnd, &ev.End, ev.Time}, {hasMono, &ev.Mono, ev.Time},
	} {
		if f&v.bit != 0 {
			*v.to = v.base + p.int()
		}
	}
	d.last.after(ev)
	return ev
}

// Read reads a whole history in the order of recording. With a *TruncatedError the events before the tear are given too.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	d := NewDecoder(r)
	for {
		ev, err := d.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, ev)
	}
}
