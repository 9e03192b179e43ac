package rebalance

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// Nodes in ZooKeeper, as Kafka 0.8 has them.
const (
	groupIDs  = "/consumers/g/ids"       // EPHEMERAL children: the members
	owners    = "/consumers/g/owners/t"  // EPHEMERAL children: who owns a partition
	offsets   = "/consumers/g/offsets/t" // PERSISTENT children: the next offset of a partition
	brokerIDs = "/brokers/ids"           // EPHEMERAL children: the brokers
	topic     = "/brokers/topics/t"      // PERSISTENT: how many partitions it has
)

// folders are made by whoever comes first, parents first.
func folders() []string {
	return []string{
		"/consumers", "/consumers/g", groupIDs, "/consumers/g/owners", owners, "/consumers/g/offsets", offsets, "/brokers", brokerIDs, "/brokers/topics",
	}
}

// forever is no bound on trying.
const forever time.Duration = math.MaxInt64

// pause before a call that failed is made again.
const pause = 50 * time.Millisecond

// sessions is a participant's one session, opened again when it has expired.
type sessions struct {
	workloads.Config
	session coord.Session
	opening bool // a task is at it: the others wait
}

func (s *sessions) timeout() time.Duration { return s.Spec.Timing.Session.D() }

// open gives a session that lives; only a stop ends the trying.
func (s *sessions) open() (coord.Session, error) {
	for s.session == nil || s.session.Expired().Fired() {
		if s.opening {
			if _, err := s.Env.Wait(s.Env.After(pause)); err != nil {
				return nil, err
			}
			continue
		}
		s.opening = true
		fresh, err := s.Env.Open(coord.Options{Timeout: s.timeout()})
		s.opening = false
		if errors.Is(err, env.ErrStopped) {
			return nil, err
		}
		if err == nil {
			s.session = fresh
			break
		}
		if _, err := s.Env.Wait(s.Env.After(pause)); err != nil {
			return nil, err
		}
	}
	return s.session, nil
}

// again repeats a call that may be made twice while a lost connection fails it; it gives up with the session, and at
// the given reading of the monotonic clock.
func (s *sessions) again(session coord.Session, until time.Duration, call func() error) error {
	for {
		err := call()
		if err == nil || coord.Definite(err) && !errors.Is(err, coord.ErrMoved) || errors.Is(err, env.ErrStopped) || s.Env.Mono() >= until {
			return err
		}
		fired, err := s.Env.Wait(session.Expired(), s.Env.After(pause))
		switch {
		case err != nil:
			return err
		case fired == 0:
			return coord.ErrExpired
		}
	}
}

// makeFolders makes what is missing.
func (s *sessions) makeFolders(session coord.Session, until time.Duration) error {
	create := func(path, data string) error {
		err := s.again(session, until, func() error {
			_, err := session.Create(path, []byte(data), coord.Persistent)
			return err
		})
		if errors.Is(err, coord.ErrNodeExists) {
			return nil
		}
		return err
	}
	for _, f := range folders() {
		if err := create(f, ""); err != nil {
			return err
		}
	}
	return create(topic, strconv.Itoa(firstPartitions))
}

