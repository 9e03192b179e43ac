package results

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
)

// detail is how much of each op the page is given.
type detail struct {
	Unit   int64 // ns, to which times are rounded
	Values bool  // hold, key, token and the like, not just time, kind and status
}

// details in the order in which they are tried. No op is ever left out.
var details = []detail{{1_000, true}, {1_000, false}, {10_000, false}, {100_000, false}, {1_000_000, false}}

// pack gives the timeline as base64 of gzip in the finest detail that fits the budget in bytes.
func (t timeline) pack(budget int) (data string, d detail, err error) {
	for _, d = range details {
		if data, err = t.packAs(d); err != nil || len(data) <= budget {
			return data, d, err
		}
	}
	return data, d, nil
}

// packed is the head of the packed timeline, in JSON. It is followed by the columns: of each its byte planes, the
// lowest byte of all values first, then the next. (Planes compress better than values one after another.)
type packed struct {
	Unit      int64           `json:"unit"`
	Zero      int64           `json:"zero"` // these and all other times in units since the begin of the history
	To        int64           `json:"to"`
	Values    bool            `json:"values"`
	Tenures   []packedRow     `json:"tenures,omitempty"`
	Lanes     []packedLane    `json:"lanes"`
	Faults    []packedFault   `json:"faults"`
	Anomalies []packedAnomaly `json:"anomalies"`
	Strings   []string        `json:"strings"`
	Columns   []column        `json:"columns"`
}

type packedLane struct {
	Name     string        `json:"name"`
	Server   bool          `json:"server"`
	Tracks   []int         `json:"tracks"` // ops in each
	Holds    int           `json:"holds"`
	Accesses int           `json:"accesses"`
	States   []packedState `json:"states"`
}

type packedRow struct {
	Name   string           `json:"name"`
	Tracks [][]packedTenure `json:"tracks"`
}

type packedTenure struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Node  string `json:"node"`
	Label string `json:"label"`
	Hold  string `json:"hold,omitempty"`
}

type packedState struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	State string `json:"state"`
}

type packedFault struct {
	From  int64    `json:"from"`
	To    int64    `json:"to"`
	ID    string   `json:"id"`
	Label string   `json:"label"`
	Nodes []string `json:"nodes"`
}

type packedAnomaly struct {
	From     int64         `json:"from"`
	To       int64         `json:"to"`
	Sentence string        `json:"sentence"`
	Hazard   bool          `json:"hazard"`
	Proof    []packedProof `json:"proof"`
}

type packedProof struct {
	At   int64  `json:"at"`
	Node string `json:"node"`
}

type column struct {
	Name  string `json:"name"`
	N     int    `json:"n"`
	Width int    `json:"width"` // bytes of a value
}

// packer collects columns. Times are rounded down to units.
type packer struct {
	t       timeline
	d       detail
	strings map[string]uint64
	names   []string
	order   []string
	columns map[string][]uint64
}

func (t timeline) packAs(d detail) (string, error) {
	p := packer{t: t, d: d, strings: map[string]uint64{}, columns: map[string][]uint64{}}
	p.text("")
	head := packed{Unit: d.Unit, Zero: p.at(t.Zero), To: p.at(t.To), Values: d.Values}
	for _, r := range t.Tenures {
		head.Tenures = append(head.Tenures, p.row(r))
	}
	for _, l := range t.Lanes {
		head.Lanes = append(head.Lanes, p.lane(l))
	}
	for _, f := range t.Faults {
		head.Faults = append(head.Faults, packedFault{p.at(f.From), p.at(f.To), f.ID, f.Label, f.Nodes})
	}
	for _, a := range t.Anomalies {
		proof := []packedProof{}
		for _, e := range a.Proof {
			proof = append(proof, packedProof{p.at(e.Time), e.Node})
		}
		head.Anomalies = append(head.Anomalies, packedAnomaly{p.at(a.From), p.at(a.To), a.Sentence, a.Hazard, proof})
	}
	head.Strings = p.names
	var planes bytes.Buffer
	for _, name := range p.order {
		head.Columns = append(head.Columns, writePlanes(&planes, name, p.columns[name]))
	}
	return compress(head, planes.Bytes())
}

