package counter

import (
	"errors"
	"fmt"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// absent is the version of a node that does not exist; a create is conditional on it.
const absent int32 = -1

// addition is one that is being made.
type addition struct {
	op    string
	delta int64
	// A write whose reply was lost may take effect yet, as long as the node is not past the version that it is conditional on.
	lost  bool
	guard int32 // the highest version that a lost write was conditional on
}

// add is the algorithm of Apache Curator's DistributedAtomicLong (DistributedAtomicValue.trySet): read, then write on
// the condition that nobody else has written, and again if somebody has. Where Curator leaves a lost reply to its user,
// the node tells: a write carries its op's id.
//
// After a lost reply the addition is simply tried again, from the reading on, which is safe whatever became of the lost
// write and however stale the reading is: both are conditional on versions, and the node is never deleted.
//   - The lost write took effect: every version after its own has the op's entry, until this participant's next addition.
//     So a reading without it is older, and a write that rests on it fails for the version.
//   - It has not taken effect yet: if it does, the second write fails for the version, and the next reading has the entry.
//   - It never will: the reading shows a version past its own without the entry. From then on nothing is in doubt.
//
// An addition that is given up while a lost write may still take effect is of unknown outcome. So is one that a stop or
// a death of the participant cuts off.
func (p *participant) add(delta int64) workloads.Completion {
	p.adds++
	a := &addition{op: fmt.Sprintf("%s/%d", p.env.ID(), p.adds), delta: delta, guard: absent}
	until := p.env.Mono() + p.patience
	for tries := 1; ; tries++ {
		op, err := p.tryAdd(a)
		if err == nil {
			return done(op)
		}
		if err := p.again(err, tries, until); err != nil {
			return a.unfinished(err)
		}
	}
}

func (a *addition) unfinished(err error) workloads.Completion {
	c := failed(err)
	if a.lost {
		c.Type = history.Info
	}
	return c
}

// tryAdd reads and writes once.
func (p *participant) tryAdd(a *addition) (history.Op, error) {
	s, err := p.open(&p.session)
	if err != nil {
		return history.Op{}, err
	}
	old, stat, err := p.get(s)
	if err != nil {
		return history.Op{}, err
	}
	if value, made := old.made(a.op); made && !p.cfg.Has(blindRetry) {
		return history.Op{N: value, Text: Resolved}, nil
	}
	if stat.Version > a.guard {
		a.lost = false
	}
	next := old.plus(p.name, a.op, a.delta)
	zxid, err := p.write(s, next, stat.Version)
	if unknown(err) {
		switch {
		case p.cfg.Has(lossIsSuccess):
			return history.Op{N: next.value}, nil
		case p.cfg.Has(lossIsFailure):
			return history.Op{}, fmt.Errorf("%w: %v", errGaveUp, err)
		}
		a.lost, a.guard = true, max(a.guard, stat.Version)
	}
	return history.Op{N: next.value, Token: zxid}, err
}

// write replaces that version of the node, and returns the zxid if the server tells it.
func (p *participant) write(s coord.Session, r record, version int32) (zxid int64, err error) {
	if version == absent {
		if _, err = s.Create(Path, r.bytes(), coord.Persistent); err == nil {
			p.seen = max(p.seen, 0)
		}
		return 0, err
	}
	if p.cfg.Has(anyVersion) {
		version = coord.AnyVersion
	}
	stat, err := s.Set(Path, r.bytes(), version)
	if err == nil {
		p.seen = max(p.seen, stat.Version)
	}
	return stat.Mzxid, err
}

// get reads the node; one that does not exist yet is 0.
func (p *participant) get(s coord.Session) (record, coord.Stat, error) {
	data, stat, err := s.Get(Path)
	if errors.Is(err, coord.ErrNoNode) {
		return record{}, coord.Stat{Version: absent}, nil
	}
	if err != nil {
		return record{}, stat, err
	}
	p.seen = max(p.seen, stat.Version)
	r, err := parse(data)
	return r, stat, err
}

// read reads what the session's server has after a sync. In a new session, or at a server whose leader was deposed without
// its knowing, that may be older than what this participant knows: then it reads again.
func (p *participant) read() (history.Op, error) {
	s, err := p.reader()
	if err != nil {
		return history.Op{}, err
	}
	if !p.cfg.Has(twoSessions) {
		if err := s.Sync(Path); err != nil {
			return history.Op{}, err
		}
	}
	r, stat, err := p.get(s)
	switch {
	case err != nil:
		return history.Op{}, err
	case stat.Version < p.seen && !p.cfg.Has(twoSessions):
		return history.Op{}, errStale
	}
	return history.Op{N: r.value, Token: stat.Mzxid}, nil
}

// total reads through a write: a session never sees a state before its own last write, and that one has a place in the
// order of all writes. A sync has none (ZOOKEEPER-1675).
func (p *participant) total() (history.Op, error) {
	s, err := p.open(&p.session)
	if err != nil {
		return history.Op{}, err
	}
	_, err = s.Set(Barrier, nil, coord.AnyVersion)
	if errors.Is(err, coord.ErrNoNode) {
		_, err = s.Create(Barrier, nil, coord.Persistent)
	}
	if err != nil {
		return history.Op{}, err
	}
	r, stat, err := p.get(s)
	return history.Op{N: r.value, Token: stat.Mzxid}, err
}

// repeat does what may be done twice until it succeeds or takes too long.
func (p *participant) repeat(once func() (history.Op, error)) workloads.Completion {
	until := p.env.Mono() + p.patience
	for tries := 1; ; tries++ {
		op, err := once()
		if err == nil {
			return done(op)
		}
		if err := p.again(err, tries, until); err != nil {
			return failed(err)
		}
	}
}

func (p *participant) rest(length time.Duration) workloads.Completion {
	if _, err := p.env.Wait(p.env.After(length)); err != nil {
		return failed(err)
	}
	return done(history.Op{})
}

func done(op history.Op) workloads.Completion {
	return workloads.Completion{Type: history.OK, Op: op}
}

// failed is for ops that surely did not happen; a stopping node is sure of nothing.
func failed(err error) workloads.Completion {
	if errors.Is(err, env.ErrStopped) {
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}
