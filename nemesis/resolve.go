package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"riven/harness/spec"
)

// Resolved is a fault with its target made concrete.
type Resolved struct {
	Nodes  []string // that the target means now
	Edges  []Edge   // that a partition cuts
	Down   []string // nodes that do not run
	Skewed []string // nodes of whose clocks one is off
	Hold   string   // the hold at which it is aimed, if its target is the holder or its server
}

// Resolve makes the fault concrete; ok is false while nothing fits its target.
func (v *View) Resolve(f Fault) (r Resolved, ok bool) {
	nodes := v.candidates(f.Target)
	if len(nodes) == 0 {
		return Resolved{}, false
	}
	node := nodes[f.Target.Pick%len(nodes)]
	r.Nodes = []string{node}
	if f.Target.Role == Holder || f.Target.Role == HolderServer {
		r.Hold = v.hold
	}
	switch f.Kind {
	case Kill, Pause:
		if v.down[node] > 0 { // what does not run can not be stopped: the step waits until it does
			return Resolved{}, false
		}
		r.Down = r.Nodes
	case Clock, MonoRate:
		if v.down[node] > 0 || v.skewed[node] > 0 { // nor can a clock be judged that is off by something else already
			return Resolved{}, false
		}
		r.Skewed = r.Nodes
	case Partition:
		r.Edges = v.edges(f, node)
		return r, len(r.Edges) > 0
	}
	return r, true
}

func (v *View) edges(f Fault, node string) []Edge {
	peers := without(v.Servers, node)
	switch f.Shape {
	case Isolate:
		return both([]string{node}, append(peers, without(v.Participants, node)...))
	case FromPeers, FromServers:
		return both([]string{node}, peers)
	case FromServer:
		if s := v.at[node]; s != "" {
			return both([]string{node}, []string{s})
		}
	case OneWayIn:
		return from(peers, []string{node})
	case OneWayOut:
		return from([]string{node}, peers)
	case FromNodes:
		return both([]string{node}, f.Peers)
	case Halves:
		small, large := v.halves(node)
		return both(small, large)
	}
	return nil
}

// halves puts the node into the smaller half of the servers; participants alternate between the halves.
func (v *View) halves(node string) (small, large []string) {
	i := slices.Index(v.Servers, node)
	for k := range v.Servers {
		s := v.Servers[(i+k)%len(v.Servers)]
		if k < len(v.Servers)/2 {
			small = append(small, s)
		} else {
			large = append(large, s)
		}
	}
	for k, p := range v.Participants {
		if k%2 == 0 {
			small = append(small, p)
		} else {
			large = append(large, p)
		}
	}
	return small, large
}

func from(a, b []string) (edges []Edge) {
	for _, x := range a {
		for _, y := range b {
			edges = append(edges, Edge{x, y})
		}
	}
	return edges
}

func both(a, b []string) []Edge { return append(from(a, b), from(b, a)...) }

func without(nodes []string, n string) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(x string) bool { return x == n })
}

// Expect is what the faults in force should do to service: a participant is served if it runs and can use a server
// that belongs to a majority whose members all reach each other both ways; it stalls if it runs and can use none.
// Of one without homes nothing is expected.
func (v *View) Expect(active []Resolved) Expect {
	cut, down := map[Edge]bool{}, map[string]bool{}
	for _, r := range active {
		for _, e := range r.Edges {
			cut[e] = true
		}
		for _, n := range r.Down {
			down[n] = true
		}
	}
	linked := func(a, b string) bool { return !cut[Edge{a, b}] && !cut[Edge{b, a}] }
	quorum := v.quorum(down, linked)
	var x Expect
	for _, p := range v.Participants {
		if down[p] || len(v.homes[p]) == 0 {
			continue
		}
		if slices.ContainsFunc(v.homes[p], func(s string) bool { return slices.Contains(quorum, s) && linked(p, s) }) {
			x.Serves = append(x.Serves, p)
		} else {
			x.Stalls = append(x.Stalls, p)
		}
	}
	return x
}

