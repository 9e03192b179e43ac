package rebalance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"riven/harness/coord"
	"riven/harness/env"
)

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
	for _, p := range c.toTake(assign(members, partitions)[c.name]) {
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

// toTake is what is to be claimed of what is to be ours: all of it, unless a defect takes some for claimed already.
func (c *consumer) toTake(ours []string) []string {
	return slices.DeleteFunc(ours, func(p string) bool {
		return slices.ContainsFunc(c.kept, func(x *claim) bool { return x.partition == p })
	})
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
			c.drop(x, "released")
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
