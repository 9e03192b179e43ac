package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// player plays scripts. Its own hands do the steps of the sessions that live here, another participant's those that
// live there. What differs from world to world is made alike: a zxid is told by the order in which the script first saw
// it, a session's id by its name.
type player struct {
	workloads.Config
	hands   *hands
	script  string            // the present one
	at      map[string]string // session → participant, if not this one
	names   map[int64]string  // session id → name
	zxids   map[int64]int
	highest int64
}

func newPlayer(c workloads.Config) workloads.Driven {
	p := &player{Config: c, hands: &hands{Config: c}}
	c.Env.Serve(func(_ string, m env.Message) env.Message { return p.hands.do(m) })
	return p
}

// Do plays one step: Key is the script's number, which is its root's name too, Text the step.
func (p *player) Do(op history.Op) workloads.Completion {
	if op.F == OpRest {
		if _, err := p.Env.Wait(p.Env.After(time.Duration(op.N) * time.Millisecond)); err != nil {
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
		return workloads.Completion{Type: history.OK, Op: op}
	}
	if op.Key != p.script {
		p.script, p.highest = op.Key, 0
		p.at, p.names, p.zxids = map[string]string{}, map[int64]string{0: "nobody"}, map[int64]int{0: 0}
	}
	said, err := p.step(strings.ReplaceAll(op.Text, "$", "/"+op.Key))
	if err != nil {
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	said = strings.ReplaceAll(p.alike(said), "/"+op.Key, "$")
	return workloads.Completion{Type: history.OK, Op: history.Op{Key: op.Key, N: op.N, Text: said}}
}

// patience is how long another participant may take for a step.
const patience = 15 * time.Second

func (p *player) step(text string) (string, error) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return "", fmt.Errorf("a step has a session and an op: %q", text)
	}
	name := words[0]
	switch {
	case words[1] == "open" && len(words) > 2 && slices.Contains(p.Spec.ParticipantNames(), words[2]):
		p.at[name] = words[2]
	case asks(words[1]):
		p.Env.Note(env.Note{Kind: NoteFault, Key: p.script, Text: text})
	}
	m := env.Message{Kind: "step", Key: p.script, Text: text}
	reply := env.Message{}
	if node := p.at[name]; node != "" {
		var err error
		if reply, err = p.ask(node, m, words[1] == "pause"); err != nil {
			return "", fmt.Errorf("ask %s for %q: %w", node, text, err)
		}
	} else {
		reply = p.hands.do(m)
	}
	if words[1] == "open" && reply.Token != 0 {
		p.names[reply.Token] = name
	}
	return reply.Text, nil
}

// ask has another participant do a step; again and again, if that one is to be paused, until the answer takes a second.
func (p *player) ask(node string, m env.Message, paused bool) (env.Message, error) {
	for {
		before := p.Env.Mono()
		reply, err := p.Env.Ask(node, m, patience)
		if err != nil || !paused || p.Env.Mono()-before > time.Second {
			return reply, err
		}
	}
}

// alike tells zxids and sessions alike in every world.
func (p *player) alike(said string) string {
	raw := regexp.MustCompile(`<([zs])(-?\d+)>`)
	return raw.ReplaceAllStringFunc(said, func(s string) string {
		m := raw.FindStringSubmatch(s)
		n, err := strconv.ParseInt(m[2], 10, 64)
		switch {
		case err != nil:
			return s
		case m[1] == "z":
			return p.zxid(n)
		}
		if name, known := p.names[n]; known {
			return name
		}
		return "somebody"
	})
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
