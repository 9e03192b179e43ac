package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
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
	now := Role{Role: role, Zxid: zxid}
	if role == roleLeader {
		return a.ofEpoch(now, c.launch.EpochFile)
	}
	return now, true
}

// ofEpoch says under which epoch a leader leads. Its zxid alone does not tell: for a moment after it has begun to serve
// that is still of the epoch before (Leader.startZkServer: startup, then setlastProcessedZxid). Its file is of the new
// epoch by then, and epochs in it never go back, so where the file, read after the answer, and the zxid agree, that is
// the epoch of the answer. Where they do not, the leader is asked again. One without a file has no epoch by proof.
func (a *agent) ofEpoch(r Role, file string) (Role, bool) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, true
	}
	if err == nil {
		r.Epoch, err = strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	}
	if err != nil {
		a.complain("epoch: %v", err)
		return Role{}, false
	}
	return r, r.Epoch == r.Zxid>>32
}
