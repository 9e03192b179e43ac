package run

import (
	"time"

	"riven/clusters"
)

// clock is the time that a run lives in: the machine's, or that of a cluster which has its own.
type clock struct{ timed clusters.Timed }

func (c clock) now() time.Time {
	if c.timed == nil {
		return time.Now()
	}
	return time.Unix(0, int64(c.timed.Now()))
}

func (c clock) since(t time.Time) time.Duration {
	if c.timed == nil {
		return time.Since(t)
	}
	return c.timed.Now() - time.Duration(t.UnixNano())
}

func (c clock) until(t time.Time) time.Duration { return t.Sub(c.now()) }
