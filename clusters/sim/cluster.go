package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"riven/clusters"
	"riven/clusters/sim/client"
	"riven/clusters/sim/ensemble"
	"riven/clusters/sim/kernel"
	"riven/clusters/sim/network"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads"
)

// Name is the cluster's in specs.
const Name = "sim"

// Version is what the simulated servers say they are.
const Version = "3.8.0-simulated"

// Find looks a recipe up by the names of its workload and of itself.
type Find func(workload, recipe string) (workloads.Recipe, error)

// Limits in virtual time.
const (
	formTime  = 2 * time.Minute  // for the ensemble to form
	readyTime = time.Minute      // for the participants to be ready
	graceTime = 3 * time.Second  // for tasks to end when their node stops
	epoch     = 10 * time.Second // what the common clock shows at the begin
)

// began is what wall clocks show then.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Cluster is the nodes of one run. All its time passes in its own calls.
type Cluster struct {
	cfg     clusters.Config
	spec    spec.Spec
	obs     clusters.Observer
	k       *kernel.Kernel
	edges   *network.Edges
	servers []*server
	parts   []*participant
	names   []string // of all nodes, servers first
	broken  error    // of the simulation itself
	profile client.Profile
	stopped bool

	votes    *network.Net[ensemble.Message] // between servers, of elections
	lines    *network.Net[ensemble.Message] // of learners
	sessions *network.Net[packet]           // from clients to servers
	messages *network.Net[envelope]         // between participants
	clients  map[network.Conn]*client.Client
	asks     map[network.Conn]*asking
}

var _ clusters.Cluster = (*Cluster)(nil)
var _ clusters.Timed = (*Cluster)(nil)

// New is a cluster whose nodes have not been started.
func New(cfg clusters.Config, find Find) (*Cluster, error) {
	s := cfg.Spec
	recipe, err := find(s.Workload, s.Recipe)
	switch {
	case err != nil:
		return nil, err
	case recipe.New == nil:
		return nil, fmt.Errorf("recipe %q runs in containers alone: it is not written against env", s.Recipe)
	case s.Client != "" && !slices.Contains(Clients(), s.Client):
		return nil, fmt.Errorf("no client behaves as %q", s.Client)
	}
	c := &Cluster{
		cfg: cfg, spec: s, obs: cfg.Observer, names: append(s.ServerNames(), s.ParticipantNames()...),
		profile: client.Profile(cmp.Or(s.Client, string(client.GoZK))),
		clients: map[network.Conn]*client.Client{}, asks: map[network.Conn]*asking{},
	}
	c.k = kernel.New(s.Seed, len(c.names))
	c.edges = network.NewEdges(c.k, len(c.names))
	c.votes = network.New(c.k, c.edges, network.User[ensemble.Message](votes{c}))
	c.votes.Patience = 5 // QuorumCnxManager gives a dial up after that many seconds, and dials anew
	c.lines = network.New(c.k, c.edges, network.User[ensemble.Message](lines{c}))
	c.lines.Patience = 1 + int((s.Timing.FollowerTimeout()+time.Second-1)/time.Second) // Learner after tickTime*syncLimit
	c.sessions = network.New(c.k, c.edges, network.User[packet](sessions{c}))
	c.messages = network.New(c.k, c.edges, network.User[envelope](messages{c}))
	for i := range s.ServerNames() {
		c.servers = append(c.servers, newServer(c, i))
	}
	for i, name := range s.ParticipantNames() {
		c.parts = append(c.parts, &participant{c: c, node: len(c.servers) + i, at: i, name: name, recipe: recipe})
	}
	return c, nil
}

// Clients are the names of those whose behaviour participants' sessions may have; the first is that of participants in
// containers.
func Clients() (names []string) {
	for _, p := range client.Profiles() {
		names = append(names, string(p))
	}
	return names
}

// Hash is that of everything that has happened.
func (c *Cluster) Hash() uint64 { return c.k.Hash() }

// Events is how many events of the simulation have happened.
func (c *Cluster) Events() uint64 { return c.k.Events() }

// Now is the virtual time since the begin.
func (c *Cluster) Now() time.Duration { return c.k.Now() }

// stamp is the nodes' common CLOCK_MONOTONIC.
func (c *Cluster) stamp() int64 { return int64(epoch + c.k.Now()) }

func (c *Cluster) span() clusters.Span { return clusters.Span{From: c.stamp(), To: c.stamp()} }

// Pass lets virtual time go by.
func (c *Cluster) Pass(ctx context.Context, d time.Duration, done func() bool) (err error) {
	until := c.k.Now() + d
	if c.broken != nil {
		return c.broken
	}
	defer func() {
		if r := recover(); r != nil {
			c.broken = fmt.Errorf("the simulation broke at %v, event %d: %v\n%s", c.k.Now(), c.k.Events(), r, stack())
			err = c.broken
		}
	}()
	for n := 0; !done(); n++ {
		if n&1023 == 1023 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !c.k.Step(until) {
			return nil
		}
	}
	return nil
}

