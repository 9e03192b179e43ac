package sim

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"riven/clusters"
	"riven/clusters/sim/client"
	"riven/clusters/sim/kernel"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/workloads"
)

func stack() []byte { return debug.Stack() }

// participant is a participant's machine and what its agent does there.
type participant struct {
	c       *Cluster
	node    int
	at      int // among the participants
	name    string
	recipe  workloads.Recipe
	servers []int // that it may use
	inc     *incarnation
	starts  int
	life    uint64
	booting bool
	ready   bool
	busy    bool // an op is at the child, or about to be
	queue   []clusters.Invocation
	arms    arms
	orders  []order // for the process that boots
	delays  []delay // as well
}

// incarnation is one start of the participant's process.
type incarnation struct {
	p       *participant
	number  int
	name    string // "p1.2"
	group   *kernel.Group
	rng     *rand.Rand
	begin   time.Duration
	stop    *kernel.Signal
	op      clusters.Invocation // at the child
	has     bool                // there is one
	handed  kernel.Signal       // fires when the next op has come
	clients []*client.Client    // that may live
	timers  []timer
	spare   []uint64
	calls   []*calling
	orders  []order
	delays  []delay
	serve   func(from string, m env.Message) env.Message
}

type timer struct {
	c *client.Client
	t client.Timer
}

// calling is an access on its way.
type calling struct {
	r     env.Request
	reply env.Reply
	done  kernel.Signal
	busy  bool // until the recipe has its answer
}

// order is replies to lose.
type order struct {
	fault, op string
	left      int
}

const (
	evStart uint8 = iota
	evHand
	evClient
	evAccess
	evReplied
)

const streamBy = 4 << 32

func (p *participant) way() time.Duration {
	return p.c.k.Between(streamBy|uint64(p.node), p.c.k.Events(), way, wayMax)
}

// boot starts a process.
func (p *participant) boot() int {
	p.starts++
	p.life++
	p.booting = true
	p.c.record(p.node, p.starts, history.Event{Type: history.Start, End: p.c.stamp(), Op: history.Op{N: int64(p.pid())}})
	d := p.c.k.Between(streamBoot|uint64(p.node), uint64(p.starts), participantStart, participantStartMax)
	p.c.k.After(d, p.node, p, evStart, 0, p.life)
	return p.pid()
}

func (p *participant) pid() int { return 100 + p.starts }

func (p *participant) running() bool { return p.inc != nil || p.booting }

// begin makes the recipe, as the first thing that the process does.
func (p *participant) begin() {
	p.booting = false
	i := &incarnation{p: p, number: p.starts, name: fmt.Sprintf("%s.%d", p.name, p.starts), begin: p.c.k.Mono(p.node), stop: new(kernel.Signal)}
	i.rng = rand.New(rand.NewPCG(p.c.k.Draw(5<<32|uint64(p.node), uint64(p.starts)), uint64(p.starts)))
	i.group = p.c.k.Group(p.node, i.id(), func(err error) { p.c.obs.Broken(p.name, err) })
	i.orders, p.orders = p.orders, nil
	i.delays, p.delays = p.delays, nil
	p.inc = i
	s := p.c.spec
	i.group.Go(p.recipe.Name, func() {
		i.run(p.recipe.New(workloads.Config{Env: i, Role: spec.RoleOf(p.name), Spec: s, Defects: s.Defects}))
	})
}

// run does ops as they come.
func (i *incarnation) run(d workloads.Driven) {
	p := i.p
	p.ready = true
	p.c.record(p.node, i.number, history.Event{Type: history.Note, Mono: p.c.stamp(), Op: history.Op{F: history.NoteReady}})
	p.next()
	for {
		for !i.has && !i.stop.Fired() {
			i.group.Expect(i.stop)
			i.group.Expect(&i.handed)
			i.group.Park()
		}
		if i.stop.Fired() {
			return
		}
		inv := i.op
		done := d.Do(inv.Op)
		i.group.Check()
		if i.stop.Fired() { // an op that was cut short stays open
			return
		}
		if done.Type != history.OK && done.Type != history.Fail && done.Type != history.Info {
			p.c.obs.Broken(p.name, fmt.Errorf("recipe %q completed %s with type %q", p.recipe.Name, inv.Op.F, done.Type))
			return
		}
		if done.Op.F == "" {
			done.Op.F = inv.Op.F
		}
		i.has, i.handed = false, kernel.Signal{}
		p.completed(inv, done)
	}
}

