package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"riven/clusters/docker/protocol"
	"riven/nemesis/inject"
)

// child is the server or participant of one start.
type child struct {
	proc   *inject.Child
	launch *Launch
	out    *output       // of a participant
	told   chan struct{} // closed when its start has been answered: nothing is said of it before
	gone   chan struct{} // closed when its Exit has been said
}

func newChild(l *Launch) *child {
	return &child{launch: l, told: make(chan struct{}), gone: make(chan struct{})}
}

// pipes of a participant: the child's ends and the agent's.
type pipes struct{ childIn, in, out, childOut *os.File }

func newPipes() (p pipes, err error) {
	if p.childIn, p.in, err = os.Pipe(); err != nil {
		return p, err
	}
	if p.out, p.childOut, err = os.Pipe(); err != nil {
		return p, errors.Join(err, p.childIn.Close(), p.in.Close())
	}
	return p, nil
}

func (a *agent) start(l *Launch) (int, error) {
	if l == nil || len(l.Argv) == 0 {
		return 0, errors.New("no command")
	}
	if c := a.current(); c != nil {
		select {
		case <-c.proc.Done():
			<-c.gone
		default:
			return 0, fmt.Errorf("process %d still runs", c.proc.PID())
		}
	}
	if err := prepare(l); err != nil {
		return 0, err
	}
	c, err := a.launch(l)
	if err != nil {
		return 0, err
	}
	if err := a.skewAgain(); err != nil {
		return 0, err
	}
	return c.proc.PID(), nil
}

func (a *agent) launch(l *Launch) (*child, error) {
	cmd := inject.Command{
		Argv: l.Argv, Env: environ(os.Environ(), l.Env), Dir: l.Dir, UID: l.UID, GID: l.GID,
		Stdout: a.stderr, Stderr: a.stderr,
	}
	if l.Participant == nil {
		return a.launchServer(cmd, l)
	}
	hello, err := json.Marshal(protocol.In{Type: protocol.TypeHello, Hello: l.Participant})
	if err != nil {
		return nil, err
	}
	p, err := newPipes()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout = p.childIn, p.childOut
	c := newChild(l)
	c.out, err = newOutput(p.out)
	if err == nil {
		c.proc, err = a.processes.Start(cmd)
	}
	err = errors.Join(err, p.childIn.Close(), p.childOut.Close())
	if err != nil {
		return nil, errors.Join(err, p.in.Close(), p.out.Close())
	}
	a.began(c)
	a.relay.attach(c)
	a.spawn(func() { a.speak(c, append(hello, '\n'), p.in) })
	return c, nil
}

func (a *agent) launchServer(cmd inject.Command, l *Launch) (*child, error) {
	c := newChild(l)
	var err error
	if c.proc, err = a.processes.Start(cmd); err != nil {
		return nil, err
	}
	a.began(c)
	if l.ClientPort != 0 {
		a.spawn(func() { a.watchRole(c) })
	}
	a.spawn(func() {
		<-c.proc.Done()
		<-c.told
		a.ended(c)
	})
	return c, nil
}

// speak carries the protocol of c until its end.
func (a *agent) speak(c *child, hello []byte, in *os.File) {
	written, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		to, err := protocol.NewPipe(in)
		if err == nil {
			_, err = to.Write(hello)
		}
		if err == nil { // else c has ended
			a.relay.write(c, to)
		}
	}()
	go func() {
		defer close(read)
		<-c.told
		err := a.relay.read(c, newLineReader(c.out, maxLine))
		if err := errors.Join(err, c.out.close()); err != nil {
			a.complain("read from process %d: %v", c.proc.PID(), err)
		}
	}()
	<-c.proc.Done()
	a.relay.leave(c)
	c.out.finish()
	<-read
	_ = in.Close() // wakes a write that an orphan's copy of the pipe holds up
	a.ended(c)
	<-written
}

// began makes c the node's child.
func (a *agent) began(c *child) {
	a.mu.Lock()
	a.child = c
	a.mu.Unlock()
	a.started = c
	a.freeze(false)
	a.stalls.Child(c.proc.PID())
}

// letSpeak is called when a request in turn has been answered.
func (a *agent) letSpeak() {
	if a.started != nil {
		close(a.started.told)
		a.started = nil
	}
}

// ended says that c is gone, all that it said having been relayed.
func (a *agent) ended(c *child) {
	a.stalls.Child(0)
	a.relay.detach(c, func(now int64) Message {
		return Message{Exit: &Exit{Time: now, Incarnation: c.launch.Incarnation, Status: ending(c.proc.Status())}}
	})
	a.mu.Lock()
	a.child = nil
	a.mu.Unlock()
	close(c.gone)
}

// ending is how a process ended, in the words of os.ProcessState.
func ending(s inject.Status) string {
	if s.Signal != 0 {
		return "signal: " + s.Signal.String()
	}
	return fmt.Sprintf("exit status %d", s.Code)
}

// current is the child that runs, or nil.
func (a *agent) current() *child {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.child
}

// environ is base with more on top; of two values of a name the later one holds.
func environ(base, more []string) []string {
	at := map[string]int{}
	var env []string
	for _, kv := range append(base[:len(base):len(base)], more...) {
		name, _, _ := strings.Cut(kv, "=")
		if i, ok := at[name]; ok {
			env[i] = kv
			continue
		}
		at[name] = len(env)
		env = append(env, kv)
	}
	return env
}
