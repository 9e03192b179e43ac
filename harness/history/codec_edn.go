package history

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteEDN writes the ops and faults of a sorted history as Jepsen's history.edn has them, one map a line, indices
// dense: Knossos, Elle and elle-cli read it. Everything else in a history has no place there.
//
// :value is N; it is nil for acquire and release, which have none, and where a read is invoked. The other fields of an
// op follow under their own names. A fault is an op of the process :nemesis, its :value is the fault's id.
func WriteEDN(w io.Writer, events []Event) error {
	out := bufio.NewWriter(w)
	index := 0
	for _, ev := range events {
		line, ok := edn(ev, index)
		if !ok {
			continue
		}
		index++
		if _, err := out.WriteString(line); err != nil {
			return fmt.Errorf("write event %d: %w", ev.Index, err)
		}
	}
	return out.Flush()
}

func edn(ev Event, index int) (line string, ok bool) {
	var b strings.Builder
	switch {
	case ev.Type == Fault:
		fmt.Fprintf(&b, "{:index %d, :time %d, :type :info, :process :nemesis, :f %s, :value %s", index, ev.Time, keyword(ev.F), quoted(ev.Key))
	case ev.Type == Invoke || ev.Completes():
		fmt.Fprintf(&b, "{:index %d, :time %d, :type :%s, :process %d, :f %s, :value %s", index, ev.Time, ev.Type, ev.Process, keyword(ev.F), value(ev))
		for _, s := range [...]struct{ name, text string }{{"error", ev.Error}, {"node", ev.Node}, {"key", ev.Key}, {"hold", ev.Hold}, {"text", ev.Text}} {
			if s.text != "" {
				fmt.Fprintf(&b, ", :%s %s", s.name, quoted(s.text))
			}
		}
		if ev.Token != 0 {
			fmt.Fprintf(&b, ", :token %d", ev.Token)
		}
	default:
		return "", false
	}
	b.WriteString("}\n")
	return b.String(), true
}

func value(ev Event) string {
	if ev.F == "acquire" || ev.F == "release" || ev.F == "read" && ev.Type == Invoke {
		return "nil"
	}
	return fmt.Sprint(ev.N)
}

// keyword is the EDN keyword of that name; what a keyword may not contain becomes "-".
func keyword(name string) string {
	if name == "" {
		return ":none"
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.!?*+", r) {
			return r
		}
		return '-'
	}, name)
	return ":" + clean
}

// quoted is the EDN string.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
