package participant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
	"riven/workloads/lock"
)

// retryPause is the time between two tries of a call that a lost connection failed.
const retryPause = 50 * time.Millisecond

// nativeLock is go-zookeeper's own zk.Lock under the lock workload, used with care: one connection, a new Lock for each
// acquire, Unlock until its outcome is known. What Lock leaves behind when it fails is not repaired: the library does
// not say what it is called. The connection renews its session as the library does, so a call can run in a session that
// it was not meant for.
//
// The library gives no notice of a lost lock and no bound on waiting: a hold ends at its release, or when the resource
// refuses its token; an acquire may never end.
type nativeLock struct {
	port     *port
	client   *client
	lock     *zk.Lock // nil: nothing is held
	hold     history.Op
	acquires int64
	accesses int64
}

// Do does one op of the lock workload.
func (n *nativeLock) Do(op history.Op) workloads.Completion {
	if err := n.connect(); err != nil {
		return workloads.Completion{Type: history.Fail, Error: err.Error()}
	}
	switch op.F {
	case lock.Acquire:
		return n.acquire()
	case lock.Work:
		return n.work(time.Duration(op.N) * time.Millisecond)
	case lock.Release:
		return n.release()
	case lock.List:
		return n.list()
	}
	return workloads.Completion{Type: history.Fail, Error: fmt.Sprintf("unknown op %q", op.F)}
}

// connect opens the one connection at the first op; the calls wait for its session by themselves.
func (n *nativeLock) connect() (err error) {
	if n.client == nil {
		n.client, err = openClient(n.port, n.port.hello.Spec.Timing.Session.D(), true)
	}
	return err
}

func (n *nativeLock) acquire() workloads.Completion {
	if n.lock != nil { // the ops were cut off before its release
		n.port.note(history.Op{F: history.NoteLost, Hold: n.hold.Hold, Token: n.hold.Token})
		n.release()
	}
	l := zk.NewLock(n.client.conn, lock.Root, zk.WorldACL(zk.PermAll))
	if err := l.Lock(); err != nil {
		return ended(acquireFailed(err), err)
	}
	n.acquires++ // the name of a hold that may have been is not used again
	n.lock = l
	n.hold = history.Op{Hold: fmt.Sprintf("%s/%d", n.port.id(), n.acquires)}
	err := n.again(func() (err error) {
		n.hold.Token, err = n.token()
		return err
	})
	if err != nil { // held by the library's word, but of no use without a token
		n.release()
		return ended(history.Info, fmt.Errorf("locked, but its node was not found: %w", err))
	}
	return workloads.Completion{Type: history.OK, Op: n.hold}
}

// acquireFailed tells what an error of Lock means. Lock does not say whether it left a node behind, so the outcome is
// unknown; but a node of an expired session is gone, and a bad path makes none.
func acquireFailed(err error) history.Type {
	if errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrInvalidPath) {
		return history.Fail
	}
	return history.Info
}

// again repeats a call that may be made twice while a lost connection fails it.
func (n *nativeLock) again(call func() error) error {
	for {
		err := call()
		if !errors.Is(translate(err), coord.ErrLoss) || n.port.stopped() {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-n.port.stop.ch:
		}
	}
}

// token is the czxid of the own node. The library does not tell which it is: it is the session's node of the lowest
// sequence number.
func (n *nativeLock) token() (int64, error) {
	names, _, err := n.client.conn.Children(lock.Root)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(sequence(a), sequence(b)) })
	for _, name := range names {
		found, st, err := n.client.conn.Exists(lock.Root + "/" + name)
		if err != nil {
			return 0, err
		}
		if found && st.EphemeralOwner == n.client.conn.SessionID() {
			return st.Czxid, nil
		}
	}
	return 0, fmt.Errorf("none of the nodes is this session's: %w", zk.ErrNoNode)
}

// sequence is what the server appended to a sequential node's name.
func sequence(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

func (n *nativeLock) work(length time.Duration) workloads.Completion {
	if n.lock == nil {
		return workloads.Completion{Type: history.Fail, Error: lock.NotHeld}
	}
	done := n.hold
	tick := time.NewTicker(max(lock.Pace(length), time.Millisecond))
	defer tick.Stop()
	for end := time.Now().Add(length); ; {
		n.accesses++
		reply, err := n.port.call(env.Request{Resource: lock.Register, Hold: n.hold.Hold, Token: n.hold.Token, N: n.accesses})
		if err != nil {
			return ended(history.Info, err)
		}
		if !reply.Accepted {
			done.Text = lock.Lost
			break
		}
		if done.N++; time.Now().After(end) {
			break
		}
		select {
		case <-tick.C:
		case <-n.port.stop.ch:
		}
	}
	return workloads.Completion{Type: history.OK, Op: done}
}

// release unlocks until it is known to be unlocked: when the reply to the first try was lost, the second finds no node.
func (n *nativeLock) release() workloads.Completion {
	if n.lock == nil {
		return workloads.Completion{Type: history.Fail, Error: lock.NotHeld}
	}
	tries := 0
	err := n.again(func() error {
		tries++
		return n.lock.Unlock()
	})
	n.lock = nil
	switch {
	case err == nil, errors.Is(err, zk.ErrNoNode) && tries > 1:
		return workloads.Completion{Type: history.OK, Op: n.hold}
	case errors.Is(err, zk.ErrNoNode): // the session of the hold had expired
		return ended(history.Fail, err)
	}
	return ended(history.Info, err)
}

func (n *nativeLock) list() workloads.Completion {
	var names []string
	err := n.again(func() (err error) {
		if _, err = n.client.conn.Sync(lock.Root); err == nil {
			names, _, err = n.client.conn.Children(lock.Root)
		}
		return err
	})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return ended(history.Fail, err)
	}
	slices.Sort(names)
	return workloads.Completion{Type: history.OK, Op: history.Op{N: int64(len(names)), Text: strings.Join(names, " ")}}
}

func ended(t history.Type, err error) workloads.Completion {
	return workloads.Completion{Type: t, Error: err.Error()}
}
