package election

import (
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// service is the pair's server: clients write to it while it is active, and it keeps what they write in the journal. A
// new start is standby.
type service struct {
	cfg
	keeper  string // the journal's node
	hold    string // that it is active under; empty: standby
	epoch   int64
	floor   int64    // it is never again active with an epoch up to this one
	pending int      // appends under way
	idle    env.Cond // fires when there are none any more
	unknown bool     // an append of this start was never answered: it may still arrive
}

func newService(c cfg) workloads.Driven {
	s := &service{cfg: c, keeper: c.Spec.Of(Journal)[0]}
	c.Env.Serve(s.serve)
	return workloads.Idle{}
}

func (s *service) serve(_ string, m env.Message) env.Message {
	switch m.Kind {
	case askHealth:
		return env.Message{Kind: yes, Hold: s.hold}
	case askActive:
		return s.activate(m)
	case askStandby:
		return s.retire(m)
	case askWrite:
		return s.write(m)
	}
	return answer(no)
}

// activate opens the journal with the new epoch before the first write.
func (s *service) activate(m env.Message) env.Message {
	if m.Token <= s.floor || m.Token < s.epoch {
		return env.Message{Kind: no, Text: "an older epoch"}
	}
	s.standby("another hold begins")
	opened := s.journal(env.Message{Kind: keyOpen, Hold: m.Hold, Token: m.Token})
	if opened.Kind != yes {
		return opened
	}
	if m.Token <= s.floor || m.Token < s.epoch { // another one came meanwhile
		return env.Message{Kind: no, Text: "an older epoch"}
	}
	s.hold, s.epoch = m.Hold, m.Token
	s.Env.Note(env.Note{Kind: history.NoteAssigned, Key: Service, Hold: s.hold, Token: s.epoch})
	return answer(yes)
}

// retire is answered when no write is under way any more. A start that was not active itself can not vouch for the one
// before.
func (s *service) retire(m env.Message) env.Message {
	s.floor = max(s.floor, m.Token)
	if s.epoch <= s.floor {
		s.standby("told to")
	}
	for s.pending > 0 {
		if _, err := s.Env.Wait(s.idle); err != nil {
			return answer(unsure)
		}
	}
	if s.unknown || s.epoch < m.Token {
		return answer(unsure)
	}
	return answer(yes)
}

func (s *service) standby(why string) {
	if s.hold == "" {
		return
	}
	s.Env.Note(env.Note{Kind: history.NoteRevoked, Key: Service, Hold: s.hold, Token: s.epoch, Text: why})
	s.hold = ""
}

func (s *service) write(m env.Message) env.Message {
	hold := s.hold
	if hold == "" {
		return env.Message{Kind: no, Text: "standby"}
	}
	if s.pending == 0 {
		s.idle = s.Env.Cond()
	}
	s.pending++
	taken := s.journal(env.Message{Kind: keyAppend, Hold: hold, Token: s.epoch, N: m.N})
	if s.pending--; s.pending == 0 {
		s.idle.Fire()
	}
	if taken.Kind == no && s.hold == hold { // fenced: somebody else is active
		s.standby("the journal refused it")
	}
	return taken
}

// journal asks the journal; no answer is not sure.
func (s *service) journal(m env.Message) env.Message {
	taken, err := s.Env.Ask(s.keeper, m, s.patience())
	if err != nil {
		s.unknown = true
		return answer(unsure)
	}
	return taken
}
