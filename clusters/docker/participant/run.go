package participant

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Noop is the recipe that completes every op at once: what the protocol alone costs. It is listed nowhere.
const Noop = "noop"

// grace is how long tasks may take to end once the node stops: go-zookeeper's Close alone may take a second.
const grace = 3 * time.Second

// Find looks a recipe up by the names of its workload and of itself.
type Find func(workload, recipe string) (workloads.Recipe, error)

// Run is the participant: it speaks the participant protocol on stdin and stdout until stdin ends or ctx is done, which
// is no error. Errors are a broken protocol, a recipe that is not known, a panic of the recipe, and tasks that do not
// end. It returns without waiting for a Read of stdin that is under way.
func Run(ctx context.Context, stdin io.Reader, stdout io.Writer, find Find) error {
	r := bufio.NewReaderSize(stdin, 64<<10)
	hello, err := readHello(r)
	if err != nil {
		return err
	}
	p := newPort(hello, stdout)
	defer context.AfterFunc(ctx, p.stop.Fire)()
	a := &agenda{port: p, next: make(chan protocol.In, 1)}
	err = a.begin(find)
	if err == nil {
		go func() { p.end(a.read(r)) }()
		<-p.stop.ch
	}
	p.stop.Fire()
	late := p.wait(grace)
	p.out.close()
	return errors.Join(err, p.reason(), late)
}

func readHello(r *bufio.Reader) (protocol.Hello, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return protocol.Hello{}, fmt.Errorf("read hello: %w", err)
	}
	in, err := protocol.ParseIn(line)
	switch {
	case err != nil:
		return protocol.Hello{}, err
	case in.Type != protocol.TypeHello:
		return protocol.Hello{}, fmt.Errorf("the first line must be hello: %.200q", line)
	}
	return *in.Hello, nil
}

// agenda is the ops of an incarnation: one at a time.
type agenda struct {
	port       *port
	serverless bool // it has no session whose replies could be lost
	busy       atomic.Bool
	next       chan protocol.In
}

// begin makes the recipe and lets it wait for its first op.
func (a *agenda) begin(find Find) error {
	p := a.port
	if p.hello.Spec.Recipe == Noop {
		a.serverless = true
		p.task(Noop, func() { a.serve(noop{}, func(f func()) { f() }) })
		return nil
	}
	r, err := find(p.hello.Spec.Workload, p.hello.Spec.Recipe)
	switch {
	case err != nil:
		return err
	case r.Native && r.Name == "zk.Lock":
		p.task(r.Name, func() { a.serve(&nativeLock{port: p}, func(f func()) { f() }) })
	case r.New == nil:
		return fmt.Errorf("recipe %q has nothing to run", r.Name)
	default:
		e := newEnvironment(p)
		e.Go(r.Name, func() {
			a.serve(r.New(workloads.Config{Env: e, Role: spec.RoleOf(p.hello.Node), Spec: p.hello.Spec, Defects: p.hello.Spec.Defects}), e.away)
		})
	}
	return nil
}

// serve does ops as they come; idle runs what waits for the next one.
func (a *agenda) serve(d workloads.Driven, idle func(func())) {
	p := a.port
	p.out.say(protocol.Out{Type: protocol.TypeReady, Mono: rawMono()})
	for {
		var in protocol.In
		idle(func() {
			select {
			case in = <-a.next:
			case <-p.stop.ch:
			}
		})
		if p.stopped() {
			return
		}
		c := d.Do(in.Op)
		if p.stopped() { // an op that was cut short stays open
			return
		}
		if c.Type != history.OK && c.Type != history.Fail && c.Type != history.Info {
			p.end(fmt.Errorf("recipe %q completed %s with type %q", p.hello.Spec.Recipe, in.F, c.Type))
			return
		}
		if c.Op.F == "" {
			c.Op.F = in.F
		}
		a.busy.Store(false)
		p.out.say(protocol.Out{Type: string(c.Type), ID: in.ID, Error: c.Error, Op: c.Op})
	}
}

// read hands on what the agent says until the input ends, which is no error.
func (a *agenda) read(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err == io.EOF { // a line that was not finished is void
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the agent: %w", err)
		}
		in, err := protocol.ParseIn(line)
		if err != nil {
			return err
		}
		if err := a.heard(in); err != nil {
			return err
		}
	}
}

func (a *agenda) heard(in protocol.In) error {
	switch in.Type {
	case protocol.TypeInvoke:
		if a.busy.Swap(true) {
			return fmt.Errorf("op %d was invoked while another one was open", in.ID)
		}
		a.next <- in
	case protocol.TypeReply:
		return a.port.replied(in)
	case protocol.TypeOrder:
		switch {
		case in.F == protocol.OrderSlow && !a.port.orders.serves():
			a.refuse(in, "it takes no messages")
		case in.F == protocol.OrderSlow:
			a.port.orders.slow(in.Key, time.Duration(in.N))
		case a.serverless:
			a.refuse(in, "no connection to a server")
		case !a.port.orders.add(in):
			a.refuse(in, fmt.Sprintf("no opcode %q", in.F))
		}
	default:
		return fmt.Errorf("a second %s", in.Type)
	}
	return nil
}

func (a *agenda) refuse(order protocol.In, why string) {
	a.port.out.say(protocol.Out{Type: protocol.TypeUnsupported, Op: history.Op{Key: order.Key, Text: why}})
}

type noop struct{}

func (noop) Do(op history.Op) workloads.Completion {
	return workloads.Completion{Type: history.OK, Op: op}
}
