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
	"riven/harness/history"
	"riven/workloads"
)

// player plays scripts. What differs from world to world is made alike: a zxid is told by the order in which the script
// first saw it, a session's id by its name.
type player struct {
	workloads.Config
	script   string // the present one
	sessions map[string]coord.Session
	names    map[int64]string // session id → name
	watches  map[string]coord.Signal
	zxids    map[int64]int
	highest  int64
}

func newPlayer(c workloads.Config) workloads.Driven { return &player{Config: c} }

// Do plays one step: Key is the script's number, which is its root's name too, Text the step.
func (p *player) Do(op history.Op) workloads.Completion {
	if op.F == Rest {
		if _, err := p.Env.Wait(p.Env.After(time.Duration(op.N) * time.Millisecond)); err != nil {
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
		return workloads.Completion{Type: history.OK, Op: op}
	}
	if op.Key != p.script {
		for _, name := range slices.Sorted(maps.Keys(p.sessions)) {
			p.sessions[name].Close()
		}
		p.script = op.Key
		p.sessions, p.names, p.watches, p.zxids = map[string]coord.Session{}, map[int64]string{0: "nobody"}, map[string]coord.Signal{}, map[int64]int{0: 0}
		p.highest = 0
	}
	said, err := p.step(strings.Fields(strings.ReplaceAll(op.Text, "$", "/"+op.Key)))
	if err != nil {
		said = p.failure(err)
	}
	said = strings.ReplaceAll(said, "/"+op.Key, "$")
	return workloads.Completion{Type: history.OK, Op: history.Op{Key: op.Key, N: op.N, Text: said}}
}

// failure is an error as every world tells it.
func (p *player) failure(err error) string {
	for _, known := range []error{
		coord.ErrNoNode, coord.ErrNodeExists, coord.ErrBadVersion, coord.ErrNotEmpty, coord.ErrNoChildren, coord.ErrInvalid, coord.ErrMoved, coord.ErrExpired, coord.ErrLoss,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "error: " + err.Error()
}

func (p *player) step(words []string) (string, error) {
	if len(words) < 2 {
		return "", fmt.Errorf("a step has a session and an op: %v", words)
	}
	name, verb := words[0], words[1]
	args, ephemeral, sequential := flags(words[2:])
	if verb == "open" {
		return p.open(name)
	}
	s := p.sessions[name]
	if s == nil {
		return "", fmt.Errorf("no session %s", name)
	}
	switch verb {
	case "close":
		s.Close()
		return "closed", nil
	case "create":
		mode := coord.Persistent
		if ephemeral {
			mode |= coord.Ephemeral
		}
		if sequential {
			mode |= coord.Sequential
		}
		return s.Create(args[0], []byte(word(args, 1)), mode)
	case "set":
		stat, err := s.Set(args[0], []byte(word(args, 1)), version(args, 2))
		return p.stat(stat), err
	case "delete":
		return "deleted", s.Delete(args[0], version(args, 1))
	case "sync":
		return "synced", s.Sync(args[0])
	case "fired", "silent":
		return p.watched(s, verb, args[0])
	}
	return p.read(s, verb, args)
}

func (p *player) open(name string) (string, error) {
	s, err := p.Env.Open(coord.Options{Timeout: p.Spec.Timing.Session.D()})
	if err != nil {
		return "", err
	}
	p.sessions[name], p.names[s.ID()] = s, name
	if _, err := s.Create("/"+p.script, nil, coord.Persistent); err != nil && !errors.Is(err, coord.ErrNodeExists) {
		return "", err
	}
	return fmt.Sprintf("open for %v", s.Timeout()), nil
}

func (p *player) read(s coord.Session, verb string, args []string) (string, error) {
	kind, watch := strings.CutSuffix(verb, "w")
	path := args[len(args)-1]
	var w coord.Signal
	var said string
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
		said = string(data) + " " + p.stat(stat)
	case "exists":
		var stat coord.Stat
		var is bool
		if watch {
			stat, is, w, err = s.ExistsW(path)
		} else {
			stat, is, err = s.Exists(path)
		}
		if said = "absent"; is {
			said = p.stat(stat)
		}
	case "children":
		var names []string
		if watch {
			names, w, err = s.ChildrenW(path)
		} else {
			names, err = s.Children(path)
		}
		slices.Sort(names)
		said = "[" + strings.Join(names, " ") + "]"
	default:
		return "", fmt.Errorf("no op %q", verb)
	}
	if watch && err == nil {
		p.watches[args[0]] = w
	}
	return said, err
}

// watched waits for a watch, or for the moment in which it would have come.
func (p *player) watched(s coord.Session, verb, name string) (string, error) {
	w := p.watches[name]
	if w == nil {
		return "no watch", nil
	}
	limit := p.Spec.Timing.Session.D()
	if verb == "silent" {
		// An event goes before the answer of a call made after it.
		if err := s.Sync("/" + p.script); err != nil {
			return "", err
		}
		limit = 50 * time.Millisecond
	}
	fired, err := p.Env.Wait(w, p.Env.After(limit))
	if err != nil {
		return "", err
	}
	return []string{"fired", "silent"}[fired], nil
}

// stat tells a Stat alike in every world.
func (p *player) stat(st coord.Stat) string {
	return fmt.Sprintf("c=%s m=%s p=%s version=%d cversion=%d owner=%s children=%d",
		p.zxid(st.Czxid), p.zxid(st.Mzxid), p.zxid(st.Pzxid), st.Version, st.Cversion, p.owner(st.EphemeralOwner), st.NumChildren)
}

// zxid is the number of a zxid in the order in which the script first saw them; one that is lower than a higher one that
// was seen before has a mark.
func (p *player) zxid(z int64) string {
	n, known := p.zxids[z]
	if known {
		return "z" + strconv.Itoa(n)
	}
	n = len(p.zxids)
	p.zxids[z] = n
	if z < p.highest {
		return fmt.Sprintf("z%d(earlier)", n)
	}
	p.highest = z
	return "z" + strconv.Itoa(n)
}

func (p *player) owner(id int64) string {
	if name, known := p.names[id]; known {
		return name
	}
	return "somebody"
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
