package client

import (
	"fmt"
	"strconv"

	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/kernel"
	"riven/clusters/sim/network"
	"riven/harness/history"
)

// Heard takes what a server sent.
func (c *Client) Heard(conn network.Conn, r *ensemble.Reply) {
	if conn != c.conn || c.dead.Fired() {
		return
	}
	c.heard = c.host.Now()
	switch r.Kind {
	case ensemble.Connected:
		c.welcome(r)
	case ensemble.Event:
		c.happened(r)
	case ensemble.Response:
		if r.Xid != -2 {
			c.answered(r)
		}
	}
}

// welcome is the session's birth, its return after a lost connection, or its death.
func (c *Client) welcome(r *ensemble.Reply) {
	switch {
	case r.Session == 0 && c.session == 0:
		return // the server hangs up, the client asks again
	case r.Session != c.session && c.session != 0:
		c.host.Note(history.Op{F: history.NoteExpired, Token: c.session})
		c.End()
		return
	}
	c.session, c.password, c.timeout, c.dials, c.greeted = r.Session, r.Password, r.Timeout, 0, true
	c.hex = "0x" + strconv.FormatUint(uint64(c.session), 16)
	c.down = new(kernel.Signal)
	c.host.Note(history.Op{F: history.NoteConnected, Token: c.session, Text: c.host.Name(c.at)})
	c.up.Fire()
	c.expectRead()
	c.host.After(c.timeout/3, c, Timer{TimeToPing, c.try})
	rearm := c.rearm()
	switch {
	case rearm == nil:
	case c.profile == Java:
		c.waiting = append([]*call{rearm}, c.waiting...)
	default:
		c.waiting = append(c.waiting, rearm)
	}
	c.flush()
}

// rearm is the SetWatches request that brings the watches along.
func (c *Client) rearm() *call {
	if len(c.watches) == 0 {
		return nil
	}
	m := &ensemble.Rearm{Zxid: c.last}
	for _, w := range c.watches {
		switch w.kind {
		case onChildren:
			m.Children = append(m.Children, w.path)
		case onAbsent:
			m.Exists = append(m.Exists, w.path)
		default:
			m.Data = append(m.Data, w.path)
		}
	}
	return &call{name: "setWatches", req: ensemble.Request{Op: ensemble.OpSetWatches, Watches: m}}
}

// flush sends what waits, if it can.
func (c *Client) flush() {
	if !c.greeted {
		return
	}
	for _, q := range c.waiting {
		c.xid++
		q.req.Xid = c.xid
		c.sent = append(c.sent, q)
		c.send(&q.req)
	}
	c.waiting = c.waiting[:0]
}

// happened is a watch event: it wakes everybody who waits for it at this client.
func (c *Client) happened(r *ensemble.Reply) {
	c.wire(history.Op{F: "watch", Text: eventNames[r.Event], Key: r.Path, N: -1, Token: r.Zxid}, "")
	kept := c.watches[:0]
	for _, w := range c.watches {
		if w.path == r.Path && w.fires(r.Event) {
			w.signal.Fire()
		} else {
			kept = append(kept, w)
		}
	}
	clear(c.watches[len(kept):])
	c.watches = kept
}

func (w *watch) fires(e ensemble.EventKind) bool {
	switch e {
	case ensemble.NodeCreated:
		return w.kind == onAbsent
	case ensemble.NodeDataChanged:
		return w.kind != onChildren
	case ensemble.NodeChildrenChanged:
		return w.kind == onChildren
	}
	return true
}

// answered is the reply to the oldest request.
func (c *Client) answered(r *ensemble.Reply) {
	if len(c.sent) == 0 || c.sent[0].req.Xid != r.Xid {
		panic(fmt.Sprintf("reply to xid %d out of order", r.Xid))
	}
	q := c.sent[0]
	if r.Err == ensemble.OK && c.host.Lose(q.name, r.Xid, r.Zxid) {
		c.lost()
		return
	}
	c.sent = c.sent[1:]
	if r.Zxid > 0 {
		c.last = r.Zxid
	}
	c.wire(history.Op{F: "reply", Text: q.name, Key: q.req.Path, N: int64(r.Xid), Token: r.Zxid}, codeNames[r.Err])
	q.reply = *r
	if w := q.watch; w != nil {
		switch {
		case r.Err == ensemble.OK:
			c.watches = append(c.watches, w)
		case r.Err == ensemble.NoNode && q.req.Op == ensemble.OpExists:
			w.kind = onAbsent
			c.watches = append(c.watches, w)
		}
	}
	q.finish(errorOf(r.Err))
}

func (c *Client) wire(op history.Op, err string) {
	op.Hold = c.hex
	c.host.Wire(op, err)
}
