package participant

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"riven/clusters/docker/protocol"
	"riven/harness/env"
	"riven/harness/history"
)

// A message takes a connection of its own: a line that says who asks and what, and a line back. So one that a partition
// holds up does not hold up the next, and may still arrive when whoever sent it has given up.
type envelope struct {
	From string `json:"from"`
	env.Message
}

const (
	// longestMessage is what a message may take in bytes.
	longestMessage = 64 << 10
	// messageLife ends a connection whose other side is silent: it may have been cut off.
	messageLife = time.Minute
)

// Serve takes messages where the other nodes were told that this one takes them.
func (e *environment) Serve(f func(from string, m env.Message) env.Message) {
	address, err := e.peer(e.port.hello.Node)
	if err != nil {
		e.port.end(err)
		return
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		e.port.end(fmt.Errorf("take messages: %w", err))
		return
	}
	e.port.orders.takeMessages()
	e.port.task("messages", func() {
		<-e.port.stop.ch
		listener.Close()
	})
	e.port.task("messages", func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				if !e.port.stopped() {
					e.port.end(fmt.Errorf("take messages: %w", err))
				}
				return
			}
			e.port.task("message", func() { e.heard(c, f) })
		}
	})
}

// heard answers the message on c. A message that breaks off is none.
func (e *environment) heard(c net.Conn, f func(string, env.Message) env.Message) {
	defer c.Close()
	defer context.AfterFunc(e.port.running, func() { c.Close() })()
	if c.SetDeadline(time.Now().Add(messageLife)) != nil {
		return
	}
	var m envelope
	if json.NewDecoder(io.LimitReader(c, longestMessage)).Decode(&m) != nil {
		return
	}
	e.token.Lock()
	defer e.token.Unlock()
	for _, d := range e.port.orders.late() {
		came := time.Now()
		if _, err := e.Wait(e.After(d.by)); err != nil {
			return
		}
		e.port.note(history.Op{F: history.NoteLate, Key: d.fault, N: int64(time.Since(came))})
	}
	if e.port.stopped() {
		return
	}
	answer := f(m.From, m.Message)
	e.away(func() { _ = json.NewEncoder(c).Encode(answer) }) // who asked may be gone
}

// Ask sends m to the node and waits for its answer.
func (e *environment) Ask(node string, m env.Message, timeout time.Duration) (answer env.Message, err error) {
	address, err := e.peer(node)
	if err != nil {
		return env.Message{}, err
	}
	e.away(func() {
		ctx, cancel := context.WithTimeout(e.port.running, timeout)
		defer cancel()
		answer, err = ask(ctx, address, envelope{e.port.hello.Node, m})
	})
	switch {
	case e.port.stopped():
		return env.Message{}, env.ErrStopped
	case err != nil:
		return env.Message{}, fmt.Errorf("%s to %s: %w: %w", m.Kind, node, env.ErrNoAnswer, err)
	}
	return answer, nil
}

func ask(ctx context.Context, address string, m envelope) (answer env.Message, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return answer, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := json.NewEncoder(c).Encode(m); err != nil {
		return answer, err
	}
	return answer, json.NewDecoder(io.LimitReader(c, longestMessage)).Decode(&answer)
}

func (e *environment) peer(node string) (address string, err error) {
	peers := e.port.hello.Peers
	i := slices.IndexFunc(peers, func(p protocol.Server) bool { return p.Name == node })
	if i < 0 {
		return "", fmt.Errorf("%s is told of no node %q that takes messages", e.port.hello.Node, node)
	}
	return peers[i].Address, nil
}