// readGroup reads members, partitions and owners.
func (s *sessions) readGroup() workloads.Completion {
	session, err := s.open()
	if err != nil {
		return unknown(err)
	}
	var members, taken []string
	var n int
	owned := ""
	err = s.again(session, s.Env.Mono()+s.timeout(), func() error {
		if err := session.Sync(groupIDs); err != nil {
			return err
		}
		if members, err = session.Children(groupIDs); err != nil {
			return err
		}
		if taken, err = session.Children(owners); err != nil {
			return err
		}
		data, _, err := session.Get(topic)
		if err != nil {
			return err
		}
		if n, err = strconv.Atoi(string(data)); err != nil {
			return fmt.Errorf("read %s: %w: %w", topic, coord.ErrInvalid, err)
		}
		owned = ""
		for _, p := range ordered(taken) {
			who, _, err := session.Get(owners + "/" + p)
			if err != nil {
				return err
			}
			owned += " " + p + "=" + string(who)
		}
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return ok(history.Op{N: int64(n), Text: strings.Join(ordered(members), ",") + "|" + strings.TrimSpace(owned)})
}

// producer appends messages and changes topic and brokers.
type producer struct {
	sessions
}

func newProducer(c workloads.Config) workloads.Driven {
	p := &producer{sessions{Config: c}}
	c.Env.Go("session", p.keep)
	return p
}

// keep has a session open all the time, so that a partition from the servers is felt.
func (p *producer) keep() {
	for {
		s, err := p.open()
		if err != nil {
			return
		}
		if _, err := p.Env.Wait(s.Expired()); err != nil {
			return
		}
	}
}

// Do does one op.
func (p *producer) Do(op history.Op) workloads.Completion {
	switch op.F {
	case Produce:
		reply, err := p.call(op.Key, verbAppend, op.N)
		if err != nil {
			return unknown(err)
		}
		return ok(history.Op{Key: op.Key, N: op.N, Token: reply.N})
	case Rest:
		return rest(p.Config, op)
	case Owners:
		return p.readGroup()
	case Drain:
		return p.drain()
	case Grow, Broker:
		return p.change(op.F)
	}
	return failed(fmt.Errorf("unknown op %q", op.F))
}

func (p *producer) call(key, verb string, n int64) (env.Reply, error) {
	return p.Env.Call(env.Request{Resource: LogResource, Key: key, Hold: p.Env.ID() + "/0", N: n, Text: verb})
}

// change makes the topic grow, or a broker go or come.
func (p *producer) change(what string) workloads.Completion {
	until := p.Env.Mono() + p.timeout()
	s, err := p.open()
	if err == nil {
		err = p.makeFolders(s, until)
	}
	if err != nil {
		return unknown(err)
	}
	if what == Grow {
		return p.grow(s, until)
	}
	const second = brokerIDs + "/2"
	_, err = s.Create(second, nil, coord.Ephemeral)
	if errors.Is(err, coord.ErrNodeExists) {
		err = s.Delete(second, coord.AnyVersion)
	}
	if err != nil {
		return unknown(err)
	}
	return ok(history.Op{})
}

func (p *producer) grow(s coord.Session, until time.Duration) workloads.Completion {
	var n int
	err := p.again(s, until, func() error {
		data, stat, err := s.Get(topic)
		if err != nil {
			return err
		}
		if n, err = strconv.Atoi(string(data)); err != nil {
			return fmt.Errorf("read %s: %w: %w", topic, coord.ErrInvalid, err)
		}
		if n >= mostPartitions {
			return nil
		}
		n++
		_, err = s.Set(topic, []byte(strconv.Itoa(n)), stat.Version)
		return err
	})
	if err != nil {
		return unknown(err)
	}
	return ok(history.Op{N: int64(n)})
}

// drain produces a message for every partition and waits until everything is consumed.
func (p *producer) drain() workloads.Completion {
	s, err := p.open()
	if err != nil {
		return unknown(err)
	}
	until := p.Env.Mono() + p.timeout()
	var n int
	err = p.again(s, until, func() error {
		data, _, err := s.Get(topic)
		if err == nil {
			n, err = strconv.Atoi(string(data))
		}
		return err
	})
	if err != nil {
		return failed(err)
	}
	for i := range n {
		if _, err := p.call(partition(i), verbAppend, -1); err != nil {
			return unknown(err)
		}
	}
	for {
		lag := int64(0)
		for i := range n {
			reply, err := p.call(partition(i), verbLag, 0)
			if err != nil {
				return unknown(err)
			}
			lag += reply.N
		}
		switch {
		case lag == 0:
			return ok(history.Op{N: int64(n)})
		case p.Env.Mono() >= until:
			return workloads.Completion{Type: history.Fail, Error: fmt.Sprintf("%d messages are not consumed yet", lag)}
		}
		if _, err := p.Env.Wait(p.Env.After(pause)); err != nil {
			return unknown(err)
		}
	}
}

func rest(c workloads.Config, op history.Op) workloads.Completion {
	if _, err := c.Env.Wait(c.Env.After(time.Duration(op.N) * time.Millisecond)); err != nil {
		return unknown(err)
	}
	return ok(op)
}

func ok(op history.Op) workloads.Completion { return workloads.Completion{Type: history.OK, Op: op} }

func failed(err error) workloads.Completion {
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}

func unknown(err error) workloads.Completion {
	return workloads.Completion{Type: history.Info, Error: err.Error()}
}