// quorum is the largest majority of running servers that are all linked, or nothing.
func (v *View) quorum(down map[string]bool, linked func(a, b string) bool) (best []string) {
	n := len(v.Servers)
	for mask := range 1 << n {
		var set []string
		for i, s := range v.Servers {
			if mask&(1<<i) != 0 && !down[s] && !slices.ContainsFunc(set, func(o string) bool { return !linked(s, o) }) {
				set = append(set, s)
			}
		}
		if len(set) > n/2 && len(set) > len(best) {
			best = set
		}
	}
	return best
}

// Validate tells what is wrong with a plan for these nodes.
func (p Plan) Validate(servers, participants []string) error {
	seen := map[string]bool{}
	for i, s := range p.Steps {
		switch {
		case s.ID == "" || seen[s.ID]:
			return fmt.Errorf("plan step %d: id %q is empty or used twice", i+1, s.ID)
		case s.At < 0 || s.For <= 0:
			return fmt.Errorf("plan step %s: at %v for %v: at must not be negative, for must be positive", s.ID, s.At.D(), s.For.D())
		}
		seen[s.ID] = true
		if err := s.Fault.validate(servers, participants); err != nil {
			return fmt.Errorf("plan step %s: %w", s.ID, err)
		}
		if err := s.On.validate(servers, participants); err != nil {
			return fmt.Errorf("plan step %s: %w", s.ID, err)
		}
	}
	return nil
}

func (t *Trigger) validate(servers, participants []string) error {
	if t == nil {
		return nil
	}
	events := []Event{OnAcquired, OnLeaderChanged, OnOp, OnElected, OnRebalance, OnAssigned, OnNote}
	switch {
	case !slices.Contains(events, t.Event):
		return fmt.Errorf("unknown trigger %q (know %s)", t.Event, listed(events))
	case (t.Event == OnNote) != (t.Note != ""):
		return fmt.Errorf("trigger %s: note %q: the trigger note needs the kind of a note, others have none", t.Event, t.Note)
	case t.Node != "" && !slices.Contains(servers, t.Node) && !slices.Contains(participants, t.Node):
		return fmt.Errorf("trigger %s: no such node %q", t.Event, t.Node)
	case t.Nth < 0 || t.After < 0:
		return fmt.Errorf("trigger %s: nth %d, after %v: must not be negative", t.Event, t.Nth, t.After.D())
	}
	return nil
}

