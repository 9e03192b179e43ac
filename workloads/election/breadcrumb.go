package election

import (
	"errors"
	"fmt"
	"strings"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
)

// becomeActive fences the old active, writes the breadcrumb and makes the own service active, in this order.
func (c *controller) becomeActive() error {
	version, exists, err := c.fenceOld()
	if err != nil {
		return err
	}
	c.terms++
	hold := fmt.Sprintf("%s/%d", c.Env.ID(), c.terms)
	epoch, err := c.writeCrumb(hold, version, exists)
	if err != nil {
		return err
	}
	m, err := c.Env.Ask(c.service, env.Message{Kind: askActive, Hold: hold, Token: epoch}, c.patience())
	switch {
	case errors.Is(err, env.ErrStopped):
		return err
	case err != nil, m.Kind != yes:
		return fmt.Errorf("%s did not become active: %w", c.service, errLeave)
	}
	c.hold, c.epoch = hold, epoch
	c.Env.Note(env.Note{Kind: history.NoteElected, Hold: hold, Token: epoch})
	return nil
}

// fenceOld reads the breadcrumb and fences whom it names. What a controller that follows itself fences is its own last
// term: it says nothing of it, since nobody else was active.
func (c *controller) fenceOld() (version int32, exists bool, err error) {
	var data []byte
	var stat coord.Stat
	err = c.call(func(s coord.Session) (err error) {
		data, stat, err = s.Get(crumb)
		return err
	})
	if errors.Is(err, coord.ErrNoNode) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	old, hold, _ := strings.Cut(string(data), " ")
	switch {
	case c.Has(noFencing):
		return stat.Version, true, nil
	case old == c.name: // the service may have been started again, with a write of its earlier start still under way
		return stat.Version, true, c.fence(old, hold, stat.Mzxid)
	}
	c.Env.Note(env.Note{Kind: noteFencing, Key: old, Hold: hold, Token: stat.Mzxid})
	switch err := c.fence(old, hold, stat.Mzxid); {
	case errors.Is(err, env.ErrStopped):
		return 0, false, err
	case err == nil:
		c.Env.Note(env.Note{Kind: noteFenced, Key: old, Hold: hold, Token: stat.Mzxid})
	case !c.Has(ignoreFenceFailure):
		return 0, false, err
	}
	return stat.Version, true, nil
}

// fence asks the old service to be standby, which is enough if it says so; else the journal is told to take nothing more
// of that epoch (Hadoop: transitionToStandby by RPC, then a fencing method, which there kills the process).
func (c *controller) fence(old, hold string, epoch int64) error {
	service := Service + strings.TrimPrefix(old, Controller)
	m, err := c.Env.Ask(service, env.Message{Kind: askStandby, Hold: hold, Token: epoch}, c.patience())
	if err == nil && m.Kind == yes || errors.Is(err, env.ErrStopped) {
		return err
	}
	m, err = c.Env.Ask(c.Spec.Of(Journal)[0], env.Message{Kind: keyFence, Hold: hold, Token: epoch}, c.patience())
	switch {
	case errors.Is(err, env.ErrStopped):
		return err
	case err != nil, m.Kind != yes:
		return fmt.Errorf("%s: %w", old, errFence)
	}
	return nil
}

// writeCrumb puts the own name into the breadcrumb, over the version that was fenced. The epoch is the zxid of that
// write: it grows from one active to the next, and no two have the same.
func (c *controller) writeCrumb(hold string, version int32, exists bool) (epoch int64, err error) {
	text := c.name + " " + hold
	err = c.call(func(s coord.Session) error {
		data, stat, err := s.Get(crumb) // an earlier try may have been done
		switch {
		case err == nil && string(data) == text:
			epoch = stat.Mzxid
			return nil
		case err == nil && exists:
			stat, err = s.Set(crumb, []byte(text), version)
			epoch = stat.Mzxid
			return err
		case errors.Is(err, coord.ErrNoNode) && !exists:
			if _, err = s.Create(crumb, []byte(text), coord.Persistent); err != nil {
				return err
			}
			data, stat, err = s.Get(crumb)
			if err == nil && string(data) != text {
				return coord.ErrNodeExists // somebody has fenced us meanwhile; that epoch is his
			}
			epoch = stat.Mzxid
			return err
		case err == nil:
			return coord.ErrNodeExists // somebody else's, whom nobody has fenced
		}
		return err
	})
	return epoch, err
}

// call repeats a call that may be made twice while a lost connection fails it.
func (c *controller) call(f func(coord.Session) error) error {
	for {
		err := f(c.session)
		switch {
		case err == nil, errors.Is(err, coord.ErrNoNode):
			return err
		}
		if err := c.again(err); err != nil {
			return err
		}
	}
}

// leaveCrumb leaves the breadcrumb after a departure that was not in good order: the next active must fence.
func (c *controller) leaveCrumb() {
	if c.Has(crumbDeleted) {
		c.deleteCrumb()
	}
}

// deleteCrumb deletes the own breadcrumb, and no other.
func (c *controller) deleteCrumb() {
	data, stat, err := c.session.Get(crumb)
	if err == nil && strings.HasPrefix(string(data), c.name+" ") {
		_ = c.session.Delete(crumb, stat.Version) // one that stays makes the next active fence: no harm
	}
}
