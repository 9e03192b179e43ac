//go:build linux && !amd64

package inject

import (
	"errors"
	"fmt"
)

// errNoSkew is what a machine answers that has no code for it.
var errNoSkew = fmt.Errorf("clock skew of a running process: %w (amd64 only)", errors.ErrUnsupported)

// dial is one of a process's clocks.
type dial uint64

const (
	wallDial dial = iota
	monoDial
)

func (s *Supervisor) setClock(int, Skew) (Skew, error) { return Skew{}, errNoSkew }

func (s *Supervisor) setMonoRate(int, int64) (Skew, error) { return Skew{}, errNoSkew }

func readClock(int, dial) (Skew, error) { return Skew{}, errNoSkew }