// await lets time pass until done, at most so long.
func (c *Cluster) await(ctx context.Context, d time.Duration, what string, done func() bool) error {
	if err := c.Pass(ctx, d, done); err != nil {
		return err
	}
	if !done() {
		return fmt.Errorf("%s: not within %v", what, d)
	}
	return nil
}

// Start starts the servers, and the participants when the servers serve.
func (c *Cluster) Start(ctx context.Context) error {
	for _, s := range c.servers {
		s.boot()
	}
	if err := c.await(ctx, formTime, "the ensemble did not form", c.formed); err != nil {
		return err
	}
	homes, err := c.homes()
	if err != nil {
		return err
	}
	for i, p := range c.parts {
		p.servers = homes[i]
		p.boot()
	}
	return c.await(ctx, readyTime, "the participants did not get ready", func() bool {
		return !slices.ContainsFunc(c.parts, func(p *participant) bool { return !p.ready })
	})
}

func (c *Cluster) formed() bool {
	leads := false
	for _, s := range c.servers {
		switch s.role {
		case roleLeader:
			leads = true
		case roleFollower:
		default:
			return false
		}
	}
	return leads
}

// homes are the servers that each participant may use, in the order in which it tries them: those that it is pinned to,
// else all, beginning with another one for each.
func (c *Cluster) homes() ([][]int, error) {
	byRole := map[string]int{}
	followers := 0
	for i, s := range c.servers {
		byRole[c.names[i]] = i
		if s.role == roleLeader {
			byRole[roleLeader] = i
			continue
		}
		if followers++; followers == 1 {
			byRole[roleFollower] = i
		}
		byRole[roleFollower+strconv.Itoa(followers)] = i
	}
	all := make([][]int, len(c.parts))
	for i, p := range c.parts {
		for _, pin := range c.spec.Pins {
			if pin.Participant != p.name {
				continue
			}
			s, ok := byRole[pin.Server]
			if !ok {
				return nil, fmt.Errorf("pin %s to %s: the ensemble has no such server", pin.Participant, pin.Server)
			}
			all[i] = append(all[i], s)
		}
		if all[i] == nil {
			for k := range c.servers {
				all[i] = append(all[i], (i+k)%len(c.servers))
			}
		}
	}
	return all, nil
}

// Comparable is true: there is one clock.
func (c *Cluster) Comparable() bool { return true }

// Deliver hands an op to the agent of a participant.
func (c *Cluster) Deliver(name string, inv clusters.Invocation) error {
	p, err := c.participant(name)
	if err != nil {
		return err
	}
	p.deliver(inv)
	return nil
}

// Stop ends all nodes. A task that does not end when its node is told to stop is an error.
func (c *Cluster) Stop(ctx context.Context) error {
	if c.stopped {
		return nil
	}
	c.stopped = true
	for i := range c.names {
		c.k.Resume(i)
	}
	for _, s := range c.servers {
		s.stop("signal: terminated")
	}
	for _, p := range c.parts {
		p.tellToStop()
	}
	err := c.Pass(context.WithoutCancel(ctx), graceTime, func() bool {
		return !slices.ContainsFunc(c.parts, func(p *participant) bool { return p.inc != nil && len(p.inc.group.Running()) > 0 })
	})
	errs := []error{err}
	for _, p := range c.parts {
		if p.inc == nil {
			continue
		}
		if late := p.inc.group.Running(); len(late) > 0 {
			errs = append(errs, fmt.Errorf("%s was told to stop and has tasks that still run after %v: %v", p.inc.id(), graceTime, late))
		}
		p.end("exit status 0")
	}
	c.k.Close()
	return errors.Join(errs...)
}

// Formed returns when a leader and all other running servers serve.
func (c *Cluster) Formed(ctx context.Context) error {
	return c.await(ctx, formTime, "the ensemble did not form", c.formed)
}

// Ask answers srvr as a server does.
func (c *Cluster) Ask(_ context.Context, node, word string) (string, error) {
	i := slices.Index(c.names, node)
	if i < 0 || i >= len(c.servers) {
		return "", fmt.Errorf("ask %s: no such server", node)
	}
	s := c.servers[i]
	if !s.running() {
		return "", fmt.Errorf("ask %s: it does not run", node)
	}
	return fmt.Sprintf("Zookeeper version: %s\nZxid: %#x\nMode: %s\n", Version, s.zk.Zxid(), s.role), nil
}

func (c *Cluster) participant(name string) (*participant, error) {
	i := slices.IndexFunc(c.parts, func(p *participant) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("node %s is not a participant", name)
	}
	return c.parts[i], nil
}

// record completes and records an event that is not an op of its own.
func (c *Cluster) record(node, incarnation int, e history.Event) {
	e.Node, e.Incarnation, e.Process = c.names[node], incarnation, history.NoProcess
	if e.Time == 0 {
		e.Time = c.stamp()
	}
	c.obs.Record(e)
}

func (c *Cluster) edge(e nemesis.Edge) (from, to int, err error) {
	from, to = slices.Index(c.names, e.From), slices.Index(c.names, e.To)
	if from < 0 || to < 0 {
		return 0, 0, fmt.Errorf("no edge from %s to %s", e.From, e.To)
	}
	return from, to, nil
}
