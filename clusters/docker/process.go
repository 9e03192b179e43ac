package docker

import (
	"context"
	"fmt"
	"time"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
	"riven/harness/history"
	"riven/nemesis"
)

// faultTTL is when a fault in a node ends by itself, should the harness have lost track of it: well after any fault of
// the run can last.
func (c *Cluster) faultTTL() int64 { return (c.cfg.Spec.Time.D() + 5*time.Minute).Milliseconds() }

func span(a agent.Answer) clusters.Span { return clusters.Span{From: a.From, To: a.To} }

// Kill sends SIGKILL to everything on the node but the agent.
func (c *Cluster) Kill(ctx context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	return c.process(ctx, name, agent.Request{Cmd: agent.CmdKill})
}

// Pause stops every thread on the node but the agent's.
func (c *Cluster) Pause(ctx context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	return c.process(ctx, name, agent.Request{Cmd: agent.CmdPause, TTL: c.faultTTL()})
}

// Resume lets them run again.
func (c *Cluster) Resume(ctx context.Context, name string) (nemesis.ProcessReceipt, clusters.Span, error) {
	return c.process(ctx, name, agent.Request{Cmd: agent.CmdResume})
}

func (c *Cluster) process(ctx context.Context, name string, r agent.Request) (nemesis.ProcessReceipt, clusters.Span, error) {
	n, err := c.node(name)
	if err != nil {
		return nemesis.ProcessReceipt{}, clusters.Span{}, err
	}
	a, err := n.ask(ctx, r)
	if err != nil {
		return nemesis.ProcessReceipt{Node: name}, clusters.Span{}, err
	}
	return receipt(name, a.Process), span(a), nil
}

// Restart starts the next incarnation of a child that has ended: a server on the data that it had, a participant with
// a new Hello.
func (c *Cluster) Restart(ctx context.Context, name string) (pid int, s clusters.Span, err error) {
	n, err := c.node(name)
	if err != nil {
		return 0, clusters.Span{}, err
	}
	return c.startChild(ctx, n)
}

// startChild waits until everything that the child before had said was taken in: a reply to one of its accesses must
// not reach the next.
func (c *Cluster) startChild(ctx context.Context, n *node) (pid int, s clusters.Span, err error) {
	ended, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("start %s: its process before has not ended within %v", n.name, callTime))
	defer cancel()
	err = c.board.await(ended, func(nodes map[string]state) (bool, error) {
		return !nodes[n.name].running, nodes[n.name].gone
	})
	if err != nil {
		return 0, clusters.Span{}, &nodeError{n.name, err}
	}
	a, err := n.ask(ctx, agent.Request{Cmd: agent.CmdStart, Launch: n.launch(c.board.get(n.name).incarnation + 1)})
	if err != nil {
		return 0, clusters.Span{}, err
	}
	return a.Pid, span(a), nil
}

// LoseReply orders a participant to lose replies, or no more of them with a count below 0. That it can not is told later, by a note of the kind
// protocol.TypeUnsupported with the fault's id as its key.
func (c *Cluster) LoseReply(_ context.Context, name, fault, op string, count int) error {
	n, err := c.participant(name)
	if err != nil {
		return err
	}
	if !c.board.get(name).running {
		if count < 0 {
			return nil // the orders have ended with their process
		}
		return fmt.Errorf("lose a reply of %s: its process does not run", name)
	}
	return n.tell(agent.Request{Cmd: agent.CmdReply, In: &protocol.In{
		Type: protocol.TypeOrder, Op: history.Op{Key: fault, F: op, N: int64(count)},
	}})
}

// Slow orders a participant to take messages up late, or no more with no delay. That it can not is told as for LoseReply.
func (c *Cluster) Slow(_ context.Context, name, fault string, delay time.Duration) error {
	n, err := c.participant(name)
	if err != nil {
		return err
	}
	if !c.board.get(name).running {
		if delay == 0 {
			return nil // the order has ended with its process
		}
		return fmt.Errorf("slow %s down: its process does not run", name)
	}
	return n.tell(agent.Request{Cmd: agent.CmdReply, In: &protocol.In{
		Type: protocol.TypeOrder, Op: history.Op{Key: fault, F: protocol.OrderSlow, N: delay.Nanoseconds()},
	}})
}

// Arm arms the fault in the agents of participants.
func (c *Cluster) Arm(ctx context.Context, names []string, f clusters.Armed) error {
	return c.askEach(ctx, names, agent.Request{Cmd: agent.CmdArm, Armed: &agent.Armed{
		Fault: f.Fault, Event: string(f.Event), Nth: f.Nth, After: f.After.Nanoseconds(), Kind: string(f.Kind), TTL: c.faultTTL(),
	}})
}

// Disarm takes it back. Where it has fired already the observer was or will be told.
func (c *Cluster) Disarm(ctx context.Context, names []string, fault string) error {
	return c.askEach(ctx, names, agent.Request{Cmd: agent.CmdDisarm, Text: fault})
}

func (c *Cluster) askEach(ctx context.Context, names []string, r agent.Request) error {
	nodes := make([]*node, len(names))
	for i, name := range names {
		n, err := c.participant(name)
		if err != nil {
			return err
		}
		nodes[i] = n
	}
	return each(nodes, func(_ int, n *node) error {
		_, err := n.ask(ctx, r)
		return err
	})
}

// Formed returns when one of the running servers leads and all others follow.
func (c *Cluster) Formed(ctx context.Context) error {
	names := c.cfg.Spec.ServerNames()
	err := c.board.await(ctx, func(nodes map[string]state) (bool, error) {
		for _, name := range names {
			if err := nodes[name].gone; err != nil {
				return false, &nodeError{name, err}
			}
		}
		return formed(nodes, names), nil
	})
	if err != nil {
		return failed("the ensemble did not form", err, c.servers)
	}
	return nil
}

// Ask sends a four-letter word to a server, which its agent does on the loopback.
func (c *Cluster) Ask(ctx context.Context, name, word string) (string, error) {
	n, err := c.node(name)
	if err != nil {
		return "", err
	}
	a, err := n.ask(ctx, agent.Request{Cmd: agent.CmdFour, Word: word})
	if err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	return a.Text, nil
}
