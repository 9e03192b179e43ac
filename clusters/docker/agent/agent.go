package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"riven/clusters/docker/protocol"
	"riven/nemesis/inject"
)

const (
	maxRequest     = 16 << 20
	stallThreshold = 50 * time.Millisecond
	faultQueue     = 64 // requests that wait their turn before further ones are not read
)

// agent of this process: there is one.
type agent struct {
	ctx       context.Context // ends with the agent
	stderr    *os.File
	out       *stream
	processes *inject.Supervisor
	stalls    *inject.StallWatch
	net       network
	relay     *relay
	paused    atomic.Bool
	wg        sync.WaitGroup // all goroutines that end with the agent

	started  *child     // whose start has not been answered yet
	faults   sync.Mutex // held by each fault from begin to effect, so that none overlap
	pauseTTL expiry
	cutTTL   expiry
	clockTTL expiry
	clock    inject.Skew // of every process that is started
	mono     monoRate

	mu      sync.Mutex
	child   *child
	closing bool
}

// Run is the agent: it carries out the requests on stdin and says on stdout what happens, one JSON object a line each.
// What the child has to say to people goes to stderr. It returns nil when stdin ends, and an error when the harness
// says what no harness says, when it reads no more, or when ctx ends. Every process that it started is gone then.
//
// It reaps all children of its process and stops or kills every process that it can see: it is meant to be PID 1.
func Run(ctx context.Context, stdin io.Reader, stdout io.Writer, stderr *os.File) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	processes := inject.NewSupervisor("/proc/self/exe", "launch")
	a := &agent{ctx: ctx, stderr: stderr, out: newStream(stdout), processes: processes}
	a.relay = newRelay(a.out)
	a.relay.fire = func(f *firing) { a.spawn(func() { a.fire(f) }) }
	if err := a.up(); err != nil {
		return errors.Join(err, processes.Close(), a.out.close())
	}
	ended := make(chan error, 1)
	go func() { ended <- a.serve(stdin) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	case <-a.out.done: // its error comes from close
	}
	cancel()
	return errors.Join(err, a.close())
}

func (a *agent) up() error {
	boot, err := inject.BootID()
	if err != nil {
		return err
	}
	a.net.open()
	a.out.stamped(func(now int64) Message {
		return Message{Up: &Up{BootID: boot, Time: now, Error: problem(a.net.missing())}}
	})
	a.stalls = inject.WatchStalls(stallThreshold, func(s inject.Stall) {
		a.out.say(Message{Stall: &Stall{From: s.Start, To: s.End, By: int64(s.By), What: s.What}})
	})
	return nil
}

func (a *agent) close() error {
	a.out.end()
	a.faults.Lock()
	a.pauseTTL.stop()
	a.cutTTL.stop()
	a.clockTTL.stop()
	a.mono.stop()
	a.faults.Unlock()
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	err := a.processes.Close()
	a.stalls.Stop()
	a.wg.Wait()
	return errors.Join(err, a.net.close(), a.out.close())
}

// spawn runs f beside everything else, unless the agent is about to end.
func (a *agent) spawn(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closing {
		a.wg.Go(f)
	}
}

// complain tells people, who read it among the child's own output, of what no message exists for.
func (a *agent) complain(format string, args ...any) {
	fmt.Fprintf(a.stderr, "agent: "+format+"\n", args...)
}

// serve reads requests until there are no more.
func (a *agent) serve(stdin io.Reader) error {
	inTurn := make(chan Request, faultQueue)
	a.spawn(func() {
		for {
			select {
			case r := <-inTurn:
				a.answer(r, a.inTurn)
				a.letSpeak()
			case <-a.ctx.Done():
				return
			}
		}
	})
	in := newLineReader(stdin, maxRequest)
	for {
		line, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = a.request(line, inTurn)
		}
		if err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
}

