package election

import (
	"errors"
	"fmt"
	"time"

	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// client writes to the service that it believes to be active, and looks for another one when that is standby.
type client struct {
	cfg
	services []string
	believed int // index of the service that took the last write
}

func newClient(c cfg) workloads.Driven { return &client{cfg: c, services: c.Spec.Of(Service)} }

// pause between a service that is standby and the next one.
const pause = 50 * time.Millisecond

// Do does one op.
func (c *client) Do(op history.Op) workloads.Completion {
	switch op.F {
	case Write:
		return c.write(op.N)
	case Failover:
		return c.failover()
	case Rest:
		if _, err := c.Env.Wait(c.Env.After(time.Duration(op.N) * time.Millisecond)); err != nil {
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
		return workloads.Completion{Type: history.OK, Op: op}
	}
	return workloads.Completion{Type: history.Fail, Error: fmt.Sprintf("unknown op %q", op.F)}
}

// write goes round until a service takes the write; it was surely not done only while every answer was that it was not.
func (c *client) write(n int64) workloads.Completion {
	for until := c.Env.Mono() + c.Spec.Timing.Session.D(); ; {
		service := c.services[c.believed]
		m, err := c.Env.Ask(service, env.Message{Kind: askWrite, N: n}, c.patience())
		switch {
		case errors.Is(err, env.ErrStopped):
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		case err == nil && m.Kind == yes:
			return workloads.Completion{Type: history.OK, Op: history.Op{N: n, Text: service}}
		}
		c.believed = (c.believed + 1) % len(c.services)
		if err != nil || m.Kind == unsure {
			return workloads.Completion{Type: history.Info, Error: service + " did not say whether it was written"}
		}
		if c.Env.Mono() >= until {
			return workloads.Completion{Type: history.Fail, Error: "no service is active"}
		}
		if _, err := c.Env.Wait(c.Env.After(pause)); err != nil {
			return workloads.Completion{Type: history.Info, Error: err.Error()}
		}
	}
}

// failover asks the controller of the active service to hand over.
func (c *client) failover() workloads.Completion {
	name := c.Spec.Of(Controller)[c.believed]
	m, err := c.Env.Ask(name, answer(askCede), c.patience())
	switch {
	case err != nil:
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	case m.Kind != yes:
		return workloads.Completion{Type: history.Fail, Error: name + " is not active"}
	}
	return workloads.Completion{Type: history.OK, Op: history.Op{Text: name}}
}