func (p *packer) at(ns int64) int64 { return (ns - p.t.From) / p.d.Unit }

// put appends a value, a negative one as zigzag would, to the column.
func (p *packer) put(column string, v uint64) {
	if _, known := p.columns[column]; !known {
		p.order = append(p.order, column)
	}
	p.columns[column] = append(p.columns[column], v)
}

func (p *packer) signed(column string, v int64) { p.put(column, uint64(v<<1)^uint64(v>>63)) }

func (p *packer) text(s string) uint64 {
	n, known := p.strings[s]
	if !known {
		n = uint64(len(p.names))
		p.strings[s] = n
		p.names = append(p.names, s)
	}
	return n
}

func (p *packer) row(r tenureRow) packedRow {
	out := packedRow{Name: r.Name}
	for _, track := range r.Tracks {
		var x []packedTenure
		for _, t := range track {
			x = append(x, packedTenure{p.at(t.From), p.at(t.To), t.Node, t.label(), t.Hold})
		}
		out.Tracks = append(out.Tracks, x)
	}
	return out
}

func (p *packer) lane(l *lane) packedLane {
	out := packedLane{Name: l.Name, Server: l.Server, Tracks: []int{}, Holds: len(l.Holds), Accesses: len(l.Accesses), States: []packedState{}}
	for _, s := range l.States {
		out.States = append(out.States, packedState{p.at(s.From), p.at(s.To), s.State})
	}
	for _, track := range l.Tracks {
		out.Tracks = append(out.Tracks, len(track))
		p.track(track)
	}
	var last int64
	for _, h := range l.Holds {
		last = p.bar("hold", last, h.interval)
		if p.d.Values {
			p.put("hold.name", p.text(h.Name))
			p.signed("hold.token", h.Token)
		}
	}
	last = 0
	for _, a := range l.Accesses {
		at := p.at(a.Time)
		p.put("access.gap", uint64(at-last))
		last = at
		p.put("access.rejected", map[bool]uint64{true: 1}[a.Rejected])
		if p.d.Values {
			p.put("access.seq", uint64(a.Seq))
			p.put("access.hold", p.text(a.Hold))
			p.signed("access.token", a.Token)
		}
	}
	return out
}

func (p *packer) track(ops []op) {
	var last int64
	for _, o := range ops {
		last = p.bar("op", last, o.interval)
		p.put("op.f", p.text(o.F))
		p.put("op.status", uint64(o.Status))
		if p.d.Values {
			p.put("op.key", p.text(o.Key))
			p.put("op.hold", p.text(o.Hold))
			p.put("op.error", p.text(o.Error))
			p.signed("op.token", o.Token)
			p.signed("op.n", o.N)
		}
	}
}

// bar puts an interval as the gap to the end of the one before and the length.
func (p *packer) bar(kind string, last int64, i interval) (end int64) {
	from, to := p.at(i.From), p.at(i.To)
	p.put(kind+".gap", uint64(from-last))
	p.put(kind+".length", uint64(to-from))
	return to
}

func writePlanes(out *bytes.Buffer, name string, values []uint64) column {
	var all uint64
	for _, v := range values {
		all |= v
	}
	c := column{name, len(values), (bits.Len64(all) + 7) / 8}
	for b := range c.Width {
		for _, v := range values {
			out.WriteByte(byte(v >> (8 * b)))
		}
	}
	return c
}

// compression is gzip's level. The best takes five times as long for 2 % less.
const compression = 5

func compress(head packed, planes []byte) (string, error) {
	text, err := json.Marshal(head)
	if err != nil {
		return "", fmt.Errorf("encode timeline: %w", err)
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, compression)
	if err != nil {
		return "", fmt.Errorf("compress timeline: %w", err)
	}
	for _, part := range [][]byte{binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text, planes} {
		if _, err := zip.Write(part); err != nil {
			return "", fmt.Errorf("compress timeline: %w", err)
		}
	}
	if err := zip.Close(); err != nil {
		return "", fmt.Errorf("compress timeline: %w", err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
