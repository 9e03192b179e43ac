package conformance

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/workloads"
)

// hands do the steps of the sessions that live at one participant. What they say names zxids and sessions as they are,
// between angle brackets.
type hands struct {
	workloads.Config
	script   string // the present one
	sessions map[string]*held
	watches  map[string]coord.Signal
}

// held is a session and what the script may wait for.
type held struct {
	coord.Session
	down coord.Signal // the loss of the connection that it had at its last fault
}

// do is one step: Key is the script, Text the step with its root. The answer's Token is the id of a session that was
// opened.
func (h *hands) do(m env.Message) env.Message {
	if m.Key != h.script {
		for _, name := range slices.Sorted(maps.Keys(h.sessions)) {
			h.sessions[name].Close()
		}
		h.script, h.sessions, h.watches = m.Key, map[string]*held{}, map[string]coord.Signal{}
	}
	words := strings.Fields(m.Text)
	if words[1] == "open" {
		return h.open(words[0], words[2:])
	}
	said, err := h.step(words[0], words[1], words[2:])
	if err != nil {
		said = failure(err)
	}
	return env.Message{Text: said}
}

// failure is an error as every world tells it.
func failure(err error) string {
	for _, known := range []error{
		coord.ErrNoNode, coord.ErrNodeExists, coord.ErrBadVersion, coord.ErrNotEmpty, coord.ErrNoChildren, coord.ErrInvalid, coord.ErrMoved, coord.ErrRolledBack, coord.ErrExpired, coord.ErrLoss,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "error: " + err.Error()
}

// open tries again while the last script's fault may not be over.
func (h *hands) open(name string, args []string) env.Message {
	timeout := h.Spec.Timing.Session.D()
	for _, arg := range args {
		if d, err := time.ParseDuration(arg); err == nil {
			timeout = d
		}
	}
	for range 5 {
		s, err := h.Env.Open(coord.Options{Timeout: timeout})
		if err == nil {
			_, err = s.Create("/"+h.script, nil, coord.Persistent)
		}
		switch {
		case err == nil || errors.Is(err, coord.ErrNodeExists):
			h.sessions[name] = &held{s, s.Disconnected()}
			return env.Message{Text: fmt.Sprintf("open for %v", s.Timeout()), Token: s.ID()}
		case !errors.Is(err, coord.ErrLoss) && !errors.Is(err, coord.ErrExpired):
			return env.Message{Text: failure(err)}
		}
	}
	return env.Message{Text: "no session"}
}

func (h *hands) step(name, verb string, words []string) (string, error) {
	s := h.sessions[name]
	if s == nil {
		return "no session", nil
	}
	if asks(verb) {
		return h.fault(s, verb, words)
	}
	args, mode := flags(words)
	switch verb {
	case "close":
		s.Close()
		return "closed", nil
	case "create":
		return s.Create(args[0], []byte(word(args, 1)), mode)
	case "set":
		stat, err := s.Set(args[0], []byte(word(args, 1)), version(args, 2))
		return said(stat), err
	case "delete":
		return "deleted", s.Delete(args[0], version(args, 1))
	case "multi":
		return multi(s, strings.Join(words, " "))
	case "sync":
		return "synced", s.Sync(args[0])
	case "fired":
		return h.await(h.watches[args[0]], "fired", "silent", 2*s.Timeout())
	case "silent":
		return h.silent(s, args[0])
	case "lost":
		return h.await(s.down, "lost", "connected", 2*s.Timeout())
	case "expired":
		return h.await(s.Expired(), "expired", "alive", 8*s.Timeout())
	}
	return h.read(s, verb, args)
}

func (h *hands) read(s coord.Session, verb string, args []string) (string, error) {
	kind, watch := strings.CutSuffix(verb, "w")
	path := args[len(args)-1]
	var w coord.Signal
	var text string
	var err error
	switch kind {
	case "get":
		var data []byte
		var stat coord.Stat
		if watch {
			data, stat, w, err = s.GetW(path)
		} else {
			data, stat, err = s.Get(path)
		}
		text = strings.TrimSpace(string(data) + " " + said(stat))
	case "exists":
		var stat coord.Stat
		var is bool
		if watch {
			stat, is, w, err = s.ExistsW(path)
		} else {
			stat, is, err = s.Exists(path)
		}
		if text = "absent"; is {
			text = said(stat)
		}
	case "children":
		var names []string
		if watch {
			names, w, err = s.ChildrenW(path)
		} else {
			names, err = s.Children(path)
		}
		slices.Sort(names)
		text = "[" + strings.Join(names, " ") + "]"
	default:
		return "", fmt.Errorf("no op %q", verb)
	}
	if watch && err == nil {
		h.watches[args[0]] = w
	}
	return text, err
}

// silent waits for the moment in which a watch would have fired: an event goes before the answer of a call made after it.
func (h *hands) silent(s coord.Session, name string) (string, error) {
	if err := s.Sync("/" + h.script); err != nil {
		return "", err
	}
	return h.await(h.watches[name], "fired", "silent", 50*time.Millisecond)
}

// await says which came first, the signal or the end of the time.
func (h *hands) await(w coord.Signal, came, not string, limit time.Duration) (string, error) {
	if w == nil {
		return "no watch", nil
	}
	i, err := h.Env.Wait(w, h.Env.After(limit))
	return []string{came, not}[i], err
}

// said is a Stat; what differs from world to world is between angle brackets.
func said(st coord.Stat) string {
	return fmt.Sprintf("c=<z%d> m=<z%d> p=<z%d> version=%d cversion=%d owner=<s%d> children=%d",
		st.Czxid, st.Mzxid, st.Pzxid, st.Version, st.Cversion, st.EphemeralOwner, st.NumChildren)
}

// flags takes -e and -s out of the words.
func flags(words []string) (rest []string, m coord.Mode) {
	for _, w := range words {
		switch w {
		case "-e":
			m |= coord.Ephemeral
		case "-s":
			m |= coord.Sequential
		default:
			rest = append(rest, w)
		}
	}
	return rest, m
}

func word(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

func version(args []string, i int) int32 {
	v, err := strconv.ParseInt(word(args, i), 10, 32)
	if err != nil {
		return coord.AnyVersion
	}
	return int32(v)
}
