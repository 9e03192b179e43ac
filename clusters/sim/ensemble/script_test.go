package ensemble

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"riven/harness/coord"
)

// TestScripts plays scripts of requests and faults. A line is `CLIENT OP …` or a fault; with & in front nothing is waited
// for. What the client hears is the output, zxids as epoch:counter, sessions by the client that made them.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *stage
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "ensemble":
				n, defect := 3, ""
				d.MaybeScanArgs(t, "servers", &n)
				d.MaybeScanArgs(t, "defect", &defect)
				s = newStage(n, defect)
				return s.state()
			case "do":
				var out strings.Builder
				for line := range strings.Lines(d.Input) {
					s.line(strings.Fields(strings.TrimSpace(line)))
					out.WriteString(s.said())
				}
				return out.String()
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

type stage struct {
	w     *world
	names map[string]*client
	owner map[int64]string
	heard strings.Builder
}

// newStage is an ensemble without clients of its own and without chance in links and disks, with a leader.
func newStage(servers int, defect string) *stage {
	w := newWorld(1, servers, defect)
	w.heap, w.clients, w.even = nil, nil, true
	w.cfg.CommitLog, w.cfg.SyncLimit = 5, 5
	for _, b := range w.nodes {
		b.start()
	}
	s := &stage{w: w, names: map[string]*client{}, owner: map[int64]string{0: "-"}}
	w.run(time.Second)
	return s
}

func (s *stage) said() string {
	out := s.heard.String()
	s.heard.Reset()
	return out
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.heard, format+"\n", args...) }

func (s *stage) state() string {
	var out strings.Builder
	for _, b := range s.w.nodes {
		switch {
		case b.server == nil:
			fmt.Fprintf(&out, "%d dead\n", b.id)
		default:
			fmt.Fprintf(&out, "%d %v serving=%v %s epoch=%d\n", b.id, b.server.Role(), b.server.Serving(), zxid(b.server.Zxid()), b.server.Epoch())
		}
	}
	return out.String()
}

func zxid(z int64) string {
	if z < 0 {
		return fmt.Sprint(z)
	}
	return fmt.Sprintf("%d:%d", epochOf(z), counterOf(z))
}

func (s *stage) line(f []string) {
	if len(f) == 0 || strings.HasPrefix(f[0], "#") {
		return
	}
	wait := f[0] != "&"
	if !wait {
		f = f[1:]
	}
	num := func(i int) int { n, _ := strconv.Atoi(f[i]); return n }
	switch f[0] {
	case "kill", "power":
		s.w.nodes[num(1)-1].kill(f[0] == "power")
	case "start":
		s.w.nodes[num(1)-1].start()
	case "slow":
		s.w.nodes[num(1)-1].slow = f[2] == "on"
	case "pause":
		s.w.nodes[num(1)-1].paused = true
	case "resume":
		s.w.nodes[num(1)-1].resume()
	case "cut", "break", "heal":
		s.cut(f[0], num(1), num(2))
	case "run":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			panic(err)
		}
		s.w.run(s.w.now + d)
	case "state":
		s.heard.WriteString(s.state())
	default:
		s.client(f[0], f[1], f[2:])
	}
	if wait && f[0] != "run" {
		s.w.run(s.w.now + 15*time.Millisecond)
	}
}

func (s *stage) cut(how string, a, b int) {
	switch how {
	case "cut":
		s.w.cut(a, b, false)
	case "break":
		s.w.cut(a, b, true)
	default:
		s.w.heal(a, b, false)
	}
}

func (s *stage) client(name, op string, args []string) {
	c := s.names[name]
	if c == nil {
		c = newClient(s.w, 101+len(s.w.clients))
		c.timeout = time.Second
		c.script = func(e event) { s.hear(name, c, e) }
		s.w.clients = append(s.w.clients, c)
		s.names[name] = c
	}
	switch op {
	case "connect":
		s.connect(c, args)
	case "drop":
		c.lost(true)
	default:
		r := parse(op, args)
		if r.Xid == 0 {
			c.xid++
			r.Xid = c.xid
		}
		c.w.send(c.id, c.server, event{kind: evRequest, n: uint64(c.conn), req: r})
	}
}

// connect takes a server, and optionally timeout=, zxid= (seen), as= (another client's session), password=.
func (s *stage) connect(c *client, args []string) {
	c.server, _ = strconv.Atoi(args[0])
	h := Hello{LastZxid: c.last, Session: c.session, Password: c.password, Timeout: c.timeout}
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "timeout":
			h.Timeout, _ = time.ParseDuration(v)
		case "zxid":
			h.LastZxid = parseZxid(v)
		case "as":
			h.Session, h.Password = s.names[v].session, s.names[v].password
		case "password":
			h.Password++
		}
	}
	c.conns++
	c.conn = Conn(int64(c.id)<<32 | c.conns)
	c.w.send(c.id, c.server, event{kind: evAccept, n: uint64(c.conn), hello: h})
}

