package docker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/harness/env"
	"riven/harness/history"
	"riven/nemesis"
)

// script writes down what a node's translation says to the observer and to the agent.
type script struct {
	strings.Builder
	accesses int64
}

func (s *script) say(what string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(s, "%s %s\n", what, b)
}

func (s *script) Record(e history.Event)             { s.say("record", e) }
func (s *script) Returned(node string, id int64)     { fmt.Fprintf(s, "returned %s %d\n", node, id) }
func (s *script) Fired(f clusters.Fired)             { s.say("fired", f) }
func (s *script) Broken(node string, err error)      { fmt.Fprintf(s, "broken %s: %v\n", node, err) }
func (s *script) Lost(f string, l nemesis.LostReply) { s.say("lost "+f, l) }

// Decide accepts every other access.
func (s *script) Decide(node string, r env.Request) env.Reply {
	s.say("decide "+node, r)
	s.accesses++
	return env.Reply{Seq: s.accesses, Accepted: s.accesses%2 == 1, N: 10 * s.accesses}
}

func (s *script) send(r agent.Request) error {
	s.say("send", r)
	return nil
}

// TestTranslate feeds an agent's lines to a translator: start=N answers the start of an incarnation first.
func TestTranslate(t *testing.T) {
	datadriven.Walk(t, "testdata/translate", func(t *testing.T, path string) {
		out := &script{}
		b := newBoard()
		tr := newTranslator("p1", out, b, out.send)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out.Reset()
			if d.HasArg("start") {
				var inc int
				d.ScanArgs(t, "start", &inc)
				fail(out, tr.started(inc, agent.Answer{From: 100, To: 110, Pid: 42}))
			}
			for line := range strings.Lines(d.Input) {
				m, err := decode([]byte(strings.TrimSpace(line)))
				if err == nil {
					err = tr.message(m)
				}
				fail(out, err)
			}
			if d.HasArg("board") {
				s := b.get("p1")
				fmt.Fprintf(out, "board: incarnation=%d running=%t ready=%t role=%q exit=%q\n",
					s.incarnation, s.running, s.ready, s.role, s.exit)
			}
			return out.String()
		})
	})
}

func fail(out *script, err error) {
	if err != nil {
		fmt.Fprintf(out, "error: %v\n", err)
	}
}

// BenchmarkTranslate takes one op in, from the agent's two lines to two events.
func BenchmarkTranslate(b *testing.B) {
	tr := newTranslator("p1", nobody{}, newBoard(), func(agent.Request) error { return nil })
	if err := tr.started(1, agent.Answer{}); err != nil {
		b.Fatal(err)
	}
	lines := []string{
		`{"line":{"t":300000000000,"i":1,"to":true,"raw":{"type":"invoke","id":7,"process":4,"f":"acquire","key":"/lock"}}}`,
		`{"line":{"t":300000300000,"i":1,"raw":{"type":"ok","id":7,"hold":"p1.1/1","token":4294967301}}}`,
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			m, err := decode([]byte(line))
			if err == nil {
				err = tr.message(m)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
