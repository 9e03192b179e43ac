package register

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

const (
	root    = "/register"
	scratch = root + "/scratch" // what a read writes first
	pause   = 50 * time.Millisecond
)

// znode is a register as ZooKeeper offers it: the node's data is the value, its version says how often it was written.
type znode struct {
	workloads.Config
	session coord.Session
}

func newZnode(c workloads.Config) workloads.Driven { return &znode{Config: c} }

// Do does one op.
func (z *znode) Do(op history.Op) workloads.Completion {
	if op.F == Rest {
		if _, err := z.Env.Wait(z.Env.After(time.Duration(op.N) * time.Millisecond)); err != nil {
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
		return workloads.Completion{Type: history.OK, Op: op}
	}
	s, err := z.open()
	if err != nil {
		return undone(err)
	}
	path := root + "/" + op.Key
	switch op.F {
	case Write:
		return z.write(s, path, op)
	case Read:
		if !z.Has(plainRead) {
			if _, err := s.Set(scratch, nil, coord.AnyVersion); err != nil {
				return undone(err)
			}
		}
	case SyncGet:
		if err := s.Sync(path); err != nil {
			return undone(err)
		}
	case Get:
	default:
		return undone(fmt.Errorf("unknown op %q", op.F))
	}
	return z.get(s, path, op)
}

// open gives a session that lives, with the folder made; it fails after a session timeout of trying.
func (z *znode) open() (coord.Session, error) {
	until := z.Env.Mono() + z.Spec.Timing.Session.D()
	for z.session == nil || z.session.Expired().Fired() {
		s, err := z.Env.Open(coord.Options{Timeout: z.Spec.Timing.Session.D()})
		if err == nil {
			for _, path := range []string{root, scratch} {
				if _, e := s.Create(path, nil, coord.Persistent); e != nil && !errors.Is(e, coord.ErrNodeExists) {
					err = e
				}
			}
		}
		switch {
		case err == nil:
			z.session = s
		case errors.Is(err, env.ErrStopped), z.Env.Mono() >= until:
			return nil, err
		default:
			if s != nil {
				s.Close()
			}
			if _, err := z.Env.Wait(z.Env.After(pause)); err != nil {
				return nil, err
			}
		}
	}
	return z.session, nil
}

// get reads the node; one that does not exist was never written.
func (z *znode) get(s coord.Session, path string, op history.Op) workloads.Completion {
	value, version, err := read(s, path)
	if err != nil {
		return undone(err)
	}
	return workloads.Completion{Type: history.OK, Op: history.Op{Key: op.Key, N: value, Token: version, Hold: fmt.Sprintf("%#x", s.ID())}}
}

// read gives the value and the version and one; 0 and 0 of a node that does not exist.
func read(s coord.Session, path string) (value, version int64, err error) {
	data, stat, err := s.Get(path)
	switch {
	case errors.Is(err, coord.ErrNoNode):
		return 0, 0, nil
	case err != nil:
		return 0, 0, err
	}
	value, err = strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w: %w", path, coord.ErrInvalid, err)
	}
	return value, int64(stat.Version) + 1, nil
}

// write sets the value: whatever the version is, or on the condition that it is the one that was just read. The first
// write creates the node. One whose reply is lost may take effect at any time, so its outcome is unknown.
func (z *znode) write(s coord.Session, path string, op history.Op) workloads.Completion {
	data := []byte(strconv.FormatInt(op.N, 10))
	version, missing := int64(coord.AnyVersion), false
	if op.Text == compared {
		_, at, err := read(s, path)
		if err != nil {
			return undone(err)
		}
		version, missing = at-1, at == 0
	}
	for {
		made := int64(1)
		var err error
		if !missing {
			var stat coord.Stat
			stat, err = s.Set(path, data, int32(version))
			made = int64(stat.Version) + 1
		}
		if missing || errors.Is(err, coord.ErrNoNode) && op.Text != compared {
			_, err = s.Create(path, data, coord.Persistent)
			made = 1
			if errors.Is(err, coord.ErrNodeExists) && op.Text != compared {
				missing = false
				continue
			}
		}
		switch {
		case err == nil:
			return workloads.Completion{Type: history.OK, Op: history.Op{Key: op.Key, N: op.N, Token: made, Hold: fmt.Sprintf("%#x", s.ID())}}
		case coord.Definite(err):
			return undone(err)
		case errors.Is(err, env.ErrStopped):
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		case z.Has(lossIsFailure):
			return undone(err)
		case !z.Has(blindRetry):
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
		if fired, err := z.Env.Wait(s.Expired(), z.Env.After(pause)); err != nil || fired == 0 {
			return workloads.Completion{Type: history.Info, Error: "the session is over"}
		}
	}
}

// undone is for what had no effect on a register.
func undone(err error) workloads.Completion {
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}
