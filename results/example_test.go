package results

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

const (
	ms = int64(time.Millisecond)
	s  = int64(time.Second)
)

// example makes up the bundle of a run: three servers, four participants that take turns at a lock for 30 s, a
// partition, a kill and a pause, after which the holder writes on although another holds.
type example struct {
	rng     *rand.Rand
	boot    int64 // CLOCK_MONOTONIC at the begin of the ops
	now     int64 // since then
	events  []history.Event
	id, seq int64
	token   int64
	holds   map[string]int
	asked   map[string]history.Event
	more    []history.Event // beside the run's own
}

var servers, participants = []string{"zk1", "zk2", "zk3"}, []string{"p1", "p2", "p3", "p4"}

func newExample(seed uint64) *example {
	return &example{
		rng: rand.New(rand.NewPCG(seed, 0)), boot: 5_000 * s, token: 0x100000000,
		holds: map[string]int{}, asked: map[string]history.Event{},
	}
}

func (x *example) add(at int64, e history.Event) history.Event {
	e.Time = x.boot + at
	if e.Type != history.Invoke && !e.Completes() {
		e.Process = history.NoProcess
	}
	x.events = append(x.events, e)
	return e
}

func (x *example) jitter(around int64) int64 { return around/2 + x.rng.Int64N(around) }

// ask invokes an op of the participant.
func (x *example) ask(at int64, node, f string) {
	x.id++
	x.asked[node] = x.add(at, history.Event{
		Type: history.Invoke, Node: node, Incarnation: 1, Process: slices.Index(participants, node), ID: x.id, Op: history.Op{F: f, Key: "/lock"},
	})
}

func (x *example) complete(at int64, node string, t history.Type, hold string, token int64, err string) {
	e := x.asked[node]
	e.Type, e.Hold, e.Token, e.Error = t, hold, token, err
	x.add(at, e)
}

func (x *example) access(at int64, node, hold string, token int64, rejected bool) {
	x.seq++
	x.add(at, history.Event{Type: history.Access, Node: node, Incarnation: 1, Seq: x.seq, Rejected: rejected,
		Op: history.Op{Key: "register", Hold: hold, Token: token, N: x.seq}})
}

func (x *example) role(at int64, node, role string) {
	x.add(at, history.Event{Type: history.Role, Node: node, Incarnation: 1, Op: history.Op{F: role, N: x.token}})
}

func (x *example) phase(at int64, name string) {
	x.add(at, history.Event{Type: history.Phase, Op: history.Op{F: name}})
}

// tenure is one hold with its accesses, asked for in advance.
func (x *example) tenure(node string, length int64) (hold string, token int64) {
	x.holds[node]++
	x.token += 2
	hold, token = fmt.Sprintf("%s.1/%d", node, x.holds[node]), x.token
	x.complete(x.now, node, history.OK, hold, token, "")
	for at := x.now + 4*ms; at < x.now+length-10*ms; at += x.jitter(30 * ms) {
		x.access(at, node, hold, token, false)
	}
	x.now += length
	return hold, token
}

func (x *example) handOver(node string) {
	x.ask(x.now, node, "release")
	x.now += x.jitter(4 * ms)
	x.complete(x.now, node, history.OK, "", 0, "")
	x.ask(x.now+x.jitter(2*ms), node, "acquire")
	x.now += x.jitter(6 * ms)
}

// turns lets the participants that are able take the lock one after another.
func (x *example) turns(until int64, able ...string) {
	for i := 0; x.now < until; i++ {
		node := able[i%len(able)]
		x.tenure(node, x.jitter(200*ms))
		x.handOver(node)
	}
}

