package run

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads/catalogue"
)

// delayed is a run in which the holder is cut off late in its hold, from all servers or by its server's being cut from
// its peers, while it and a server stand still at random moments, for no longer than so long together.
func delayed(t *testing.T, timing spec.Timing, shape nemesis.Shape, together time.Duration, seed uint64) checkers.Check {
	r := rand.New(rand.NewPCG(seed, 1))
	session := timing.Session.D()
	cut := session + time.Duration(r.Int64N(int64(session)))
	part := nemesis.Fault{Kind: nemesis.Partition, Shape: shape, Target: nemesis.Target{Role: nemesis.Holder}}
	news := cut + session*2/3
	if shape == nemesis.FromPeers {
		part.Target.Role, news = nemesis.HolderServer, cut+timing.FollowerTimeout()
	}
	pause := func(role nemesis.Role) nemesis.Fault {
		return nemesis.Fault{Kind: nemesis.Pause, Target: nemesis.Target{Role: role}}
	}
	own := time.Duration(r.Int64N(int64(together)))
	server := []nemesis.Role{nemesis.HolderServer, nemesis.Leader, nemesis.AnyServer}[r.IntN(3)]
	return believed(t, longHolds(timing, seed),
		nemesis.Step{ID: "cut", For: spec.Duration(2 * session), Fault: part, On: acquired(cut)},
		nemesis.Step{ID: "own", For: spec.Duration(own), Fault: pause(nemesis.Holder), On: acquired(news - time.Duration(r.Int64N(int64(own+1))))},
		nemesis.Step{ID: "server", For: spec.Duration(together - own), Fault: pause(server), On: acquired(cut - session*2/3 + time.Duration(r.Int64N(int64(session*5/3))))})
}

// longHolds is a run of the lock with holds of four session timeouts, in which belief is judged without preconditions.
func longHolds(timing spec.Timing, seed uint64) spec.Spec {
	s := simulated("lock", seed)
	s.Timing, s.Participants, s.Faults, s.Claims = timing, 3, nil, []string{checkers.ClaimBelief}
	s.Hold, s.Time = 4*timing.Session, 5*timing.Session
	return s
}

func acquired(after time.Duration) *nemesis.Trigger {
	return &nemesis.Trigger{Event: nemesis.OnAcquired, After: spec.Duration(after)}
}

func believed(t *testing.T, s spec.Spec, steps ...nemesis.Step) checkers.Check {
	x, err := Simulate(context.Background(), s, &nemesis.Plan{Policy: "file", Steps: steps})
	require.NoError(t, err)
	for _, c := range x.Verdict.Checks {
		if c.Claim == checkers.ClaimBelief {
			return c
		}
	}
	t.Fatal("belief was not judged")
	return checkers.Check{}
}

// TestStallMargin: as long as no more than twice the margin stands still, half of it being for what nobody sees, there
// are never two believers; where more does there are.
func TestStallMargin(t *testing.T) {
	timing := func(syncLimit int, session time.Duration) spec.Timing {
		return spec.Timing{TickTime: 200, InitLimit: 10, SyncLimit: syncLimit, Session: spec.Duration(session)}
	}
	for _, c := range []struct {
		timing spec.Timing
		shape  nemesis.Shape
		above  time.Duration
	}{
		{timing(5, 2*time.Second), nemesis.FromServers, 1800 * time.Millisecond},
		{timing(5, 2*time.Second), nemesis.FromPeers, 1500 * time.Millisecond},
		{timing(5, 3*time.Second), nemesis.FromServers, 2500 * time.Millisecond},
		{timing(5, 3*time.Second), nemesis.FromPeers, 2200 * time.Millisecond},
		{timing(2, 2*time.Second), nemesis.FromServers, 1800 * time.Millisecond},
	} {
		below := 2 * checkers.StallMargin(c.timing, c.shape == nemesis.FromPeers)
		overlaps := 0
		for seed := range uint64(100) {
			got := delayed(t, c.timing, c.shape, below, seed)
			require.Equal(t, checkers.Pass, got.Outcome, "%v %s, %v stood still, seed %d: %v", c.timing, c.shape, below, seed, got.Anomalies)
			if delayed(t, c.timing, c.shape, c.above, seed).Outcome == checkers.Violation {
				overlaps++
			}
		}
		t.Logf("session %v, syncLimit %d, %s: none below %v, %d of 100 at %v", c.timing.Session.D(), c.timing.SyncLimit, c.shape, below, overlaps, c.above)
		require.NotZero(t, overlaps, "%v %s, %v stood still", c.timing, c.shape, c.above)
	}
}

