package election

import (
	"time"

	"riven/harness/env"
	"riven/workloads"
)

// Kinds of messages between the nodes, besides those that the journal takes.
const (
	askHealth  = "health"  // controller → service: its state in Text, the hold that it is active under
	askActive  = "active"  // controller → service: be active under Hold with the epoch Token
	askStandby = "standby" // controller → service: be standby, and never again active with an epoch up to Token
	askWrite   = "write"   // client → service: write N
	askCede    = "cede"    // client → controller: hand over in good order
)

// Answers.
const (
	yes    = "yes"
	no     = "no"
	unsure = "unsure" // standby, but a write may still be on its way to the journal
)

// patience with other nodes, in parts of the session timeout: half of it, as a health monitor that is slower than the
// election would find nothing.
func (c cfg) patience() time.Duration { return c.Spec.Timing.Session.D() / 2 }

type cfg struct{ workloads.Config }

func answer(kind string) env.Message { return env.Message{Kind: kind} }

// newNode makes what the node's role says.
func newNode(c workloads.Config) workloads.Driven {
	switch c.Role {
	case Controller:
		return newController(cfg{c})
	case Service:
		return newService(cfg{c})
	case Journal:
		return newJournalNode(cfg{c})
	}
	return newClient(cfg{c})
}

// journalNode stands between the services and the journal, so that partitions and pauses can.
func newJournalNode(c cfg) workloads.Driven {
	c.Env.Serve(func(_ string, m env.Message) env.Message {
		reply, err := c.Env.Call(env.Request{Resource: JournalResource, Key: m.Kind, Hold: m.Hold, Token: m.Token, N: m.N})
		switch {
		case err != nil:
			return env.Message{Kind: unsure}
		case reply.Accepted, m.Kind == keyFence:
			return answer(yes)
		}
		return env.Message{Kind: no, Text: reply.Text}
	})
	return workloads.Idle{}
}
