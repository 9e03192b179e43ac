package rebalance

import (
	"errors"
	"fmt"
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
	kept   []*claim // of sessions that are over, and still worked on: only by a defect
	late   []*claim // of sessions that are over, and still to be committed: only by a defect
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
			fired, err := c.Env.Wait(done, c.Env.After(2*c.timeout()))
			if err != nil {
				return unknown(err)
			}
			if fired == 1 {
				return workloads.Completion{Type: history.Info, Error: "it has not left yet"}
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
			c.kept, c.claims = append(c.kept, c.claims...), nil // and their fetchers go on
			continue
		}
		if errors.Is(err, coord.ErrExpired) && c.Has(unconditionalCommit) {
			c.late = append(c.late, c.claims...)
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
	late := c.late
	c.late = nil
	for _, x := range late {
		c.commit(s, x)
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
		why = []string{"", "leaves", checkers.MembersChanged, checkers.PartitionsChanged, checkers.BrokersChanged, "was fenced", "again"}[fired]
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
