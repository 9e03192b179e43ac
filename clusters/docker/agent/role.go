package agent

import (
	"context"
	"errors"
	"syscall"
	"time"
)

const (
	rolePoll     = 100 * time.Millisecond
	roleDeadline = 300 * time.Millisecond
	fourDeadline = time.Second
)

// watchRole says c's role whenever it is another one, or of another epoch (the upper half of a zxid), until c ends.
// A server that is paused or too busy to answer has the role that it had.
func (a *agent) watchRole(c *child) {
	<-c.told
	tick := time.NewTicker(rolePoll)
	defer tick.Stop()
	var last Role
	for {
		if now, ok := a.askRole(c); ok && (now.Role != last.Role || now.Zxid>>32 != last.Zxid>>32) {
			last = now
			a.out.stamped(func(t int64) Message {
				now.Time = t
				return Message{Role: &now}
			})
		}
		select {
		case <-tick.C:
		case <-c.proc.Done():
			return
		}
	}
}

func (a *agent) askRole(c *child) (Role, bool) {
	if a.paused.Load() {
		return Role{}, false
	}
	text, err := four(context.Background(), c.launch.ClientPort, "srvr", roleDeadline)
	if a.paused.Load() {
		return Role{}, false
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Role{Role: roleNone}, true
	}
	if err != nil || text == "" {
		return Role{}, false
	}
	role, zxid, err := parseSrvr(text)
	if err != nil {
		a.complain("%v", err)
		return Role{}, false
	}
	return Role{Role: role, Zxid: zxid}, true
}
