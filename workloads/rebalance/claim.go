package rebalance

import (
	"errors"
	"strconv"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
)

// committed is how many messages are consumed before their offset is written.
const committed = 20

// claim is a partition that we own.
type claim struct {
	partition string
	hold      string
	token     int64 // czxid of the owner node
	next      int64 // offset of the message to consume next
	done      int64 // offset that is in ZooKeeper
	version   int32 // of the offset's node
	stop      env.Cond
	stopped   env.Cond // its fetcher has come to its end
}

// start lets a claim be worked on.
func (c *consumer) start(x *claim) {
	c.claims = append(c.claims, x)
	c.Env.Note(env.Note{Kind: history.NoteAssigned, Key: x.partition, Hold: x.hold, Token: x.token})
	s := c.session
	c.Env.Go("fetch "+x.partition, func() {
		defer x.stopped.Fire()
		c.fetch(s, x)
	})
}

// fetch consumes until it is told to stop or is fenced, and commits now and then.
func (c *consumer) fetch(s coord.Session, x *claim) {
	for !x.stop.Fired() {
		reply, err := c.Env.Call(env.Request{Resource: LogResource, Key: x.partition, Hold: x.hold, Token: x.token, N: x.next, Text: verbFetch})
		switch {
		case err != nil:
			return
		case reply.Accepted, reply.Text == isDone:
			x.next++
			if x.next-x.done < committed {
				continue
			}
		case reply.Text == isFenced:
			c.lost.Fire()
			c.lost = c.Env.Cond()
			return
		}
		c.commit(s, x)
		if reply.Accepted {
			continue
		}
		if _, err := c.Env.Wait(x.stop, c.Env.After(pause)); err != nil {
			return
		}
	}
}

// commit writes the offset, on the condition that nobody else has written it since.
func (c *consumer) commit(s coord.Session, x *claim) {
	if x.next == x.done {
		return
	}
	version := x.version
	if c.Has(unconditionalCommit) {
		version = coord.AnyVersion
		s = c.session
	}
	path, offset := offsets+"/"+x.partition, x.next
	stat, err := s.Set(path, []byte(strconv.FormatInt(offset, 10)), version)
	if errors.Is(err, coord.ErrLoss) { // it may have been done: then ours is the next version, with our offset
		var data []byte
		if data, stat, err = s.Get(path); err == nil && (stat.Version != x.version+1 || string(data) != strconv.FormatInt(offset, 10)) {
			err = coord.ErrLoss
		}
	}
	if errors.Is(err, coord.ErrExpired) && c.Has(unconditionalCommit) {
		c.late = append(c.late, x)
	}
	if err != nil {
		return // the next one will, or whoever comes next consumes again
	}
	x.version, x.done = stat.Version, offset
	c.Env.Note(env.Note{Kind: noteCommitted, Key: x.partition, Hold: x.hold, N: offset, Token: stat.Mzxid})
}

// stop ends the fetcher of a claim; afterwards it consumes nothing more.
func (c *consumer) stop(x *claim) {
	x.stop.Fire()
	_, _ = c.Env.Wait(x.stopped) // a stopping node stops it too
}

// releaseAll stops the fetchers, commits what they consumed, and only then lets the partitions go.
func (c *consumer) releaseAll(s coord.Session) {
	for _, x := range c.claims {
		c.stop(x)
		c.commit(s, x)
		c.Env.Note(env.Note{Kind: history.NoteRevoked, Key: x.partition, Hold: x.hold, Token: x.token, Text: "released"})
	}
	for _, x := range c.claims {
		_ = c.deleteOwner(s, x) // of a session that is over they are gone by themselves
	}
	c.claims = nil
}

// dropAll forgets what was owned in a session that is over.
func (c *consumer) dropAll(why string) {
	for _, x := range append(c.claims, c.kept...) {
		c.drop(x, why)
	}
	c.claims, c.kept = nil, nil
}

func (c *consumer) drop(x *claim, why string) {
	c.stop(x)
	c.Env.Note(env.Note{Kind: history.NoteRevoked, Key: x.partition, Hold: x.hold, Token: x.token, Text: why})
}

// deleteOwner deletes an owner node of this session's.
func (c *consumer) deleteOwner(s coord.Session, x *claim) error {
	path := owners + "/" + x.partition
	return c.again(s, forever, func() error {
		stat, is, err := s.Exists(path)
		if err != nil || !is || stat.EphemeralOwner != s.ID() || stat.Czxid != x.token {
			return err
		}
		err = s.Delete(path, coord.AnyVersion)
		if errors.Is(err, coord.ErrNoNode) {
			return nil
		}
		return err
	})
}
