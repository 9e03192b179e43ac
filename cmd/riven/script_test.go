package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/results"
)

// The test binary is also the program, under the name riven.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"riven": func() { os.Exit(execute(context.Background(), os.Args[1:])) }})
}

// TestScripts plays what people type, right and wrong, where there is no engine.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
			e.Setenv("EXAMPLES", examples)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "ends": ends, "bundle": makeBundle, "shorten": shorten, "objects": objects,
		},
	})
}

// exits CODE WORDS... runs riven and wants that exit code. A command that was refused or broke says so in one line, and
// nothing else.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	ends(ts, neg, args)
	if args[0] != strconv.Itoa(exitError) && args[0] != strconv.Itoa(exitUsage) {
		return
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("riven %v: on stdout: %q", args[1:], out)
	}
	said := ts.ReadFile("stderr")
	if !strings.HasPrefix(said, "riven: ") || strings.Index(said, "\n") != len(said)-1 {
		ts.Fatalf("riven %v: want one line from riven, have %q", args[1:], said)
	}
}

// ends CODE WORDS... runs riven and wants that exit code, whatever it says.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("riven", args[1:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("riven %v: exit code %d", args[1:], code)
	}
}

// bundle DIR idle|pass|stale makes the bundle of a run in which nothing happened, in which two participants took the lock
// in turn, or in which the first of them wrote again at the end.
func makeBundle(ts *testscript.TestScript, _ bool, args []string) {
	s := spec.Default()
	s.Seed, s.Participants, s.Faults = 7, 2, nil
	r, err := results.Create(ts.MkAbs("made"), s, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	ts.Check(err)
	ts.Check(r.Plan(nemesis.Plan{Policy: "none"}))
	for _, e := range events(args[1]) {
		r.Record(e)
	}
	ts.Check(r.Close())
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.Rename(r.Dir, ts.MkAbs(args[0])))
}

// happened is a history in the making, of 100 ms an event.
type happened struct {
	events  []history.Event
	id, seq int64
}

func (h *happened) add(e history.Event) {
	e.Time, e.Incarnation = int64(len(h.events)+1)*int64(100*time.Millisecond), 1
	if e.Type != history.Invoke && e.Type != history.OK {
		e.Process = history.NoProcess
	}
	h.events = append(h.events, e)
}

func (h *happened) phase(name string) {
	h.add(history.Event{Type: history.Phase, Op: history.Op{F: name}})
}

func (h *happened) op(participant int, f string, within func(), done history.Op) {
	h.id++
	done.F = f
	e := history.Event{Type: history.Invoke, Node: fmt.Sprintf("p%d", participant), Process: participant - 1, ID: h.id, Op: history.Op{F: f}}
	h.add(e)
	within()
	e.Type, e.Op = history.OK, done
	h.add(e)
}

func (h *happened) access(participant int, hold history.Op) {
	h.seq++
	hold.Key, hold.N = "register", h.seq
	for _, t := range []history.Type{history.Access, history.Answer} {
		h.add(history.Event{Type: t, Node: fmt.Sprintf("p%d", participant), Seq: h.seq, Op: hold})
	}
}

// turn is a hold of the participant, its nth.
func (h *happened) turn(participant, nth int) history.Op {
	hold := history.Op{Hold: fmt.Sprintf("p%d.1/%d", participant, nth), Token: int64(2*nth + participant)}
	h.op(participant, "acquire", func() {}, hold)
	h.op(participant, "work", func() { h.access(participant, hold) }, history.Op{N: 1})
	h.op(participant, "release", func() {}, hold)
	return hold
}

func events(kind string) []history.Event {
	h := &happened{}
	h.phase(history.PhaseOps)
	if kind != "idle" {
		first := h.turn(1, 1)
		h.turn(2, 1)
		if kind == "stale" {
			h.access(1, first)
		}
	}
	h.phase(history.PhaseHeal)
	h.phase(history.PhaseQuiet)
	if kind != "idle" {
		h.turn(1, 2)
		h.turn(2, 2)
	}
	h.phase(history.PhaseFinal)
	h.op(1, "list", func() {}, history.Op{})
	h.phase(history.PhaseDone)
	return h.events
}

// shorten FILE BYTES cuts bytes off the end of a file.
func shorten(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-n))
}

// objects COUNT wants stdout to be so many JSON objects and nothing else.
func objects(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	for dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout"))); ; n++ {
		var object map[string]any
		if err := dec.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else {
			ts.Check(err)
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d JSON objects on stdout", n)
	}
}
