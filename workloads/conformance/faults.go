package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/harness/coord"
	"riven/harness/spec"
	"riven/nemesis"
)

// Participants are what scripts with faults need: p1 plays and has all servers, so has p2, which the faults hit; p3 is
// tied to a follower, p4 to the leader.
const Participants = 4

// Pins of the participants.
func Pins() []spec.Pin {
	return []spec.Pin{{Participant: "p3", Server: "follower"}, {Participant: "p4", Server: "leader"}}
}

// NoteFault asks for the next fault of the plan.
const NoteFault = "fault"

// asks tells whether the step asks for a fault. Such a step waits until the fault is in force, as far as its session can see
// it: a sync that is not answered within stall, a reply that is lost, an answer that takes a second.
//
//	a cut server · a cut servers   p2 from the server that it uses; from all. a must be at p2
//	a cut server create $/x        as well; instead of a sync it is the create of a node that is there
//	a cut peers                    the follower from the other servers. a must be at p3
//	a lose create $/x data [-e]    the create is done, its reply is lost; made and deleted again until then. a must be at p2
//	a lose delete $/x              the delete, made again until then
//	a lose sync $                  a sync's, which breaks the connection and nothing else
//	a pause                        p2, for two seconds. a must be at p2
//	a lost                         waits for the loss of the connection that a had at its last fault
//	a expired                      waits for the news that a is dead
func asks(verb string) bool { return inForce(verb) != "" }

// inForce is what such a step says then; of any other nothing.
func inForce(verb string) string {
	switch verb {
	case "cut":
		return "cut"
	case "lose":
		return "lost"
	case "pause":
		return "paused"
	}
	return ""
}

func (s Script) faulty() bool {
	return slices.ContainsFunc(s.Steps, func(x Step) bool { return x.fault() != nil })
}

// cut is a cut and how long it lasts: a client finds out after two thirds of its session timeout; a follower that hears
// nothing of its leader for a second ceases to serve (syncLimit).
func cut(whom string) (nemesis.Fault, time.Duration) {
	f := nemesis.Fault{Kind: nemesis.Partition, Target: nemesis.Target{Node: "p2"}}
	switch whom {
	case "server":
		f.Shape = nemesis.FromServer
	case "servers":
		f.Shape = nemesis.FromServers
	default:
		f.Shape, f.Target = nemesis.FromPeers, nemesis.Target{Role: nemesis.Follower}
		return f, 700 * time.Millisecond
	}
	return f, 2 * time.Second
}

// fault is what the step asks for, or nil.
func (s Step) fault() *nemesis.Step {
	words := strings.Fields(s.Text)
	switch words[1] {
	case "cut":
		f, lasts := cut(words[2])
		return &nemesis.Step{Fault: f, For: spec.Duration(lasts)}
	case "lose":
		f := nemesis.Fault{Kind: nemesis.LoseReply, Target: nemesis.Target{Node: "p2"}, Op: words[2], Count: 1}
		return &nemesis.Step{Fault: f, For: spec.Duration(time.Second)}
	case "pause":
		f := nemesis.Fault{Kind: nemesis.Pause, Target: nemesis.Target{Node: "p2"}}
		return &nemesis.Step{Fault: f, For: spec.Duration(2 * time.Second)}
	}
	return nil
}

// Plan is the faults that the scripts ask for, each begun by the player's note.
func Plan(scripts []Script) nemesis.Plan {
	plan := nemesis.Plan{Policy: "file"}
	for _, s := range scripts {
		for _, x := range s.Steps {
			f := x.fault()
			if f == nil {
				continue
			}
			n := len(plan.Steps) + 1
			f.ID, f.On = fmt.Sprintf("f%d", n), &nemesis.Trigger{Event: nemesis.OnNote, Note: NoteFault, Node: "p1", Nth: n}
			plan.Steps = append(plan.Steps, *f)
		}
	}
	return plan
}

// stall is how long a call goes unanswered that is taken to be cut off; tries are how many calls are made at most
// before the fault hits one.
const (
	stall = 200 * time.Millisecond
	tries = 2000
)

func (h *hands) fault(s *held, verb string, words []string) (string, error) {
	s.down = s.Disconnected()
	for range tries {
		var hit bool
		var err error
		switch verb {
		case "cut":
			hit, err = h.stalls(s, words[1:])
		case "lose":
			hit, err = h.loses(s, words)
		default: // who is paused cannot tell: the player asks until an answer takes long
			hit = true
		}
		switch {
		case err != nil:
			return "", err
		case hit:
			return inForce(verb), nil
		}
	}
	return "no fault", nil
}

// stalls makes one call and leaves it if it is not answered. How it ends, the script is told by what it waits for.
func (h *hands) stalls(s *held, create []string) (bool, error) {
	done := h.Env.Cond()
	h.Env.Go("probe", func() {
		if len(create) > 0 {
			_, _ = s.Create(create[1], nil, coord.Persistent)
		} else {
			_ = s.Sync("/")
		}
		done.Fire()
	})
	i, err := h.Env.Wait(done, h.Env.After(stall))
	return i == 1, err
}

// loses makes one call whose reply may be lost, and takes it back if it is not.
func (h *hands) loses(s *held, words []string) (bool, error) {
	args, mode := flags(words[1:])
	var err, back error
	switch words[0] {
	case "create":
		if _, err = s.Create(args[0], []byte(word(args, 1)), mode); err == nil {
			back = s.Delete(args[0], coord.AnyVersion)
		}
	case "delete":
		if err = s.Delete(args[0], coord.AnyVersion); err == nil {
			_, back = s.Create(args[0], nil, coord.Persistent)
		}
	default:
		err = s.Sync(args[0])
	}
	if errors.Is(err, coord.ErrLoss) {
		return true, nil
	}
	return false, errors.Join(err, back)
}