// request takes one request: ops, replies and orders at once and as they are, faults in turn, questions side by side.
func (a *agent) request(line []byte, inTurn chan<- Request) error {
	var cmd, in []byte
	err := protocol.Members(line, func(name, v []byte) (err error) {
		switch string(name) {
		case "cmd":
			cmd, err = protocol.Unquote(v)
		case "in":
			in = v
		}
		return err
	})
	if err != nil {
		return err
	}
	switch string(cmd) {
	case CmdOp:
		return a.relay.op(forChild(in))
	case CmdReply:
		return a.relay.order(forChild(in))
	}
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch r.Cmd {
	case CmdStart, CmdKill, CmdPause, CmdResume, CmdCut, CmdClock, CmdMono, CmdDisarm, CmdDetect:
		select {
		case inTurn <- r:
		case <-a.ctx.Done():
		}
	case CmdArm:
		a.answer(r, a.arm)
	case CmdDrops, CmdProbe, CmdCounts, CmdFour:
		a.spawn(func() { a.answer(r, a.aside) })
	default:
		return fmt.Errorf("unknown command %q", r.Cmd)
	}
	return nil
}

// forChild copies a message to keep, with room for the end of its line.
func forChild(in []byte) []byte { return append(make([]byte, 0, len(in)+1), in...) }

// answer has r carried out and says how it went. Unless do knows better, all of it took from its call to its return.
func (a *agent) answer(r Request, do func(context.Context, Request) (Answer, error)) {
	ctx, cancel := context.WithTimeout(a.ctx, faultLimit)
	defer cancel()
	from := inject.Mono()
	ans, err := do(ctx, r)
	if ans.From == 0 {
		ans.From, ans.To = from, inject.Mono()
	}
	ans.Error, ans.CanNot = problem(err), errors.Is(err, errors.ErrUnsupported)
	a.out.say(Message{Re: r.ID, Answer: &ans})
}

// inTurn does what must not overlap.
func (a *agent) inTurn(ctx context.Context, r Request) (Answer, error) {
	a.faults.Lock()
	defer a.faults.Unlock()
	switch r.Cmd {
	case CmdStart:
		pid, err := a.start(r.Launch)
		return Answer{Pid: pid}, err
	case CmdKill:
		p, k, err := a.kill(ctx)
		return Answer{From: k.Start, To: k.End, Process: &p}, err
	case CmdPause:
		p, s, err := a.pause(ctx, r.TTL)
		return Answer{From: s.Start, To: s.End, Process: &p}, err
	case CmdResume:
		p, s, err := a.resume(ctx)
		return Answer{From: s.Start, To: s.End, Process: &p}, err
	case CmdCut:
		return Answer{}, a.cut(r.Peers, r.TTL)
	case CmdMono:
		c, s, err := a.setMonoRate(r.Rate, r.TTL)
		return Answer{From: s.Start, To: s.End, Clock: &c}, err
	case CmdClock:
		c, s, err := a.setClock(r.Clock, r.TTL)
		return Answer{From: s.Start, To: s.End, Clock: &c}, err
	case CmdDisarm:
		a.relay.disarm(r.Text)
		return Answer{}, nil
	}
	return a.detect(ctx)
}

// detect tries every mechanism, for which the node must be its own to play with.
func (a *agent) detect(ctx context.Context) (Answer, error) {
	if a.current() != nil {
		return Answer{}, errors.New("mechanisms are not tried while a child runs")
	}
	if err := a.net.close(); err != nil {
		return Answer{}, err
	}
	defer a.net.open()
	return Answer{Mechanisms: inject.Detect(ctx, a.processes)}, nil
}

// arm is done at once: no op that comes later may miss it.
func (a *agent) arm(_ context.Context, r Request) (Answer, error) {
	if r.Armed == nil {
		return Answer{}, errors.New("nothing to arm")
	}
	a.relay.arm(*r.Armed)
	return Answer{}, nil
}

func (a *agent) aside(ctx context.Context, r Request) (ans Answer, err error) {
	switch r.Cmd {
	case CmdDrops:
		ans.Drops, err = a.net.drops()
	case CmdProbe:
		err = a.net.send(ctx, r.Peers, r.Count)
	case CmdCounts:
		ans.Received, err = a.net.received()
	case CmdFour:
		c := a.current()
		if c == nil || c.launch.ClientPort == 0 {
			return ans, errors.New("no server runs")
		}
		ans.Text, err = four(ctx, c.launch.ClientPort, r.Word, fourDeadline)
	}
	return ans, err
}
