package register

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"riven/checkers"
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

// folder is where the node of a register is alone: the folder's pzxid tells since when the node is there or missing.
func folder(key string) string { return root + "/" + key }

func node(key string) string { return folder(key) + "/value" }

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
	switch op.F {
	case Write:
		return z.write(s, op)
	case Create:
		return z.create(s, op)
	case Delete:
		return z.delete(s, op)
	case Read:
		if !z.Has(plainRead) {
			if _, err := s.Set(scratch, nil, coord.AnyVersion); err != nil {
				return undone(err)
			}
		}
	case SyncGet:
		if err := s.Sync(node(op.Key)); err != nil {
			return undone(err)
		}
	case Get:
	default:
		return undone(fmt.Errorf("unknown op %q", op.F))
	}
	return z.get(s, op)
}

// folders are what must be there before an op.
func folders() []string {
	out := []string{root, scratch, folder(last)}
	for k := range registers {
		out = append(out, folder(keyOf(k)))
	}
	return out
}

// open gives a session that lives, with the folders made; it fails after a session timeout of trying.
func (z *znode) open() (coord.Session, error) {
	until := z.Env.Mono() + z.Spec.Timing.Session.D()
	for z.session == nil || z.session.Expired().Fired() {
		s, err := z.Env.Open(coord.Options{Timeout: z.Spec.Timing.Session.D()})
		if err == nil {
			for _, path := range folders() {
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

// state is what a session's server has of a register.
type state struct {
	value   int64
	version int64 // the node's and one; 0 if it is missing
	since   int64 // zxid of the creation, or of the deletion
}

// done tells a state that an op made or saw.
func (z *znode) done(s coord.Session, op history.Op, at state) workloads.Completion {
	told := history.Op{Key: op.Key, N: at.value, Token: at.version, Hold: hex(s.ID())}
	if at.since != 0 {
		told.Text = hex(at.since)
	}
	return workloads.Completion{Type: history.OK, Op: told}
}

// hex is a session or a zxid as servers write it.
func hex(n int64) string { return "0x" + strconv.FormatUint(uint64(n), 16) }

func (z *znode) get(s coord.Session, op history.Op) workloads.Completion {
	at, err := read(s, op.Key)
	if err != nil {
		return undone(err)
	}
	return z.done(s, op, at)
}

// read gives the state; that there is no node is read from the folder, which tells at once since when.
func read(s coord.Session, key string) (state, error) {
	for {
		data, stat, err := s.Get(node(key))
		if err == nil {
			value, err := strconv.ParseInt(string(data), 10, 64)
			if err != nil {
				return state{}, fmt.Errorf("read %s: %w: %w", node(key), coord.ErrInvalid, err)
			}
			return state{value, int64(stat.Version) + 1, stat.Czxid}, nil
		}
		if !errors.Is(err, coord.ErrNoNode) {
			return state{}, err
		}
		stat, found, err := s.Exists(folder(key))
		switch {
		case err != nil:
			return state{}, err
		case !found:
			return state{}, fmt.Errorf("read %s: %w", folder(key), coord.ErrNoNode)
		case stat.NumChildren == 0:
			return state{since: stat.Pzxid}, nil
		}
	}
}

// create makes the node.
func (z *znode) create(s coord.Session, op history.Op) workloads.Completion {
	_, err := s.Create(node(op.Key), data(op), coord.Persistent)
	if err != nil {
		return z.failed(op, err, 0)
	}
	return z.created(s, op)
}

// created tells of a node that was created. Of which life it is, create's reply does not tell; who reads the value in the same session
// knows.
func (z *znode) created(s coord.Session, op history.Op) workloads.Completion {
	made := state{value: op.N, version: 1}
	if at, err := read(s, op.Key); err == nil && at.value == op.N {
		made = at
	}
	return z.done(s, op, made)
}

// delete takes the node away, whatever its version.
func (z *znode) delete(s coord.Session, op history.Op) workloads.Completion {
	if err := s.Delete(node(op.Key), coord.AnyVersion); err != nil {
		return z.failed(op, err, 0)
	}
	return z.done(s, op, state{})
}

// write sets the value: whatever the version is, or on the condition that it is the one that was just read. It creates the node
// where it is missing. One whose reply is lost may take effect at any time, so its outcome is unknown.
func (z *znode) write(s coord.Session, op history.Op) workloads.Completion {
	expected := state{version: int64(coord.AnyVersion) + 1}
	if op.Text == compared {
		var err error
		if expected, err = read(s, op.Key); err != nil {
			return undone(err)
		}
	}
	missing := op.Text == compared && expected.version == 0
	for {
		var stat coord.Stat
		var err error
		if missing {
			_, err = s.Create(node(op.Key), data(op), coord.Persistent)
		} else {
			stat, err = s.Set(node(op.Key), data(op), int32(expected.version-1))
		}
		switch {
		case err == nil && missing:
			return z.created(s, op)
		case err == nil:
			return z.done(s, op, state{op.N, int64(stat.Version) + 1, stat.Czxid})
		case op.Text != compared && (errors.Is(err, coord.ErrNoNode) || errors.Is(err, coord.ErrNodeExists)):
			missing = !missing
			continue
		case coord.Definite(err), errors.Is(err, env.ErrStopped), !z.Has(blindRetry):
			return z.failed(op, err, expected.version)
		}
		if fired, err := z.Env.Wait(s.Expired(), z.Env.After(pause)); err != nil || fired == 0 {
			return workloads.Completion{Type: history.Info, Error: "the session is over"}
		}
	}
}

func data(op history.Op) []byte { return []byte(strconv.FormatInt(op.N, 10)) }

// failed is for an update that expected that version and was not acknowledged. ZooKeeper puts a refusal in the order of all writes, so
// it tells what was there.
func (z *znode) failed(op history.Op, err error, expected int64) workloads.Completion {
	if !coord.Definite(err) && (errors.Is(err, env.ErrStopped) || !z.Has(lossIsFailure)) {
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	c := undone(err)
	c.Op.Key = op.Key
	switch {
	case errors.Is(err, coord.ErrNodeExists):
		c.Op.Text = checkers.RefusedExists
	case errors.Is(err, coord.ErrNoNode):
		c.Op.Text = checkers.RefusedMissing
	case errors.Is(err, coord.ErrBadVersion):
		c.Op.Text, c.Op.Token = checkers.RefusedChanged, expected
	}
	return c
}

// undone is for what had no effect on a register.
func undone(err error) workloads.Completion {
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}