// TestCutsInTurn: the holder's server is cut from its peers, and the holder from it a while later. As long as a third of
// the session timeout outlasts that while and half a tick there are never two believers; where it does not there are,
// and that is a hazard.
func TestCutsInTurn(t *testing.T) {
	for _, timing := range []spec.Timing{
		{TickTime: 200, InitLimit: 10, SyncLimit: 5, Session: spec.Duration(2 * time.Second)},
		{TickTime: 200, InitLimit: 10, SyncLimit: 10, Session: spec.Duration(4 * time.Second)},
		{TickTime: 200, InitLimit: 10, SyncLimit: 5, Session: spec.Duration(4 * time.Second)},
	} {
		session, tick := timing.Session.D(), timing.Tick()
		// Where a third of the session outlasts all that the server can answer nothing is left to go wrong.
		within, answers := session/3-tick/2, timing.FollowerTimeout()
		inTurn := func(seed uint64, from, to time.Duration, claims ...string) checkers.Check {
			r := rand.New(rand.NewPCG(seed, 2))
			cut := session + time.Duration(r.Int64N(int64(session)))
			between := from + time.Duration(r.Int64N(int64(to-from)))
			part := func(shape nemesis.Shape, role nemesis.Role) nemesis.Fault {
				return nemesis.Fault{Kind: nemesis.Partition, Shape: shape, Target: nemesis.Target{Role: role}}
			}
			s := longHolds(timing, seed)
			s.Claims = claims
			return believed(t, s,
				nemesis.Step{ID: "server", For: 2 * timing.Session, Fault: part(nemesis.FromPeers, nemesis.HolderServer), On: acquired(cut)},
				nemesis.Step{ID: "holder", For: 2 * timing.Session, Fault: part(nemesis.FromServers, nemesis.Holder), On: acquired(cut + between)})
		}
		hazards := 0
		for seed := range uint64(100) {
			got := inTurn(seed, -tick, min(within, answers), checkers.ClaimBelief)
			require.Equal(t, checkers.Pass, got.Outcome, "%v, seed %d: %v", timing, seed, got.Anomalies)
			got = inTurn(seed, min(within, answers/2), answers)
			require.Equal(t, checkers.Pass, got.Outcome, "%v, seed %d: %v", timing, seed, got.Anomalies)
			hazards += len(got.Anomalies)
		}
		t.Logf("session %v, syncLimit %d: %d hazards", session, timing.SyncLimit, hazards)
		require.Equal(t, within < answers, hazards > 0, "session %v, syncLimit %d: %d hazards", session, timing.SyncLimit, hazards)
	}
}

// TestLeaseUnderMonotonicRates: a lease is stolen from a holder whose monotonic clock is slow, and by a waiter whose is
// fast, as soon as they are a third apart; that is no violation, as the lease's promise rests on them.
func TestLeaseUnderMonotonicRates(t *testing.T) {
	for _, c := range []struct {
		role   nemesis.Role
		rate   float64
		stolen bool
	}{
		{nemesis.Holder, 0.5, true},
		{nemesis.Holder, 0.85, false},
		{nemesis.Holder, 2, false},
		{nemesis.Waiter, 2, true},
		{nemesis.Waiter, 0.5, false},
	} {
		stolen := 0
		for seed := range uint64(20) {
			s := simulated("lock", seed)
			s.Recipe, s.Participants, s.Faults, s.Fencing = "lease", 2, nil, true
			s.Hold, s.Time = spec.Duration(6*time.Second), spec.Duration(12*time.Second)
			rate := nemesis.Fault{Kind: nemesis.MonoRate, Target: nemesis.Target{Role: c.role}, Rate: c.rate}
			cut := nemesis.Fault{Kind: nemesis.Partition, Shape: nemesis.FromServers, Target: nemesis.Target{Role: nemesis.Holder}}
			x, err := Simulate(context.Background(), catalogue.Complete(s), &nemesis.Plan{Policy: "file", Steps: []nemesis.Step{
				{ID: "rate", For: spec.Duration(6 * time.Second), Fault: rate, On: acquired(100 * time.Millisecond)},
				{ID: "cut", For: spec.Duration(4 * time.Second), Fault: cut, On: acquired(time.Second)}, // nothing is renewed
			}})
			require.NoError(t, err)
			require.Equal(t, nemesis.Applied, x.Input.Receipts[0].Status, x.Input.Receipts[0].Why)
			for _, check := range x.Verdict.Checks {
				if check.Claim != checkers.ClaimBelief {
					continue
				}
				require.Equal(t, checkers.Pass, check.Outcome, check.Anomalies)
				if len(check.Anomalies) > 0 {
					stolen++
					require.Contains(t, check.Anomalies[0].Why, "lease outlasts stall: the monotonic clocks of the two went wrong by ")
				}
			}
		}
		t.Logf("%s at rate %v: stolen in %d of 20", c.role, c.rate, stolen)
		require.Equal(t, c.stolen, stolen > 0, "%s at rate %v: %d", c.role, c.rate, stolen)
	}
}
