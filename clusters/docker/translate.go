package docker

import (
	"bytes"
	"errors"
	"fmt"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
	"riven/nemesis"
)

// Roles of a server, as Role events name them.
const (
	roleLeader   = "leader"
	roleFollower = "follower"
	roleNone     = "none"
	standalone   = "standalone" // what a single server calls itself
)

// translator turns the messages of one node's agent into events. It is used by one goroutine.
type translator struct {
	node  string
	obs   clusters.Observer
	board *board
	send  func(agent.Request) error // to the same agent
	open  map[int64]invocation      // ops that the child was handed and has not completed
	inc   int                       // the incarnation that was started last
	early []agent.Message           // of the next one, said before the start was answered
}

// invocation is what a completion does not repeat.
type invocation struct {
	process int
	f       string
}

func newTranslator(node string, obs clusters.Observer, b *board, send func(agent.Request) error) *translator {
	return &translator{node: node, obs: obs, board: b, send: send, open: map[int64]invocation{}}
}

// message handles everything but answers to requests. An error means that the participant or the agent said
// something that it must not say.
func (t *translator) message(m agent.Message) error {
	if incarnationOf(m) > t.inc {
		if m.Line != nil {
			m.Line.Raw = bytes.Clone(m.Line.Raw) // the reader's buffer is about to change
		}
		t.early = append(t.early, m)
		return nil
	}
	switch {
	case m.Line != nil:
		return t.line(*m.Line)
	case m.Up != nil:
		t.board.update(t.node, func(s *state) { s.up = m.Up })
	case m.Returned != 0:
		t.obs.Returned(t.node, m.Returned)
	case m.Exit != nil:
		t.exit(*m.Exit)
	case m.Role != nil:
		t.role(*m.Role)
	case m.Stall != nil:
		// The agent's span is where the standstill lies; as long as it lasted is what counts.
		t.record(history.Event{Type: history.Stall, Time: max(m.Stall.From, m.Stall.To-m.Stall.By), End: m.Stall.To, Op: history.Op{Text: m.Stall.What}})
	case m.Fired != nil:
		t.obs.Fired(fired(t.node, *m.Fired))
		if m.Fired.Error != "" {
			return fmt.Errorf("armed fault %s: %s", m.Fired.Fault, m.Fired.Error)
		}
	case m.Expired != nil:
		return expired(*m.Expired)
	case m.Broken != "":
		return errors.New(m.Broken)
	default:
		return errors.New("the agent sent a message without content")
	}
	return nil
}

// incarnationOf is the child that a message is about, 0 if none is named.
func incarnationOf(m agent.Message) int {
	switch {
	case m.Line != nil:
		return m.Line.Incarnation
	case m.Exit != nil:
		return m.Exit.Incarnation
	}
	return 0
}

// record completes and records an event that is not an op of its own.
func (t *translator) record(e history.Event) {
	e.Node, e.Process = t.node, history.NoProcess
	if e.Incarnation == 0 {
		e.Incarnation = t.inc
	}
	t.obs.Record(e)
}

// started records that a child runs, and takes in what that child has said already.
func (t *translator) started(incarnation int, a agent.Answer) error {
	t.inc = incarnation
	t.board.update(t.node, func(s *state) {
		s.incarnation, s.running, s.ready, s.role = incarnation, true, false, roleNone
	})
	t.record(history.Event{Type: history.Start, Time: a.From, End: a.To, Incarnation: incarnation, Op: history.Op{N: int64(a.Pid)}})
	early := t.early
	t.early = nil
	var errs []error
	for _, m := range early {
		errs = append(errs, t.message(m))
	}
	return errors.Join(errs...)
}

// exit leaves the ops that the child was handed open: whether they happened is not known.
func (t *translator) exit(x agent.Exit) {
	clear(t.open)
	t.board.update(t.node, func(s *state) {
		s.running, s.ready, s.role, s.exit = false, false, roleNone, x.Status
	})
	t.record(history.Event{Type: history.Exit, Time: x.Time, Incarnation: x.Incarnation, Op: history.Op{Text: x.Status}})
}

// role takes a server's role in; one that was said before the start was answered is of no use.
func (t *translator) role(r agent.Role) {
	if !t.board.get(t.node).running {
		return
	}
	role := r.Role
	if role == standalone {
		role = roleLeader
	}
	t.board.update(t.node, func(s *state) { s.role = role })
	t.record(history.Event{Type: history.Role, Time: r.Time, Op: history.Op{F: role, N: r.Zxid, Token: r.Epoch}})
}

