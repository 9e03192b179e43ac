package run

import (
	"fmt"
	"sync"
	"time"

	"riven/clusters"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads"
)

// observer is what the cluster tells the run; its methods are called by the readers of the nodes.
type observer struct {
	recorder recorder
	clock    clock
	dispatch *dispatcher
	events   *queue
	resource workloads.Resource

	mu       sync.Mutex
	opsStart time.Time
	latest   int64 // the newest stamp of any agent
	fired    []clusters.Fired
	lost     map[string][]nemesis.LostReply
	late     map[string]nemesis.LateReceipt
	cannot   map[string]string // fault → why its participant can not obey it
	problems []string
	fatal    chan struct{} // closed at the first problem that ends the run
}

// Record takes an event in: onto the disk, to the dispatcher, and to the conductor if it may care.
func (o *observer) Record(e history.Event) {
	o.recorder.Record(e)
	o.mu.Lock()
	o.latest = max(o.latest, e.Time)
	if e.Type == history.Note && e.F == history.NoteUnsupported {
		o.cannot[e.Key] = e.Text
	}
	if e.Type == history.Note && e.F == history.NoteLate {
		l, by := o.late[e.Key], spec.Duration(e.N)
		if l.Messages == 0 {
			l = nemesis.LateReceipt{Node: e.Node, Least: by}
		}
		l.Messages++
		l.Least, l.Most = min(l.Least, by), max(l.Most, by)
		o.late[e.Key] = l
	}
	start := o.opsStart
	o.mu.Unlock()
	switch e.Type {
	case history.Wire, history.Access, history.Answer, history.Stall, history.Fault, history.Phase:
		return
	case history.Role:
	default:
		o.dispatch.observe(&e)
	}
	o.events.put(o.clock.since(start), &e)
}

// Returned gives an op back that no participant has seen.
func (o *observer) Returned(node string, id int64) { o.dispatch.returned(node, id) }

// Decide lets the resource decide.
func (o *observer) Decide(node string, r env.Request) env.Reply {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.resource.Decide(node, r)
}

// Fired notes an armed fault that took effect.
func (o *observer) Fired(f clusters.Fired) {
	o.mu.Lock()
	o.fired = append(o.fired, f)
	o.mu.Unlock()
	o.events.put(0, new(history.Event)) // wakes the run
}

// Lost notes a reply that was lost as ordered.
func (o *observer) Lost(fault string, l nemesis.LostReply) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost[fault] = append(o.lost[fault], l)
}

// Broken notes that a node can not be relied on any more; the run ends with what it has.
func (o *observer) Broken(node string, err error) {
	o.problem(fmt.Errorf("%s: %w", node, err))
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.fatal:
	default:
		close(o.fatal)
	}
}

// problem notes that the harness broke in some way: the verdict can not be pass.
func (o *observer) problem(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.problems = append(o.problems, err.Error())
}

func (o *observer) takeFired() []clusters.Fired {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.fired
	o.fired = nil
	return f
}

func (o *observer) unsupported(fault string) (why string, is bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	why, is = o.cannot[fault]
	return why, is
}

func (o *observer) lostReplies(fault string) []nemesis.LostReply {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost[fault]
}

// lateMessages is what is known by now of the messages that were taken up late.
func (o *observer) lateMessages(fault string) []nemesis.LateReceipt {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l, is := o.late[fault]; is {
		return []nemesis.LateReceipt{l}
	}
	return nil
}

// stamp is the newest stamp that any agent has given: the run's own events carry it, since the harness's clock is never
// compared with theirs.
func (o *observer) stamp() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.latest
}

func (o *observer) startOps() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opsStart = o.clock.now()
}