func (x *example) history() []history.Event {
	for i, n := range servers {
		x.add(-1800*ms+int64(i)*40*ms, history.Event{Type: history.Start, Node: n, Incarnation: 1})
		x.role(-900*ms, n, []string{"follower", "follower", "leader"}[i])
	}
	for i, n := range participants {
		x.add(-500*ms, history.Event{Type: history.Start, Node: n, Incarnation: 1})
		x.add(-300*ms, history.Event{Type: history.Note, Node: n, Incarnation: 1, Op: history.Op{F: history.NoteConnected, Text: servers[i%3]}})
	}
	x.phase(0, history.PhaseOps)
	for i, n := range participants {
		x.ask(int64(i)*ms, n, "acquire")
	}
	x.now = 8 * ms
	x.turns(4*s, "p1", "p2", "p3", "p4")

	// p1 is cut from all servers in mid-hold: it gives up, then its acquires fail until the end of the partition.
	cut, token := x.tenure("p1", 900*ms)
	x.add(x.now, history.Event{Type: history.Note, Node: "p1", Incarnation: 1, Op: history.Op{F: history.NoteLost, Hold: cut}})
	x.now += 1200 * ms
	x.ask(x.now-600*ms, "p1", "release")
	x.complete(x.now-20*ms, "p1", history.Info, "", 0, "connection lost")
	x.access(x.now+150*ms, "p2", "p2.1/99", x.token+2, false)
	x.access(x.now+170*ms, "p1", cut, token, true)
	x.ask(x.now, "p1", "acquire")
	x.complete(x.now+1100*ms, "p1", history.Fail, "", 0, "session expired")
	x.ask(x.now+1150*ms, "p1", "acquire")
	x.turns(11*s, "p2", "p3", "p4")

	// zk3, the leader, is killed.
	x.add(x.now, history.Event{Type: history.Exit, Node: "zk3", Incarnation: 1, Op: history.Op{Text: "signal: killed"}})
	x.role(x.now+30*ms, "zk1", "none")
	x.role(x.now+35*ms, "zk2", "none")
	x.role(x.now+410*ms, "zk2", "leader")
	x.role(x.now+415*ms, "zk1", "follower")
	x.add(x.now+1500*ms, history.Event{Type: history.Start, Node: "zk3", Incarnation: 2})
	x.role(x.now+1900*ms, "zk3", "follower")
	x.now += 480 * ms
	x.turns(17*s, "p4", "p2", "p3", "p1")

	// p3 stands still for longer than its session lives; when it goes on it writes as if nothing had been.
	stale, token := x.tenure("p3", 100*ms)
	began := x.now
	x.now += 2100 * ms
	x.turns(began+2900*ms, "p1", "p2")
	x.tenure("p4", 140*ms)
	x.access(x.now, "p3", stale, token, false)
	x.access(x.now+8*ms, "p4", fmt.Sprintf("p4.1/%d", x.holds["p4"]), x.token, false)
	x.ask(x.now+20*ms, "p3", "release")
	x.complete(x.now+24*ms, "p3", history.Fail, "", 0, "session expired")
	x.ask(x.now+30*ms, "p3", "acquire")
	x.now += 60 * ms
	x.handOver("p4")
	x.turns(30*s, "p1", "p2", "p3", "p4")
	x.phase(30*s, history.PhaseHeal)
	x.phase(30*s+50*ms, history.PhaseQuiet)
	x.turns(31*s, "p1", "p2", "p3", "p4")
	x.phase(x.now, history.PhaseDone)
	return x.events
}

func (x *example) plan() nemesis.Plan {
	d := func(n int64) spec.Duration { return spec.Duration(n) }
	return nemesis.Plan{Policy: "seeded", Seed: 42, Steps: []nemesis.Step{
		{ID: "f1", At: d(4 * s), For: d(3200 * ms), On: &nemesis.Trigger{Event: nemesis.OnAcquired, After: d(100 * ms)},
			Fault: nemesis.Fault{Kind: nemesis.Partition, Shape: nemesis.FromServers, Target: nemesis.Target{Role: nemesis.Holder}}},
		{ID: "f2", At: d(11 * s), For: d(1500 * ms), Fault: nemesis.Fault{Kind: nemesis.Kill, Target: nemesis.Target{Role: nemesis.Leader}}},
		{ID: "f3", At: d(17 * s), For: d(3 * s), On: &nemesis.Trigger{Event: nemesis.OnAcquired, After: d(100 * ms)},
			Fault: nemesis.Fault{Kind: nemesis.Pause, Target: nemesis.Target{Role: nemesis.Holder}}},
		{ID: "f4", At: d(24 * s), For: d(2 * s), On: &nemesis.Trigger{Event: nemesis.OnLeaderChanged},
			Fault: nemesis.Fault{Kind: nemesis.Partition, Shape: nemesis.Isolate, Target: nemesis.Target{Node: "zk1"}}},
	}}
}