// completed records the end of an op.
func (p *participant) completed(inv clusters.Invocation, done workloads.Completion) {
	p.c.obs.Record(history.Event{
		Type: done.Type, Time: p.c.stamp(), Node: p.name, Incarnation: p.inc.number,
		Process: inv.Process, ID: inv.ID, Error: done.Error, Op: done.Op,
	})
	p.busy = false
	if done.Type == history.OK && done.Op.F == "acquire" {
		p.acquired(done.Op.Hold)
	}
	p.next()
}

// deliver takes an op for the child.
func (p *participant) deliver(inv clusters.Invocation) {
	p.queue = append(p.queue, inv)
	p.next()
}

// next hands the child an op if it is free for one. An armed fault that is to hit at once goes before it.
func (p *participant) next() {
	if p.busy || !p.ready || p.inc == nil || len(p.queue) == 0 || p.c.stopped {
		return
	}
	p.busy = true
	p.c.k.After(p.way(), kernel.World, p, evHand, 0, p.life)
}

func (p *participant) hand() {
	if p.c.k.Paused(p.node) || len(p.queue) == 0 || p.c.stopped { // a process that stands still gets nothing
		p.busy = false
		return
	}
	inv := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	p.inc.op, p.inc.has = inv, true
	p.c.obs.Record(history.Event{
		Type: history.Invoke, Time: p.c.stamp(), Node: p.name, Incarnation: p.inc.number,
		Process: inv.Process, ID: inv.ID, Op: inv.Op,
	})
	p.handedOver(inv.Op)
	p.inc.handed.Fire()
}

// end is the death of the process.
func (p *participant) end(how string) {
	if !p.running() {
		return
	}
	i := p.inc
	p.inc, p.booting, p.ready, p.busy = nil, false, false, false
	p.life++
	if i != nil {
		i.group.Kill()
	}
	p.c.crash(p.node)
	p.c.record(p.node, p.starts, history.Event{Type: history.Exit, Op: history.Op{Text: how}})
	queue := p.queue
	p.queue = nil
	for _, inv := range queue {
		p.c.obs.Returned(p.name, inv.ID)
	}
}

// tellToStop lets the process end by itself.
func (p *participant) tellToStop() {
	p.ready = false
	if p.inc == nil {
		p.end("exit status 0")
		return
	}
	p.inc.stop.Fire()
	for _, c := range p.inc.clients {
		c.End()
	}
}

// Handle takes an event of the kernel.
func (p *participant) Handle(kind uint8, a, life uint64) {
	i := p.inc
	var t timer
	if kind == evClient && life == p.life {
		t = i.timers[a]
		i.timers[a] = timer{}
		i.spare = append(i.spare, a)
	}
	if life != p.life {
		return
	}
	switch kind {
	case evStart:
		p.begin()
	case evHand:
		p.hand()
	case evClient:
		t.c.Fire(t.t)
	case evAccess:
		i.decide(a)
	case evReplied:
		i.replied(a)
	}
}

func (i *incarnation) id() string { return i.name }

// lose tells whether a reply to the op is to be lost now, and for which fault.
func (i *incarnation) lose(op string) (fault string, ok bool) {
	k := slices.IndexFunc(i.orders, func(o order) bool { return o.op == op })
	if k < 0 {
		return "", false
	}
	fault = i.orders[k].fault
	if i.orders[k].left--; i.orders[k].left == 0 {
		i.orders = slices.Delete(i.orders, k, k+1)
	}
	return fault, true
}
