package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"riven/checkers"
	"riven/harness/history"
	"riven/nemesis"
)

// What a verdict is called, and the mark beside it so that nobody depends on colour.
var (
	outcomeWords = map[checkers.Outcome]string{
		checkers.Pass: "Pass", checkers.Violation: "Violation", checkers.Inconclusive: "Inconclusive", checkers.Error: "Harness error",
	}
	outcomeMarks = map[checkers.Outcome]string{
		checkers.Pass: "✓", checkers.Violation: "✕", checkers.Inconclusive: "?", checkers.Error: "!",
	}
	statusMarks = map[nemesis.Status]string{
		nemesis.Applied: "✓", nemesis.NoEffect: "○", nemesis.Late: "◔", nemesis.Unmet: "–", nemesis.Unsupported: "∅", nemesis.Failed: "✕",
	}
)

// proof is the sentence that proves the verdict: the first anomaly that is no hazard, else what the verdict says.
func proof(v checkers.Verdict) string {
	for _, a := range anomalies(v, false) {
		return a.Sentence
	}
	return sentence(v)
}

// sentence is the verdict's, without the outcome in front where a heading has named it already.
func sentence(v checkers.Verdict) string {
	return strings.TrimPrefix(v.Sentence, v.Outcome.String()+": ")
}

// anomalies of all checks: the violations, or the hazards.
func anomalies(v checkers.Verdict, hazards bool) []checkers.Anomaly {
	var out []checkers.Anomaly
	for _, c := range v.Checks {
		for _, a := range c.Anomalies {
			if a.Hazard == hazards {
				out = append(out, a)
			}
		}
	}
	return out
}

// maxShown is how many anomalies, and how many hazards, are told in full. All of them are in verdict.json.
const maxShown = 50

// first are the anomalies that are told in full, and how many are not.
func first(all []checkers.Anomaly) (list []checkers.Anomaly, more int) {
	n := min(len(all), maxShown)
	return all[:n], len(all) - n
}

// remarks are what the bundle lacks and why it did not pass. The verdict knows what the bundle lacked when it was judged.
func (b *Bundle) remarks() []string {
	out := slices.Clone(b.Notes)
	if b.Origin != nil {
		out = append(out, b.Origin.words()...)
	}
	for _, r := range b.Verdict.Reasons {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// command repeats the run, from the bundle, where it is now.
func (b *Bundle) command() string { return ShellLine([]string{"riven", "replay", b.Dir}) }

// ShellLine writes a command as a POSIX shell reads it.
func ShellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; w == "" || strings.ContainsFunc(w, special) {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// special tells whether a rune may mean something to a shell.
func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=+,.:/@%", r)
}

// faultWords names a fault: "partition isolate of the leader".
func faultWords(f nemesis.Fault) string {
	words := strings.ReplaceAll(string(f.Kind), "-", " ")
	if f.Shape != "" {
		words += " " + strings.ReplaceAll(string(f.Shape), "-", " ")
	}
	if f.Jump != 0 {
		words += " jump by " + f.Jump.D().String()
	}
	if f.Rate != 0 {
		words += fmt.Sprintf(" rate %v", f.Rate)
	}
	if f.Op != "" {
		words += " to " + f.Op
	}
	if f.Count > 1 {
		words += fmt.Sprintf(" ×%d", f.Count)
	}
	return words + " of " + targetWords(f.Target)
}

func targetWords(t nemesis.Target) string {
	if t.Node != "" {
		return t.Node
	}
	return "the " + strings.ReplaceAll(string(t.Role), "-", " ")
}

// whenWords says when a step was to begin and for how long.
func whenWords(s nemesis.Step) string {
	at := "at " + s.At.D().String()
	if t := s.On; t != nil {
		at = "when " + string(t.Event)
		if t.Node != "" {
			at += " by " + t.Node
		}
		if t.Nth > 1 {
			at += fmt.Sprintf(" (time %d)", t.Nth)
		}
		if t.After > 0 {
			at += ", " + t.After.D().String() + " later"
		}
		at += ", after " + s.At.D().String()
	}
	return at + ", for " + s.For.D().String()
}

// seenWords sums a receipt up: what was seen, and why it does not count if it does not.
func seenWords(r nemesis.Receipt) string {
	var parts []string
	if n := len(r.Edges); n > 0 {
		var cut, healed int
		var packets uint64
		for _, e := range r.Edges {
			packets += e.Packets
			if e.Cut {
				cut++
			}
			if e.Healed {
				healed++
			}
		}
		parts = append(parts, fmt.Sprintf("%d of %d directions cut, %d packets of the system dropped, %d healed", cut, n, packets, healed))
	}
	for _, p := range r.Processes {
		parts = append(parts, processWords(p))
	}
	for _, c := range r.Clocks {
		parts = append(parts, clockWords(c))
	}
	for _, l := range r.Lost {
		parts = append(parts, fmt.Sprintf("%s never read the reply to %s (xid %d, zxid 0x%x)", l.Node, l.Op, l.Xid, l.Zxid))
	}
	if r.Why != "" {
		parts = append(parts, r.Why)
	}
	return strings.Join(parts, "; ")
}

func processWords(p nemesis.ProcessReceipt) string {
	words := fmt.Sprintf("%s pid %d", p.Node, p.Pid)
	if p.Gone {
		words += " gone"
	}
	if p.NewPid != 0 {
		words += fmt.Sprintf(", started again as pid %d", p.NewPid)
	}
	if p.Threads > 0 {
		words += fmt.Sprintf(": %d threads stopped", p.Threads)
	}
	if p.Resumed {
		words += ", all resumed"
	}
	return words
}

// clockWords says by how much a clock was ahead, as read in the processes.
func clockWords(c nemesis.ClockReceipt) string {
	return fmt.Sprintf("%s pids %s ahead by %v before, %v at the begin, %v at the end, %v after",
		c.Node, strings.Trim(fmt.Sprint(c.Pids), "[]"), c.Before.D(), c.Begin.D(), c.Last.D(), c.After.D())
}

func expectWords(x nemesis.Expect) string {
	var parts []string
	if len(x.Serves) > 0 {
		parts = append(parts, "serves "+strings.Join(x.Serves, ", "))
	}
	if len(x.Stalls) > 0 {
		parts = append(parts, "stalls "+strings.Join(x.Stalls, ", "))
	}
	return strings.Join(parts, "; ")
}

// eventWords says what an event is evidence of.
func eventWords(e history.Event) string {
	switch e.Type {
	case history.Access:
		if e.Rejected {
			return fmt.Sprintf("access %d refused", e.Seq)
		}
		return fmt.Sprintf("access %d accepted", e.Seq)
	case history.Answer:
		return fmt.Sprintf("answer to access %d", e.Seq)
	case history.Invoke:
		return e.F + " asked"
	case history.OK:
		return e.F + " done"
	case history.Fail:
		return e.F + " failed"
	case history.Info:
		return e.F + " unknown"
	case history.Note:
		return "says it is " + e.F
	case history.Role:
		return "is " + e.F
	}
	return strings.TrimSpace(string(e.Type) + " " + e.F)
}

// count is a number with its thousands set apart.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// seconds is a time for people, to the microsecond.
func seconds(ns int64) string { return fmt.Sprintf("%.6f s", float64(ns)/1e9) }

// millis is a time for people who do not count microseconds.
func millis(ns int64) string { return fmt.Sprintf("%.3f s", float64(ns)/1e9) }

// short is a duration in three digits or so.
func short(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%d µs", d/time.Microsecond)
}
