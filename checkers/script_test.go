package checkers

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// The notation of the histories in testdata/scripts, one event a line, times in seconds:
//
//	12.0 p1 invoke acquire                      an op; p2.3 is p2's third incarnation, p2 its first
//	12.1 p1 ok acquire hold=p1.1/1 token=5      completes the node's open op; also fail, info
//	12.2 p1 access seq=1 hold=p1.1/1 token=5    add "rejected" if it was; also answer
//	12.3 p1 note lost hold=p1.1/1 mono=12.29
//	12.4 p1 exit                                also start
//	12.0..12.9 zk1 stall
//	13.0 - phase quiet
//	step s1 pause                               a step of the plan; a receipt brings its own
//	receipt s1 pause p1,p2 12.3..12.4 15.4..15.5 applied shape=isolate edges=zk1-zk2 serves=p1 stalls=p2 why=text
//	spec fencing=true session=2s participants=2 insist=belief faults=pause
//	promise belief,tokens                       the claims that the recipe makes; without it all of the lock's
//	precondition belief no expiry               one more for a claim
//	incomparable · native
type script struct {
	in      Input
	nextID  int64
	pending map[string]int64
}

func parse(text string) (Input, error) {
	s := script{pending: map[string]int64{}, in: Input{Spec: spec.Default(), Claims: lockClaims()}}
	s.in.Spec.Participants, s.in.Spec.Faults = 2, nil
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := s.line(strings.Fields(line)); err != nil {
			return Input{}, fmt.Errorf("line %d: %q: %w", n+1, line, err)
		}
	}
	s.in.History = history.Sorted(s.in.History)
	return s.in, nil
}

func lockClaims() []Claim {
	return []Claim{
		{Name: ClaimExclusion}, {Name: ClaimTokens}, {Name: ClaimHandOver}, {Name: ClaimOrphans},
		{Name: ClaimBelief, When: []Precondition{SessionOutlastsFollower, NoLongStall}},
	}
}

func electionClaims() []Claim {
	return []Claim{{Name: ClaimEpoch}, {Name: ClaimFence}, {Name: ClaimAcked}, {Name: ClaimServed}, {Name: ClaimQuorum}, {Name: ClaimFirst}}
}

func rebalanceClaims() []Claim {
	return []Claim{{Name: ClaimOwner, When: []Precondition{FencedOrNoExpiry}}, {Name: ClaimConsumed}, {Name: ClaimOffsets}, {Name: ClaimAssignment}}
}

func (s *script) line(f []string) error {
	switch f[0] {
	case "spec":
		return s.spec(f[1:])
	case "promise":
		s.in.Claims = nil
		for _, c := range slices.Concat(lockClaims(), counterClaims(), electionClaims(), rebalanceClaims(), []Claim{{Name: ClaimRegister}}) {
			if strings.Contains(f[1], c.Name) {
				s.in.Claims = append(s.in.Claims, c)
			}
		}
		return nil
	case "precondition":
		for i := range s.in.Claims {
			if c := &s.in.Claims[i]; c.Name == f[1] {
				c.When = append(c.When, Precondition(strings.Join(f[2:], " ")))
			}
		}
		return nil
	case "incomparable":
		s.in.Incomparable = true
		return nil
	case "native":
		s.in.Native = true
		return nil
	case "step":
		s.step(f[1], f[2])
		return nil
	case "receipt":
		return s.receipt(f[1:])
	}
	return s.event(f)
}