func (t *translator) line(l agent.Line) error {
	if l.To {
		return t.toChild(l)
	}
	return t.fromChild(l)
}

func (t *translator) toChild(l agent.Line) error {
	in, err := protocol.ParseIn(l.Raw)
	if err != nil {
		return err
	}
	switch in.Type {
	case protocol.TypeInvoke:
		t.open[in.ID] = invocation{process: in.Process, f: in.F}
		t.obs.Record(history.Event{
			Type: history.Invoke, Time: l.Time, Node: t.node, Incarnation: l.Incarnation,
			Process: in.Process, ID: in.ID, Op: in.Op,
		})
	case protocol.TypeReply:
		t.record(history.Event{Type: history.Answer, Time: l.Time, Incarnation: l.Incarnation, Seq: in.Seq, Rejected: !in.Accepted, Op: in.Op})
	}
	return nil
}

func (t *translator) fromChild(l agent.Line) error {
	out, err := protocol.ParseOut(l.Raw)
	if err != nil {
		return err
	}
	switch typ := history.Type(out.Type); typ {
	case history.OK, history.Fail, history.Info:
		return t.completion(l, typ, out)
	case history.Note, history.Wire:
		t.record(history.Event{Type: typ, Time: l.Time, Incarnation: l.Incarnation, Mono: out.Mono, Error: out.Error, Op: out.Op})
		return nil
	}
	switch out.Type {
	case protocol.TypeReady:
		t.board.update(t.node, func(s *state) { s.ready = true })
		t.record(history.Event{Type: history.Note, Time: l.Time, Incarnation: l.Incarnation, Mono: out.Mono, Op: history.Op{F: history.NoteReady}})
	case protocol.TypeAccess:
		return t.access(l, out)
	case protocol.TypeLost:
		t.obs.Lost(out.Key, nemesis.LostReply{Node: t.node, Op: out.Text, Xid: out.N, Zxid: out.Token})
	case protocol.TypeUnsupported:
		t.record(history.Event{
			Type: history.Note, Time: l.Time, Incarnation: l.Incarnation,
			Op: history.Op{F: protocol.TypeUnsupported, Key: out.Key, Text: out.Text},
		})
	default:
		return fmt.Errorf("the participant sent a message of unknown type %q", out.Type)
	}
	return nil
}

func (t *translator) completion(l agent.Line, typ history.Type, out protocol.Out) error {
	inv, ok := t.open[out.ID]
	if !ok {
		return fmt.Errorf("the participant completed op %d, which it was not handed or had completed before", out.ID)
	}
	delete(t.open, out.ID)
	if out.F == "" {
		out.F = inv.f
	}
	t.obs.Record(history.Event{
		Type: typ, Time: l.Time, Node: t.node, Incarnation: l.Incarnation,
		Process: inv.process, ID: out.ID, Error: out.Error, Mono: out.Mono, Op: out.Op,
	})
	return nil
}

// access asks the resource for its decision and sends it back.
func (t *translator) access(l agent.Line, out protocol.Out) error {
	reply := t.obs.Decide(t.node, env.Request{
		Resource: out.Key, Hold: out.Hold, Token: out.Token, Key: out.F, N: out.N, Text: out.Text,
	})
	t.record(history.Event{
		Type: history.Access, Time: l.Time, Incarnation: l.Incarnation, Seq: reply.Seq, Rejected: !reply.Accepted, Op: out.Op,
	})
	return t.send(agent.Request{Cmd: agent.CmdReply, In: &protocol.In{
		Type: protocol.TypeReply, ID: out.ID, Seq: reply.Seq, Accepted: reply.Accepted,
		Op: history.Op{N: reply.N, Text: reply.Text},
	}})
}

func expired(x agent.Expired) error {
	if x.Error != "" {
		return fmt.Errorf("a %s that the harness had not undone in time could not undo itself: %s", x.Cmd, x.Error)
	}
	return fmt.Errorf("a %s that the harness had not undone in time has undone itself", x.Cmd)
}

func fired(node string, f agent.Fired) clusters.Fired {
	return clusters.Fired{
		Fault: f.Fault, Node: node, Hold: f.Hold, Late: f.Late,
		Span: clusters.Span{From: f.From, To: f.To}, Receipt: receipt(node, &f.Process),
	}
}

func receipt(node string, p *agent.Process) nemesis.ProcessReceipt {
	if p == nil {
		return nemesis.ProcessReceipt{Node: node}
	}
	return nemesis.ProcessReceipt{Node: node, Pid: p.Pid, Gone: p.Gone, Threads: p.Threads, Resumed: p.Resumed}
}
