package kernel

import (
	"fmt"
	"runtime/debug"
	"time"
)

// Group is the tasks of one incarnation: they live and die together.
type Group struct {
	k      *Kernel
	node   int
	name   string
	failed func(error)
	dead   bool
	tasks  []*Task
	calls  int // since time last passed
	seen   time.Duration
}

// Task is a coroutine. It runs until it waits; nothing else runs meanwhile.
type Task struct {
	group   *Group
	number  int
	name    string
	turn    uint64 // the present wait; a wake-up for an earlier one is void
	f       func()
	on      *coroutine // nil: it never ran
	over    bool
	refused int // calls since it was killed
}

// killed unwinds a task whose incarnation is dead.
type killed struct{}

// stubborn is how many calls a dead task may make before it is left where it is.
const stubborn = 1000

// spin is how many calls an incarnation may make while no time passes: with more it would never end.
const spin = 100_000

// dispatch is how long a task that is woken waits for its turn, at most.
const dispatch = 50 * time.Microsecond

// Group makes one for an incarnation of the node. failed hears of panics, and of tasks that will not die.
func (k *Kernel) Group(node int, name string, failed func(error)) *Group {
	return &Group{k: k, node: node, name: name, failed: failed}
}

// Dead tells whether the incarnation is.
func (g *Group) Dead() bool { return g.dead }

// Go starts a task at the next event.
func (g *Group) Go(name string, f func()) {
	t := &Task{group: g, name: name, f: f}
	g.tasks = append(g.tasks, t)
	g.k.enlist(t)
	g.k.wake(t)
}

// Kill ends the incarnation as a SIGKILL would: nothing that its tasks do from now on has any effect. Their stacks are
// unwound all the same, so that they are freed. It must not be called by a task.
func (g *Group) Kill() {
	if g.k.current != nil {
		panic("kill within a task")
	}
	g.dead = true
	tasks := g.tasks
	g.tasks = nil
	for _, t := range tasks {
		if t.on == nil { // never ran: there is nothing to unwind
			t.over = true
			g.k.tasks[t.number] = nil
			g.k.spare = append(g.k.spare, t.number)
			continue
		}
		if g.k.resume(t); !t.over {
			g.failed(fmt.Errorf("task %s of %s swallows its kill: it recovers from panics that are not its own", t.name, g.name))
		}
	}
}

// Running are the names of the tasks that have not ended.
func (g *Group) Running() (names []string) {
	for _, t := range g.tasks {
		names = append(names, t.name)
	}
	return names
}

// Check panics unless a task of the group runs that may have effects, and when none lets time pass. Every call of a
// recipe begins with it.
func (g *Group) Check() {
	t := g.k.current
	switch {
	case t == nil || t.group != g:
		panic(fmt.Sprintf("%s: called from outside of its tasks: a goroutine that the recipe started itself?", g.name))
	case g.dead:
		if t.refused++; t.refused > stubborn {
			t.on.yield(struct{}{}) // for ever
		}
		panic(killed{})
	}
	if now := g.k.now; now != g.seen {
		g.seen, g.calls = now, 0
	}
	if g.calls++; g.calls > spin {
		panic(fmt.Sprintf("%d calls while no time passed", g.calls))
	}
}

// Park gives the turn away until the task is woken. Those who wait look again for what they wait for.
func (g *Group) Park() {
	t := g.k.current
	t.on.yield(struct{}{})
	if g.dead {
		panic(killed{})
	}
}

func (t *Task) run() {
	defer t.ended()
	t.f()
}

// ended tells what became of the task.
func (t *Task) ended() {
	r := recover()
	t.over = true
	g := t.group
	if k := g.k; k.tasks[t.number] == t {
		k.tasks[t.number] = nil
		k.spare = append(k.spare, t.number)
	}
	for i, o := range g.tasks {
		if o == t {
			g.tasks = append(g.tasks[:i], g.tasks[i+1:]...)
			break
		}
	}
	if _, is := r.(killed); r != nil && !is {
		g.failed(fmt.Errorf("task %s of %s panicked: %v\n%s", t.name, g.name, r, debug.Stack()))
	}
}

func (k *Kernel) enlist(t *Task) {
	k.resumed++
	t.turn = k.resumed
	if n := len(k.spare); n > 0 {
		t.number = k.spare[n-1]
		k.spare = k.spare[:n-1]
		k.tasks[t.number] = t
		return
	}
	t.number = len(k.tasks)
	k.tasks = append(k.tasks, t)
}

func (k *Kernel) resume(t *Task) {
	k.resumed++
	t.turn = k.resumed
	before := k.current
	k.current = t
	if t.on == nil {
		t.on = k.coroutine()
		t.on.task = t
	}
	t.on.next()
	k.current = before
}

// wake lets the task go on from its present wait.
func (k *Kernel) wake(t *Task) {
	n := k.nodes[t.group.node+1].drawn
	k.After(time.Duration(k.Draw(uint64(t.group.node), n)%uint64(dispatch)), t.group.node, k, 0, uint64(t.number), t.turn)
}

// Handle resumes a task.
func (k *Kernel) Handle(_ uint8, number, turn uint64) {
	if t := k.tasks[number]; t != nil && t.turn == turn && !t.group.dead {
		k.resume(t)
	}
}