func (s *script) spec(fields []string) (err error) {
	sp := &s.in.Spec
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "fencing":
			sp.Fencing = v == "true"
		case "participants":
			sp.Participants, err = strconv.Atoi(v)
		case "session":
			err = sp.Timing.Session.UnmarshalText([]byte(v))
		case "servers":
			sp.Servers, err = strconv.Atoi(v)
		case "insist":
			sp.Claims = append(sp.Claims, v)
		case "roles":
			for _, r := range strings.Split(v, ",") {
				name, n, _ := strings.Cut(r, ":")
				count, bad := strconv.Atoi(n)
				sp.Roles, err = append(sp.Roles, spec.Role{Name: name, Count: count}), bad
			}
		case "faults":
			sp.Faults = strings.Split(v, ",")
		default:
			err = fmt.Errorf("unknown key %q", k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *script) step(id, kind string) nemesis.Step {
	step := nemesis.Step{ID: id, Fault: nemesis.Fault{Kind: nemesis.Kind(kind)}}
	for _, known := range s.in.Plan.Steps {
		if known.ID == id {
			return step
		}
	}
	s.in.Plan.Steps = append(s.in.Plan.Steps, step)
	return step
}

func (s *script) receipt(f []string) error {
	r := nemesis.Receipt{Step: s.step(f[0], f[1]), Nodes: strings.Split(f[2], ",")}
	begin, err := spanOf(f[3])
	if err != nil {
		return err
	}
	end, err := spanOf(f[4])
	if err != nil {
		return err
	}
	r.BeginFrom, r.Begin, r.End, r.EndBy = begin.from, begin.to, end.from, end.to
	r.Status = nemesis.Status(f[5])
	for _, kv := range f[6:] {
		switch k, v, _ := strings.Cut(kv, "="); k {
		case "serves":
			r.Expect.Serves = strings.Split(v, ",")
		case "stalls":
			r.Expect.Stalls = strings.Split(v, ",")
		case "target":
			r.Step.Fault.Target.Role = nemesis.Role(v)
			s.in.Plan.Steps[len(s.in.Plan.Steps)-1].Fault = r.Step.Fault
		case "rate":
			if r.Step.Fault.Rate, err = strconv.ParseFloat(v, 64); err != nil {
				return err
			}
		case "shape":
			r.Step.Fault.Shape = nemesis.Shape(v)
		case "edges":
			for _, e := range strings.Split(v, ",") {
				a, b, _ := strings.Cut(e, "-")
				for _, e := range []nemesis.Edge{{From: a, To: b}, {From: b, To: a}} {
					r.Edges = append(r.Edges, nemesis.EdgeReceipt{Edge: e, Cut: true, Healed: true})
				}
			}
		case "why":
			r.Why = v
		default:
			return fmt.Errorf("unknown key %q", k)
		}
	}
	s.in.Receipts = append(s.in.Receipts, r)
	return nil
}

func (s *script) event(f []string) error {
	when, err := spanOf(f[0])
	if err != nil {
		return err
	}
	e := history.Event{Time: when.from, Type: history.Type(f[2]), Process: history.NoProcess}
	if when.to != when.from {
		e.End = when.to
	}
	if f[1] != "-" {
		node, inc, found := strings.Cut(f[1], ".")
		e.Node, e.Incarnation = node, 1
		if found {
			if e.Incarnation, err = strconv.Atoi(inc); err != nil {
				return err
			}
		}
	}
	for _, kv := range f[3:] {
		if err := field(&e, kv); err != nil {
			return err
		}
	}
	switch {
	case e.Type == history.Invoke:
		s.nextID++
		s.pending[e.Node] = s.nextID
		fallthrough
	case e.Completes():
		e.ID, e.Process = s.pending[e.Node], 0
	}
	s.in.History = append(s.in.History, e)
	return nil
}

func field(e *history.Event, kv string) (err error) {
	k, v, found := strings.Cut(kv, "=")
	switch {
	case kv == "rejected":
		e.Rejected = true
	case !found:
		e.F = kv
	case k == "seq":
		e.Seq, err = strconv.ParseInt(v, 10, 64)
	case k == "token":
		e.Token, err = strconv.ParseInt(v, 10, 64)
	case k == "n":
		e.N, err = strconv.ParseInt(v, 10, 64)
	case k == "key":
		e.Key = v
	case k == "hold":
		e.Hold = v
	case k == "text":
		e.Text = v
	case k == "error":
		e.Error = v
	case k == "mono":
		e.Mono, err = nanos(v)
	default:
		err = fmt.Errorf("unknown key %q", k)
	}
	return err
}

func spanOf(s string) (span, error) {
	from, to, found := strings.Cut(s, "..")
	a, err := nanos(from)
	if err != nil || !found {
		return span{a, a}, err
	}
	b, err := nanos(to)
	return span{a, b}, err
}

func nanos(s string) (int64, error) {
	v, err := strconv.ParseFloat(s, 64)
	return int64(math.Round(v * float64(time.Second))), err
}

func mustParse(t testing.TB, text string) Input {
	t.Helper()
	in, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func mustDefault() spec.Spec {
	s := spec.Default()
	s.Faults = nil
	return s
}
