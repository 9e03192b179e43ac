package election

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"riven/checkers"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

// Ensemble is the name of the recipe in which ZooKeeper's own leader is the one that is elected.
const Ensemble = "ensemble"

// Ops of the recipe's clients, besides Rest: each has a node of its own.
const (
	Put = checkers.OpPut // N, the client's node is set to it
	Get = checkers.OpGet // OK: N is what the node holds at the server of the session
)

func ensembleRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: Ensemble,
		Doc: "ZooKeeper's own leader is the one that is elected, and there is nobody else: clients put a value into a node of their own and, all but the last, get it again, each over one plain session, and try nothing " +
			"twice. The agents of the servers watch who leads, under which epoch.",
		New:    newPutter,
		Claims: ensembleClaims(),
	}
}

func ensembleClaims() []checkers.Claim {
	return []checkers.Claim{
		{
			Name: checkers.ClaimEpoch,
			Rule: "No epoch has more than one leading server, and no server leads with an epoch lower than one before.",
		},
		{
			Name: checkers.ClaimQuorum,
			Rule: "Nothing is put while a majority of the servers is dead, and something is while one runs undisturbed.",
		},
		{
			Name: checkers.ClaimFirst,
			Rule: "Servers that are started one by one are led by the one that makes the majority.",
		},
		{
			Name: checkers.ClaimServed,
			Rule: "After the last fault is healed every client puts a value within a bounded time.",
		},
	}
}

func judgeEnsemble(in checkers.Input) []checkers.Check {
	checks := []checkers.Check{checkers.Leaders(in), checkers.Quorum(in), checkers.Puts(in)}
	if in.Spec.Staged {
		checks = append(checks, checkers.First(in))
	}
	return checks
}

// putter does each op once, over a session that is opened again when it has expired.
type putter struct {
	workloads.Config
	path    string
	session coord.Session
}

func newPutter(c workloads.Config) workloads.Driven {
	name, _, _ := strings.Cut(c.Env.ID(), ".")
	return &putter{Config: c, path: "/ensemble-" + name}
}

// Do does one op.
func (p *putter) Do(op history.Op) workloads.Completion {
	var err error
	sent := false // something that takes effect
	if op.F == Rest {
		_, err = p.Env.Wait(p.Env.After(time.Duration(op.N) * time.Millisecond))
	} else if err = p.open(); err == nil {
		switch op.F {
		case Put:
			err, sent = p.put(op.N), true
		case Get:
			op.N, err = p.get()
		default:
			err = fmt.Errorf("unknown op %q", op.F)
		}
	}
	switch {
	case err == nil:
		return workloads.Completion{Type: history.OK, Op: op}
	case sent && !coord.Definite(err), errors.Is(err, env.ErrStopped):
		return workloads.Completion{Type: history.Info, Error: err.Error()}
	}
	return workloads.Completion{Type: history.Fail, Error: err.Error()}
}

func (p *putter) open() error {
	if p.session != nil && !p.session.Expired().Fired() {
		return nil
	}
	s, err := p.Env.Open(coord.Options{Timeout: p.Spec.Timing.Session.D()})
	if err == nil {
		p.session = s
	}
	return err
}

// put makes the node where it is missing: only this client writes it.
func (p *putter) put(n int64) error {
	data := strconv.AppendInt(nil, n, 10)
	_, err := p.session.Set(p.path, data, coord.AnyVersion)
	if errors.Is(err, coord.ErrNoNode) {
		_, err = p.session.Create(p.path, data, coord.Persistent)
	}
	return err
}

// get reads at the server of the session; a node that is missing holds nothing yet.
func (p *putter) get() (int64, error) {
	data, _, err := p.session.Get(p.path)
	if errors.Is(err, coord.ErrNoNode) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(data), 10, 64)
}

// A client puts so many values before it gets the last one and rests. The rests are short: how long nobody could put
// anything is what is measured.
const (
	putsInARow = 8
	leastRest  = 10 // ms
	mostRest   = 30
)

// The last client puts only: a get waits for a server as long as a put does, and where everyone gets while nobody is
// served no put is tried.
type puts struct {
	rng  *rand.Rand
	gets bool
	n    int64
	step int
}

func newPuts(s spec.Spec, participant string, r *rand.Rand) *puts {
	names := s.ParticipantNames()
	return &puts{rng: r, gets: participant != names[len(names)-1]}
}

// Next gives the next op.
func (s *puts) Next() history.Op {
	at := s.step % (putsInARow + 2)
	s.step++
	switch {
	case at == putsInARow && s.gets:
		return history.Op{F: Get}
	case at == putsInARow+1:
		return history.Op{F: Rest, N: leastRest + s.rng.Int64N(mostRest-leastRest+1)}
	}
	s.n++
	return history.Op{F: Put, N: s.n}
}

// Rest is nothing: every op is complete in itself.
func (s *puts) Rest() []history.Op { return nil }