func (f Fault) validate(servers, participants []string) error {
	if !slices.Contains(Kinds, f.Kind) {
		return fmt.Errorf("unknown fault %q (know %s)", f.Kind, listed(Kinds))
	}
	shapes := []Shape{Isolate, FromPeers, FromServer, FromServers, OneWayIn, OneWayOut, FromNodes, Halves}
	if f.Kind == Partition && !slices.Contains(shapes, f.Shape) {
		return fmt.Errorf("unknown partition shape %q (know %s)", f.Shape, listed(shapes))
	}
	ofParticipants := []Role{Holder, Waiter, Participant, Active, Owner}
	for _, p := range participants {
		if r := Role(spec.RoleOf(p)); r != "p" && !slices.Contains(ofParticipants, r) {
			ofParticipants = append(ofParticipants, r)
		}
	}
	onServer := slices.Contains(serverRoles, f.Target.Role) || slices.Contains(servers, f.Target.Node)
	onParticipant := slices.Contains(ofParticipants, f.Target.Role) || slices.Contains(participants, f.Target.Node)
	needServer := f.Kind == Partition && slices.Contains([]Shape{FromPeers, OneWayIn, OneWayOut, Halves}, f.Shape)
	needParticipant := f.Kind == LoseReply || f.Kind == Slow || f.Kind == Partition && (f.Shape == FromServer || f.Shape == FromServers)
	switch {
	case (f.Target.Node == "") == (f.Target.Role == ""):
		return fmt.Errorf("%s needs a node or a role as its target", f.Kind)
	case !onServer && !onParticipant && f.Target.Node != "":
		return fmt.Errorf("no such node %q (know %s)", f.Target.Node, listed(slices.Concat(servers, participants)))
	case !onServer && !onParticipant:
		return fmt.Errorf("unknown role %q (know %s)", f.Target.Role, listed(slices.Concat(serverRoles, ofParticipants)))
	case (f.Shape == FromNodes) != (len(f.Peers) > 0):
		return fmt.Errorf("%s %s: peers are for the shape from-nodes, which needs some", f.Kind, f.Shape)
	case slices.ContainsFunc(f.Peers, func(p string) bool {
		return !slices.Contains(servers, p) && !slices.Contains(participants, p) || p == f.Target.Node
	}):
		return fmt.Errorf("%s %s: peers must be other nodes of the run, have %s", f.Kind, f.Shape, listed(f.Peers))
	case f.Target.Pick < 0 || f.Count < 0:
		return fmt.Errorf("%s: pick %d, count %d: must not be negative", f.Kind, f.Target.Pick, f.Count)
	case needServer && !onServer:
		return fmt.Errorf("%s %s needs a server as its target", f.Kind, f.Shape)
	case needServer && len(servers) < 2:
		return fmt.Errorf("%s %s needs at least two servers", f.Kind, f.Shape)
	case needParticipant && !onParticipant:
		return fmt.Errorf("%s %s needs a participant as its target", f.Kind, f.Shape)
	case f.Kind == Clock && f.Jump == 0 && (f.Rate == 0 || f.Rate == 1):
		return fmt.Errorf("clock needs a jump, or a rate other than 1")
	case f.Kind == Clock && (f.Jump.D().Abs() > maxJump || f.Rate != 0 && (f.Rate < minRate || f.Rate > maxRate)):
		return fmt.Errorf("clock: jump %v, rate %v: at most %v either way, rate %v to %v", f.Jump.D(), f.Rate, maxJump, minRate, maxRate)
	case f.Kind == MonoRate && (f.Jump != 0 || f.Rate < minRate || f.Rate > maxRate || f.Rate == 1):
		return fmt.Errorf("mono-rate: jump %v, rate %v: needs a rate of %v to %v other than 1, and a monotonic clock does not jump", f.Jump.D(), f.Rate, minRate, maxRate)
	case f.Kind == MonoRate && !onParticipant:
		return fmt.Errorf("mono-rate needs a participant as its target: a server's JVM waits for absolute times of the kernel's own clock")
	case f.Kind != Clock && f.Kind != MonoRate && (f.Jump != 0 || f.Rate != 0):
		return fmt.Errorf("%s has no jump and no rate", f.Kind)
	case f.Kind == LoseReply && f.Op == "":
		return fmt.Errorf("lose-reply needs the op whose reply is lost")
	case (f.Kind == Slow) != (f.Delay != 0) || f.Delay < 0 || f.Delay.D() > maxDelay:
		return fmt.Errorf("%s: delay %v: slow needs one of at most %v, other faults have none", f.Kind, f.Delay.D(), maxDelay)
	}
	return nil
}

// maxDelay is well below what a connection with a message may last.
const maxDelay = 30 * time.Second

// Bounds of a clock fault.
const (
	maxJump          = 365 * 24 * time.Hour
	minRate, maxRate = 0.1, 10.0
)

// ClockRate is the rate of a clock or mono-rate fault, 1 where none is given.
func (f Fault) ClockRate() float64 {
	if f.Rate == 0 {
		return 1
	}
	return f.Rate
}

// listed are names as they are told to people.
func listed[T ~string](names []T) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

// Kinds are all faults, in the order in which they are listed to people.
var Kinds = []Kind{Partition, Kill, Pause, Clock, MonoRate, LoseReply, Slow}
