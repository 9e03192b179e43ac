package counter

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// lossPause is the time between two tries of which the first was failed by the connection, contentionPause the longest
// for each time that somebody else was quicker, up to maxContention.
const (
	lossPause       = 50 * time.Millisecond
	contentionPause = 2 * time.Millisecond
	maxContention   = 32 * time.Millisecond
)

var (
	errGaveUp = errors.New("gave up")
	errStale  = errors.New("read an older state than before")
)

// participant does the ops over one session, opened again when it has expired.
type participant struct {
	env      env.Env
	cfg      workloads.Config
	name     string
	patience time.Duration // how long an op is tried again; a call under way is waited for
	session  coord.Session
	second   coord.Session // of the defect twoSessions
	seen     int32         // the highest version of the node that this start has seen
	adds     int64
}

func newParticipant(cfg workloads.Config) workloads.Driven {
	name, _, _ := strings.Cut(cfg.Env.ID(), ".")
	return &participant{env: cfg.Env, cfg: cfg, name: name, patience: cfg.Spec.Timing.Session.D(), seen: absent}
}

// Do does one op.
func (p *participant) Do(op history.Op) workloads.Completion {
	switch op.F {
	case Add:
		return p.add(op.N)
	case Read:
		return p.repeat(p.read)
	case Total:
		return p.repeat(p.total)
	case Rest:
		return p.rest(time.Duration(op.N) * time.Millisecond)
	}
	return failed(fmt.Errorf("unknown op %q", op.F))
}

// open gives the session, a new one if there is none that lives.
func (p *participant) open(s *coord.Session) (coord.Session, error) {
	if *s == nil || (*s).Expired().Fired() {
		opened, err := p.env.Open(coord.Options{Timeout: p.cfg.Spec.Timing.Session.D()})
		if err != nil {
			return nil, err
		}
		*s = opened
	}
	return *s, nil
}

// reader is the session that reads go through.
func (p *participant) reader() (coord.Session, error) {
	if p.cfg.Has(twoSessions) {
		return p.open(&p.second)
	}
	return p.open(&p.session)
}

// contended tells whether somebody else was quicker.
func contended(err error) bool {
	return errors.Is(err, coord.ErrBadVersion) || errors.Is(err, coord.ErrNodeExists) || errors.Is(err, coord.ErrNoNode)
}

// unknown tells whether a write that ended so may have taken effect, now or later.
func unknown(err error) bool { return err != nil && !coord.Definite(err) }

// again waits before the next try after err, or returns why there is to be none.
func (p *participant) again(err error, tries int, until time.Duration) error {
	var pause time.Duration
	switch {
	case contended(err):
		most := min(contentionPause*time.Duration(tries), maxContention)
		pause = time.Duration(p.env.Rand().Int64N(int64(most) + 1))
	case errors.Is(err, coord.ErrLoss), errors.Is(err, coord.ErrMoved), errors.Is(err, errStale), errors.Is(err, coord.ErrExpired):
		pause = lossPause
	default:
		return err
	}
	if p.env.Mono() >= until {
		return fmt.Errorf("%w: %w", errGaveUp, err)
	}
	_, stopped := p.env.Wait(p.env.After(pause))
	return stopped
}
