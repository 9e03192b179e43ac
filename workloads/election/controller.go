package election

import (
	"errors"
	"strings"

	"riven/checkers"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// Nodes of the election in ZooKeeper.
const (
	root  = "/election"
	lock  = root + "/ActiveStandbyElectorLock" // ephemeral: whose session owns it is to be active
	crumb = root + "/ActiveBreadCrumb"         // persistent: who was active last, and has to be fenced unless it left in good order
)

// Kinds of notes of a controller.
const (
	noteFencing = "fencing" // it begins to fence Key, which was active under Hold with the epoch Token
	noteFenced  = checkers.NoteFenced
)

// resigned is the text of a deposed note after a failover in good order.
const resigned = checkers.Resigned

// controller is Hadoop's ZKFailoverController with its HealthMonitor and ActiveStandbyElector: a monitor probes the
// service of the same number; while it is healthy the elector competes for the lock node; who owns it fences whoever the
// breadcrumb names, writes the breadcrumb, and only then makes its own service active.
type controller struct {
	cfg
	name, service string
	healthy       bool
	changed       env.Cond // fires at the next change of health, when the service is not active as it should be, or on a request to hand over
	astray        bool     // the service is not active under our hold
	cede          bool     // asked to hand over
	hold          string   // that the service is active under by our doing; empty: we are not active
	epoch         int64
	terms         int
	session       coord.Session
}

func newController(c cfg) workloads.Driven {
	name := strings.SplitN(c.Env.ID(), ".", 2)[0]
	x := &controller{cfg: c, name: name, service: Service + strings.TrimPrefix(name, Controller), changed: c.Env.Cond()}
	c.Env.Serve(x.serve)
	c.Env.Go("monitor", x.monitor)
	c.Env.Go("elector", x.elector)
	return workloads.Idle{}
}

func (c *controller) serve(_ string, m env.Message) env.Message {
	if m.Kind != askCede || c.hold == "" {
		return answer(no)
	}
	c.cede = true
	c.wake()
	return answer(yes)
}

// wake has the elector look again.
func (c *controller) wake() {
	c.changed.Fire()
	c.changed = c.Env.Cond()
}

// monitor probes the service four times in a session timeout.
func (c *controller) monitor() {
	for strays := 0; ; {
		m, err := c.Env.Ask(c.service, answer(askHealth), c.patience())
		if errors.Is(err, env.ErrStopped) {
			return
		}
		c.found(err == nil, err)
		// HealthMonitor reports a service that lost its state; one probe may have crossed a change of ours.
		if err == nil && c.hold != "" && m.Hold != c.hold {
			strays++
		} else {
			strays = 0
		}
		if strays == 2 {
			c.astray = true
			c.wake()
		}
		if _, err := c.Env.Wait(c.Env.After(c.patience() / 2)); err != nil {
			return
		}
	}
}

func (c *controller) found(healthy bool, why error) {
	if healthy == c.healthy {
		return
	}
	c.healthy = healthy
	text := "healthy"
	if !healthy {
		text = "silent"
	}
	c.Env.Note(env.Note{Kind: history.NoteHealth, Key: c.service, Text: text})
	c.wake()
}

// elector competes while the service is healthy, in one session after another.
func (c *controller) elector() {
	for {
		for !c.healthy {
			if _, err := c.Env.Wait(c.changed); err != nil {
				return
			}
		}
		s, err := c.Env.Open(coord.Options{Timeout: c.Spec.Timing.Session.D()})
		if err == nil {
			c.session = s
			err = c.compete()
			c.session.Close()
		}
		if errors.Is(err, env.ErrStopped) {
			return
		}
		if _, err := c.Env.Wait(c.Env.After(c.patience())); err != nil { // the others go first
			return
		}
	}
}

// Reasons to leave an election, besides errors of the session.
var (
	errLeave = errors.New("left the election")
	errFence = errors.New("the old active could not be fenced")
)

// compete returns when the session is to be given up: the lock goes with it.
func (c *controller) compete() error {
	for {
		lost := c.session.Disconnected()
		mine, watch, err := c.take()
		if err != nil {
			return err
		}
		if mine {
			err = c.lead(watch, lost)
		} else {
			err = c.stand(watch, lost)
		}
		if err != nil {
			return err
		}
	}
}

// take creates the lock node, or finds out whose it is: an own one may be there, from a create whose reply was lost or
// from before a disconnect.
func (c *controller) take() (mine bool, watch coord.Signal, err error) {
	for {
		_, err := c.session.Create(lock, []byte(c.name), coord.Ephemeral)
		switch {
		case errors.Is(err, coord.ErrNoNode):
			if _, err := c.session.Create(root, nil, coord.Persistent); err != nil && !errors.Is(err, coord.ErrNodeExists) && coord.Definite(err) {
				return false, nil, err
			}
			continue
		case err != nil && !errors.Is(err, coord.ErrNodeExists):
			if err := c.again(err); err != nil {
				return false, nil, err
			}
			continue
		}
		stat, is, watch, err2 := c.session.ExistsW(lock)
		switch {
		case err2 != nil:
			if err := c.again(err2); err != nil {
				return false, nil, err
			}
		case is && c.Has(existsIsOther):
			return err == nil, watch, nil
		case is:
			return stat.EphemeralOwner == c.session.ID(), watch, nil
		}
	}
}

// again waits before a call that a lost connection failed is repeated; other errors end the election.
func (c *controller) again(err error) error {
	if coord.Definite(err) && !errors.Is(err, coord.ErrMoved) || errors.Is(err, env.ErrStopped) {
		return err
	}
	fired, err := c.Env.Wait(c.session.Expired(), c.Env.After(pause))
	if err == nil && fired == 0 {
		return coord.ErrExpired
	}
	return err
}

// stand waits for the end of another's lock.
func (c *controller) stand(watch, lost coord.Signal) error {
	for c.healthy {
		fired, err := c.Env.Wait(c.session.Expired(), watch, lost, c.changed)
		switch {
		case err != nil:
			return err
		case fired == 0:
			return coord.ErrExpired
		case fired < 3:
			return nil
		}
	}
	return errLeave
}

// lead becomes active and stays so until the lock is lost or given up. nil: look again, in the same session.
func (c *controller) lead(watch, lost coord.Signal) error {
	err := c.becomeActive()
	for c.Has(zombie) && errors.Is(err, coord.ErrExpired) {
		if c.session, err = c.Env.Open(coord.Options{Timeout: c.Spec.Timing.Session.D()}); err == nil {
			err = c.becomeActive()
			watch, lost = c.Env.Cond(), c.session.Disconnected()
		}
	}
	if err != nil {
		return err
	}
	c.cede, c.astray = false, false
	if c.Has(cachedLeadership) {
		watch, lost = c.Env.Cond(), c.Env.Cond()
	}
	for {
		switch {
		case c.cede:
			return c.resign()
		case !c.healthy, c.astray: // perhaps since before it became active
			c.deposed("the service is not active")
			c.leaveCrumb()
			return errLeave
		}
		over := c.session.Expired()
		if c.Has(cachedLeadership) {
			over = c.Env.Cond()
		}
		fired, err := c.Env.Wait(over, lost, watch, c.changed)
		switch {
		case err != nil:
			return err
		case fired == 0:
			c.deposed("the session expired")
			return coord.ErrExpired
		case fired == 1: // neutral: the service goes on, and is fenced by whoever comes next
			c.deposed("disconnected")
			return nil
		case fired == 2:
			c.deposed("the lock is gone")
			return nil
		}
	}
}

func (c *controller) deposed(why string) {
	c.Env.Note(env.Note{Kind: history.NoteDeposed, Hold: c.hold, Token: c.epoch, Text: why})
	c.hold = ""
}

// resign hands over in good order: the service is standby before the breadcrumb goes, and that before the lock.
func (c *controller) resign() error {
	m, err := c.Env.Ask(c.service, env.Message{Kind: askStandby, Hold: c.hold, Token: c.epoch}, c.patience())
	if err != nil || m.Kind != yes {
		c.deposed("could not make its service standby")
		return errLeave
	}
	c.deposed(resigned)
	c.deleteCrumb()
	return errLeave
}
