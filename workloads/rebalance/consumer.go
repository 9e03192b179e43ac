package rebalance

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"riven/checkers"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// Kinds of notes besides history.NoteRebalance, NoteAssigned and NoteRevoked.
const (
	noteConflict  = checkers.NoteConflict  // partition Key is somebody else's still, by its owner node
	noteCommitted = checkers.NoteCommitted // the offset N of Key is in ZooKeeper, by the write with the zxid Token
	noteMember    = checkers.NoteMember    // the node is registered as a member
	noteLeft      = checkers.NoteLeft      // it is not any more
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

// consumer is Kafka 0.8's ZookeeperConsumerConnector: it registers as a member, and whenever members, partitions or
// brokers change it stops its fetchers, commits, releases what it owns, and claims what the strategy gives it by owner
// nodes, again and again until it has all of it.
type consumer struct {
	sessions
	name   string
	member bool
	wish   env.Cond // fires when member changes
	settle env.Cond // fires when the wish is done
	lost   env.Cond // fires when the log says that a claim is fenced
	claims []*claim
	taken  int64
}

func newConsumer(c workloads.Config) workloads.Driven {
	name, _, _ := strings.Cut(c.Env.ID(), ".")
	x := &consumer{sessions: sessions{Config: c}, name: name, member: true, wish: c.Env.Cond(), settle: c.Env.Cond(), lost: c.Env.Cond()}
	c.Env.Go("member", x.run)
	return x
}

// newNode makes what the node's role says.
func newNode(c workloads.Config) workloads.Driven {
	if c.Role == Producer {
		return newProducer(c)
	}
	return newConsumer(c)
}

// Do does one op.
func (c *consumer) Do(op history.Op) workloads.Completion {
	switch op.F {
	case Rest:
		return rest(c.Config, op)
	case Owners:
		return c.readGroup()
	case Join, Leave:
		return c.become(op.F == Join)
	}
	return failed(fmt.Errorf("unknown op %q", op.F))
}

// become has the member's task join or leave; a leave is over when it is done, a join when it is under way.
func (c *consumer) become(member bool) workloads.Completion {
	if c.member != member {
		c.member = member
		done := c.settle
		c.wish.Fire()
		c.wish = c.Env.Cond()
		if !member {
			if _, err := c.Env.Wait(done, c.Env.After(2*c.timeout())); err != nil {
				return unknown(err)
			}
		}
	}
	return ok(history.Op{})
}

// run is a member's life, in one session after another.
func (c *consumer) run() {
	for {
		for !c.member {
			if _, err := c.Env.Wait(c.wish); err != nil {
				return
			}
		}
		s, err := c.open()
		if err == nil {
			err = c.belong(s)
		}
		if errors.Is(err, env.ErrStopped) {
			return
		}
		if errors.Is(err, coord.ErrExpired) && c.Has(oldSetKept) {
			c.claims = nil // and their fetchers go on
			continue
		}
		c.dropAll("the session is over")
		if !c.member {
			s.Close()
			c.session = nil
			c.Env.Note(env.Note{Kind: noteLeft})
		}
		c.settle.Fire()
		c.settle = c.Env.Cond()
		if _, err := c.Env.Wait(c.Env.After(pause)); err != nil {
			return
		}
	}
}

// belong registers and rebalances until the session is over or the member is to leave.
func (c *consumer) belong(s coord.Session) error {
	if err := c.register(s); err != nil {
		return err
	}
	for why := "joined"; ; {
		c.Env.Note(env.Note{Kind: history.NoteRebalance, Text: why})
		seen, err := c.rebalance(s)
		if err != nil {
			return err
		}
		if !c.member {
			return c.leave(s)
		}
		var retry coord.Signal = c.Env.Cond() // when everything is ours there is nothing to try again
		if !seen.complete {
			retry = c.Env.After(c.timeout()/8 + pause) // rebalance.backoff.ms
		}
		fired, err := c.Env.Wait(s.Expired(), c.wish, seen.members, seen.topic, seen.brokers, c.lost, retry)
		if err != nil {
			return err
		}
		if fired == 0 {
			return coord.ErrExpired
		}
		why = []string{"", "leaves", "members changed", "partitions changed", "brokers changed", "was fenced", "again"}[fired]
		if fired == 1 {
			return c.leave(s)
		}
	}
}

// register creates the member's node. One of an earlier session of this consumer goes first, by its expiry.
func (c *consumer) register(s coord.Session) error {
	if err := c.makeFolders(s, forever); err != nil {
		return err
	}
	for {
		_, err := s.Create(groupIDs+"/"+c.name, nil, coord.Ephemeral)
		if errors.Is(err, coord.ErrNodeExists) {
			var stat coord.Stat
			err = c.again(s, forever, func() (err error) {
				stat, _, err = s.Exists(groupIDs + "/" + c.name)
				return err
			})
			if err == nil && stat.EphemeralOwner != s.ID() {
				if _, err := c.Env.Wait(c.Env.After(pause)); err != nil {
					return err
				}
				continue
			}
		}
		if err == nil {
			c.Env.Note(env.Note{Kind: noteMember})
			return nil
		}
		if coord.Definite(err) || errors.Is(err, env.ErrStopped) {
			return err
		}
		if _, err := c.Env.Wait(c.Env.After(pause)); err != nil {
			return err
		}
	}
}

// leave is in good order.
func (c *consumer) leave(s coord.Session) error {
	c.releaseAll(s)
	return c.again(s, c.Env.Mono()+c.timeout(), func() error {
		err := s.Delete(groupIDs+"/"+c.name, coord.AnyVersion)
		if errors.Is(err, coord.ErrNoNode) {
			return nil
		}
		return err
	})
}

// view is what a rebalance went by, and the watches on it.
type view struct {
	members, topic, brokers coord.Signal
	complete                bool // everything that is to be ours is
}

// rebalance releases everything and claims what is to be ours.
func (c *consumer) rebalance(s coord.Session) (v view, err error) {
	late := c.releaseEarly(s)
	var names, brokers []string
	partitions := 0
	err = c.again(s, forever, func() (err error) {
		if names, v.members, err = s.ChildrenW(groupIDs); err != nil {
			return err
		}
		if brokers, v.brokers, err = s.ChildrenW(brokerIDs); err != nil {
			return err
		}
		data, _, watch, err := s.GetW(topic)
		if err != nil {
			return err
		}
		v.topic = watch
		if partitions, err = strconv.Atoi(string(data)); err != nil {
			return fmt.Errorf("read %s: %w: %w", topic, coord.ErrInvalid, err)
		}
		return nil
	})
	_ = brokers // who leads a partition does not matter here; that brokers change does
	if err != nil {
		return v, err
	}
	members := ordered(names)
	if c.Has(unsorted) {
		c.Env.Rand().Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	v.complete = true
	var got []*claim
	for _, p := range assign(members, partitions)[c.name] {
		x, err := c.take(s, p)
		if err != nil {
			return v, err
		}
		if x == nil {
			v.complete = false
			break
		}
		got = append(got, x)
	}
	if late != nil {
		late()
	}
	if !v.complete { // all or nothing (reflectPartitionOwnershipDecision): others may wait for what we took
		for _, x := range got {
			if err := c.deleteOwner(s, x); err != nil {
				return v, err
			}
		}
		return v, nil
	}
	for _, x := range got {
		c.start(x)
	}
	return v, nil
}

// releaseEarly releases everything before the new claims. The defect stops the fetchers only after them.
func (c *consumer) releaseEarly(s coord.Session) (late func()) {
	if !c.Has(fetchersNotStopped) {
		c.releaseAll(s)
		return nil
	}
	old := c.claims
	c.claims = nil
	for _, x := range old {
		_ = c.deleteOwner(s, x)
	}
	return func() {
		for _, x := range old {
			c.stop(x)
			c.Env.Note(env.Note{Kind: history.NoteRevoked, Key: x.partition, Hold: x.hold, Token: x.token, Text: "released"})
		}
	}
}

// take claims a partition; nil if somebody else owns it still.
func (c *consumer) take(s coord.Session, p string) (*claim, error) {
	path := owners + "/" + p
	for {
		_, err := s.Create(path, []byte(c.name), coord.Ephemeral)
		if err != nil && !errors.Is(err, coord.ErrNodeExists) {
			if coord.Definite(err) || errors.Is(err, env.ErrStopped) {
				return nil, err
			}
			if _, err := c.Env.Wait(c.Env.After(pause)); err != nil {
				return nil, err
			}
			continue
		}
		var stat coord.Stat
		var is bool
		if err := c.again(s, forever, func() (err error) {
			stat, is, err = s.Exists(path)
			return err
		}); err != nil {
			return nil, err
		}
		switch {
		case !is:
			continue
		case stat.EphemeralOwner != s.ID() && c.Has(ownerOverwritten):
			if stat, err = s.Set(path, []byte(c.name), coord.AnyVersion); err != nil {
				continue
			}
		case stat.EphemeralOwner != s.ID():
			c.Env.Note(env.Note{Kind: noteConflict, Key: p})
			return nil, nil
		}
		return c.claim(s, p, stat)
	}
}

// claim reads the offset to go on from.
func (c *consumer) claim(s coord.Session, p string, stat coord.Stat) (*claim, error) {
	c.taken++
	x := &claim{
		partition: p, hold: fmt.Sprintf("%s/%d", c.Env.ID(), c.taken), token: stat.Czxid,
		stop: c.Env.Cond(), stopped: c.Env.Cond(),
	}
	err := c.again(s, forever, func() error {
		data, stat, err := s.Get(offsets + "/" + p)
		if errors.Is(err, coord.ErrNoNode) {
			_, err = s.Create(offsets+"/"+p, []byte("0"), coord.Persistent)
			return err
		}
		if err != nil {
			return err
		}
		x.version = stat.Version
		if x.next, err = strconv.ParseInt(string(data), 10, 64); err != nil {
			return fmt.Errorf("read the offset of %s: %w: %w", p, coord.ErrInvalid, err)
		}
		return nil
	})
	if errors.Is(err, coord.ErrNodeExists) {
		return c.claim(s, p, stat)
	}
	x.done = x.next
	return x, err
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
	stat, err := s.Set(offsets+"/"+x.partition, []byte(strconv.FormatInt(x.next, 10)), version)
	if err != nil {
		return // the next one will, or whoever comes next consumes again
	}
	x.version, x.done = stat.Version, x.next
	c.Env.Note(env.Note{Kind: noteCommitted, Key: x.partition, Hold: x.hold, N: x.next, Token: stat.Mzxid})
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
	for _, x := range c.claims {
		c.stop(x)
		c.Env.Note(env.Note{Kind: history.NoteRevoked, Key: x.partition, Hold: x.hold, Token: x.token, Text: why})
	}
	c.claims = nil
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