func parseZxid(v string) int64 {
	e, n, _ := strings.Cut(v, ":")
	epoch, _ := strconv.ParseInt(e, 10, 64)
	counter, _ := strconv.ParseInt(n, 10, 64)
	return epoch<<32 | counter
}

func parse(op string, args []string) *Request {
	r := &Request{Version: coord.AnyVersion}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		for _, flag := range args[0][1:] {
			switch flag {
			case 'e':
				r.Mode |= coord.Ephemeral
			case 's':
				r.Mode |= coord.Sequential
			case 'w':
				r.Watch = true
			}
		}
		args = args[1:]
	}
	if op == "multi" {
		r.Op = OpMulti
		for _, one := range strings.Split(strings.Join(args, " "), ";") {
			f := strings.Fields(one)
			r.Ops = append(r.Ops, *parse(f[0], f[1:]))
		}
		return r
	}
	if len(args) > 0 {
		r.Path = args[0]
	}
	last := func(i int) string {
		if len(args) > i {
			return args[i]
		}
		return ""
	}
	version := func(v string) {
		if n, err := strconv.Atoi(v); err == nil {
			r.Version = int32(n)
		}
	}
	switch op {
	case "create":
		r.Op, r.Data = OpCreate, []byte(last(1))
	case "delete":
		r.Op = OpDelete
		version(last(1))
	case "check":
		r.Op = OpCheck
		version(last(1))
	case "set":
		r.Op, r.Data = OpSet, []byte(last(1))
		version(last(2))
	case "get":
		r.Op = OpGet
	case "exists":
		r.Op = OpExists
	case "children":
		r.Op = OpChildren
	case "sync":
		r.Op = OpSync
	case "ping":
		r.Op, r.Xid = OpPing, -2
	case "close":
		r.Op = OpClose
	case "setwatches":
		r.Op, r.Xid, r.Watches = OpSetWatches, -8, rearm(args)
	default:
		panic("unknown op " + op)
	}
	return r
}

func rearm(args []string) *Rearm {
	w := &Rearm{Zxid: parseZxid(args[0])}
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "data":
			w.Data = append(w.Data, v)
		case "exists":
			w.Exists = append(w.Exists, v)
		case "children":
			w.Children = append(w.Children, v)
		}
	}
	return w
}

var codes = map[Code]string{OK: "ok", RuntimeInconsistency: "RuntimeInconsistency", BadArguments: "BadArguments", NoNode: "NoNode", BadVersion: "BadVersion",
	NoChildren: "NoChildren", NodeExists: "NodeExists", NotEmpty: "NotEmpty", SessionExpired: "SessionExpired"}

func (s *stage) hear(name string, c *client, e event) {
	if e.kind == evHangup {
		s.say("%s: hangup", name)
		c.server, c.conn = 0, 0
		return
	}
	switch r := e.reply; r.Kind {
	case Connected:
		if r.Session == 0 {
			s.say("%s: session is dead", name)
			return
		}
		if s.owner[r.Session] == "" {
			s.owner[r.Session] = name
		}
		c.session, c.password = r.Session, r.Password
		s.say("%s: session of %s, server byte %d, timeout %v", name, s.owner[r.Session], r.Session>>56, r.Timeout)
	case Event:
		s.say("%s: event %v %s", name, r.Event, r.Path)
	case Response:
		c.last = max(c.last, r.Zxid)
		s.say("%s: %d %s %s%s", name, r.Xid, codes[r.Err], zxid(r.Zxid), s.detail(r))
	}
}

func (s *stage) detail(r Reply) string {
	if r.Err != OK {
		return ""
	}
	switch r.Op {
	case OpCreate:
		return " " + r.Path
	case OpGet:
		return fmt.Sprintf(" %q %s", r.Data, s.stat(r.Stat))
	case OpSet, OpExists:
		return " " + s.stat(r.Stat)
	case OpChildren:
		return fmt.Sprintf(" %v %s", r.Children, s.stat(r.Stat))
	case OpMulti:
		var out strings.Builder
		for _, x := range r.Results {
			fmt.Fprintf(&out, " [%s", codes[x.Err])
			switch x.Op {
			case OpCreate:
				out.WriteString(" " + x.Path)
			case OpSet:
				fmt.Fprintf(&out, " version=%d", x.Stat.Version)
			}
			out.WriteString("]")
		}
		return out.String()
	}
	return ""
}

func (s *stage) stat(x coord.Stat) string {
	return fmt.Sprintf("c=%s m=%s p=%s version=%d cversion=%d owner=%s children=%d", zxid(x.Czxid), zxid(x.Mzxid), zxid(x.Pzxid), x.Version, x.Cversion, s.owner[x.EphemeralOwner], x.NumChildren)
}