func (x *example) receipts(p nemesis.Plan) []nemesis.Receipt {
	at := func(t int64) int64 { return x.boot + t }
	cut := nemesis.Receipt{Step: p.Steps[0], Status: nemesis.Applied, Nodes: []string{"p1"}, BeginFrom: at(4110 * ms), Begin: at(4111 * ms),
		End: at(7310 * ms), EndBy: at(7312 * ms), Expect: nemesis.Expect{Serves: []string{"p2", "p3", "p4"}, Stalls: []string{"p1"}}}
	for i, n := range servers {
		cut.Edges = append(cut.Edges,
			nemesis.EdgeReceipt{Edge: nemesis.Edge{From: "p1", To: n}, Cut: true, Packets: uint64(17 * i), Healed: true},
			nemesis.EdgeReceipt{Edge: nemesis.Edge{From: n, To: "p1"}, Cut: true, Packets: uint64(4 * i), Healed: true})
	}
	return []nemesis.Receipt{
		cut,
		{Step: p.Steps[1], Status: nemesis.Applied, Nodes: []string{"zk3"}, BeginFrom: at(11020 * ms), Begin: at(11021 * ms), End: at(12520 * ms), EndBy: at(12521 * ms),
			Processes: []nemesis.ProcessReceipt{{Node: "zk3", Pid: 12, Gone: true, NewPid: 87}}, Expect: nemesis.Expect{Serves: participants}},
		{Step: p.Steps[2], Status: nemesis.Applied, Nodes: []string{"p3"}, BeginFrom: at(17300 * ms), Begin: at(17301 * ms), End: at(20300 * ms), EndBy: at(20301 * ms),
			Processes: []nemesis.ProcessReceipt{{Node: "p3", Pid: 9, Threads: 11, Resumed: true}}, Expect: nemesis.Expect{Serves: []string{"p1", "p2", "p4"}}},
		{Step: p.Steps[3], Status: nemesis.Unmet, Why: "no other server came to lead after 24s"},
	}
}

// verdict finds the accesses that prove the violation as a checker would: hold A, hold B, hold A again.
func (x *example) verdict(h []history.Event) checkers.Verdict {
	var a, b, again history.Event
	last := map[string]history.Event{}
	var prev history.Event
	for _, e := range h {
		if e.Type != history.Access || e.Rejected {
			continue
		}
		if e.Hold != prev.Hold {
			if seen, was := last[e.Hold]; was {
				a, b, again = seen, prev, e
				break
			}
		}
		last[e.Hold], prev = e, e
	}
	sentence := fmt.Sprintf("p3 wrote under hold %s (access %d) after p4 had written under hold %s (access %d): two holders at once.", again.Hold, again.Seq, b.Hold, b.Seq)
	return checkers.Verdict{
		Version: 1, Outcome: checkers.Violation, Sentence: "The lock did not exclude: " + sentence,
		Checks: []checkers.Check{
			{Claim: checkers.ClaimExclusion, Rule: "At the resource, accepted accesses of a hold are never interleaved with another's.", Engine: "resource order", Outcome: checkers.Violation,
				Detail: fmt.Sprintf("%d accesses", x.seq), Anomalies: []checkers.Anomaly{{
					Claim: checkers.ClaimExclusion, Sentence: sentence, Proof: []int{a.Index, b.Index, again.Index}, Holds: []string{a.Hold, b.Hold},
					Nodes: []string{"p3", "p4"}, From: a.Time, To: again.Time, Place: checkers.Recipe}}},
			{Claim: checkers.ClaimBelief, Rule: "No two participants think at once that they hold.", Engine: "interval sweep", Outcome: checkers.Pass, Detail: "1 overlap outside the preconditions",
				Anomalies: []checkers.Anomaly{{Claim: checkers.ClaimBelief, Sentence: "p3 and p1 both believed that they held for 0.71 s.", Proof: []int{a.Index, b.Index}, Hazard: true,
					Why: "p3 stood still for 3 s, longer than the margin of 1 s (no long stall)", From: a.Time, To: b.Time}}},
			{Claim: checkers.ClaimHandOver, Rule: "After the last heal every participant is served within a bound.", Engine: "bound", Outcome: checkers.Pass, Detail: "4 participants, slowest 812 ms of 6 s"},
		},
		Floors: []checkers.Floor{{Name: "hand-overs", Want: 10, Got: 139}, {Name: "successes during faults", Want: 5, Got: 37}, {Name: "receipts", Want: 4, Got: 3}},
	}
}

// write makes the bundle, judged.
func (x *example) write(t testing.TB) *Bundle {
	sp := spec.Default()
	sp.Seed, sp.Fencing = 42, false
	r, err := Create(t.TempDir(), sp, began)
	require.NoError(t, err)
	for _, e := range append(x.history(), x.more...) {
		r.Record(e)
	}
	plan := x.plan()
	require.NoError(t, r.Plan(plan))
	for _, v := range x.receipts(plan) {
		require.NoError(t, r.Receipt(v))
	}
	require.NoError(t, r.Describe(func(m *Meta) {
		m.Riven, m.Engine = "0123456789ab", "docker 29.0.1"
		m.Command = "riven run --workload lock --recipe curator --seed 42 --no-fencing --faults partition,kill,pause --time 30s"
	}))
	for _, n := range append(slices.Clone(servers), participants...) {
		_, err := fmt.Fprintf(r.Log(n), "log of %s\n", n)
		require.NoError(t, err)
	}
	require.NoError(t, r.Close())
	b, err := Open(r.Dir)
	require.NoError(t, err)
	require.NoError(t, b.WriteAll(x.verdict(b.History)))
	return b
}
