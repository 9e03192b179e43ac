package history

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// The native encoding (".rvn") is a header, then one frame for each event as it was recorded:
//
//	header  "rvnhist" and the version, one byte
//	frame   length of the payload (uvarint), checksum of the payload (4 bytes, little endian), payload
//	payload which fields follow (uvarint of field bits), type, time, then the fields in the order of their bits
//
// A string is 0, length and bytes when it is new, or its number in the table of the strings that came before it
// (from 1). Times are deltas: Time to the event before, End and Mono to Time; ID, Seq and Token are deltas to the last
// one given. Integers are zigzag varints. Index is not kept: it is the position.
const (
	magic        = "rvnhist"
	Version byte = 1

	// MaxPayload is the most bytes that one event may take, so that a reader can tell a torn frame from a broken one.
	MaxPayload = 1<<16 - 1

	tableLimit  = 1 << 20 // strings in the table
	tableLength = 128     // bytes of the longest string that is entered
)

// fields of the payload. Those that nearly every event has come first, so that the bits fit into two bytes.
type fields uint64

const (
	hasNode fields = 1 << iota
	hasIncarnation
	hasProcess
	hasID
	hasF
	hasKey
	hasHold
	hasToken
	hasN
	hasText
	hasSeq
	isRejected
	hasError
	hasEnd
	hasMono
	allFields = 1<<iota - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is CRC-32C, masked: plain, four bytes 0xff are their own checksum, and the inside of a torn event could pass
// for a frame.
func checksum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) ^ 0x52766e31 }

// TooLargeError is an event that does not fit into a frame.
type TooLargeError struct{ Bytes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("event of %d bytes: a history holds events of up to %d", e.Bytes, MaxPayload)
}

// deltas is what both sides remember of the events that went before.
type deltas struct{ time, id, seq, token int64 }

// Encoder writes events in the native encoding.
type Encoder struct {
	w     io.Writer
	last  deltas
	table map[string]uint64
	buf   []byte
	err   error
}

// NewEncoder writes the header. Every event is then one Write to w: give it a buffered writer.
func NewEncoder(w io.Writer) (*Encoder, error) {
	if _, err := w.Write(append([]byte(magic), Version)); err != nil {
		return nil, fmt.Errorf("write history header: %w", err)
	}
	return &Encoder{w: w, table: map[string]uint64{}}, nil
}

// frameHead leaves room for the length and the checksum in front of the payload.
const frameHead = binary.MaxVarintLen16 + 4

// Encode writes one event. After an error the encoder refuses everything: the string table of a reader would differ.
func (e *Encoder) Encode(ev Event) error {
	if e.err != nil {
		return e.err
	}
	e.buf = append(e.buf[:0], make([]byte, frameHead)...)
	e.payload(ev)
	size := len(e.buf) - frameHead
	if size > MaxPayload {
		e.err = &TooLargeError{size}
		return e.err
	}
	binary.LittleEndian.PutUint32(e.buf[frameHead-4:], checksum(e.buf[frameHead:]))
	var length [binary.MaxVarintLen16]byte
	n := binary.PutUvarint(length[:], uint64(size))
	start := binary.MaxVarintLen16 - n
	copy(e.buf[start:], length[:n])
	if _, err := e.w.Write(e.buf[start:]); err != nil {
		e.err = fmt.Errorf("write event: %w", err)
	}
	return e.err
}

func (e *Encoder) payload(ev Event) {
	f := present(ev)
	e.buf = binary.AppendUvarint(e.buf, uint64(f))
	e.text(string(ev.Type))
	e.int(ev.Time - e.last.time)
	for _, s := range [...]struct {
		bit fields
		s   string
	}{{hasNode, ev.Node}, {hasF, ev.F}, {hasKey, ev.Key}, {hasHold, ev.Hold}, {hasText, ev.Text}, {hasError, ev.Error}} {
		if f&s.bit != 0 {
			e.text(s.s)
		}
	}
	for _, v := range [...]struct {
		bit fields
		v   int64
	}{
		{hasIncarnation, int64(ev.Incarnation)}, {hasProcess, int64(ev.Process)}, {hasID, ev.ID - e.last.id},
		{hasToken, ev.Token - e.last.token}, {hasN, ev.N}, {hasSeq, ev.Seq - e.last.seq}, {hasEnd, ev.End - ev.Time}, {hasMono, ev.Mono - ev.Time},
	} {
		if f&v.bit != 0 {
			e.int(v.v)
		}
	}
	e.last.after(ev)
}

func (d *deltas) after(ev Event) {
	d.time = ev.Time
	if ev.ID != 0 {
		d.id = ev.ID
	}
	if ev.Seq != 0 {
		d.seq = ev.Seq
	}
	if ev.Token != 0 {
		d.token = ev.Token
	}
}

func present(ev Event) (f fields) {
	set := func(bit fields, has bool) {
		if has {
			f |= bit
		}
	}
	set(hasNode, ev.Node != "")
	set(hasIncarnation, ev.Incarnation != 0)
	set(hasProcess, ev.Process != NoProcess)
	set(hasID, ev.ID != 0)
	set(hasF, ev.F != "")
	set(hasKey, ev.Key != "")
	set(hasHold, ev.Hold != "")
	set(hasToken, ev.Token != 0)
	set(hasN, ev.N != 0)
	set(hasText, ev.Text != "")
	set(hasSeq, ev.Seq != 0)
	set(isRejected, ev.Rejected)
	set(hasError, ev.Error != "")
	set(hasEnd, ev.End != 0)
	set(hasMono, ev.Mono != 0)
	return f
}

func (e *Encoder) int(v int64) { e.buf = binary.AppendVarint(e.buf, v) }

func (e *Encoder) text(s string) {
	if n, known := e.table[s]; known {
		e.buf = binary.AppendUvarint(e.buf, n)
		return
	}
	e.buf = append(e.buf, 0)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
	if enters(s, len(e.table)) {
		e.table[s] = uint64(len(e.table) + 1)
	}
}

// enters tells whether a new string gets a number; reader and writer must agree.
func enters(s string, size int) bool { return len(s) <= tableLength && size < tableLimit }
