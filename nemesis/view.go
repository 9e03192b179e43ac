package nemesis

import (
	"slices"

	"riven/harness/history"
	"riven/harness/spec"
)

// View is what the conductor knows of the nodes at a moment, from the events alone.
type View struct {
	Servers      []string
	Participants []string
	roles        map[string]string   // server → leader, follower, …
	at           map[string]string   // participant → server it is connected to
	homes        map[string][]string // participant → servers it may use
	down         map[string]int      // faults that have killed or paused the node
	skewed       map[string]int      // faults of its clocks in force on the node
	holder       string
	hold         string
	ended        map[string]int64 // hold → when it was seen to end
	active       string
	owned        map[string]int // participant → partitions
}

// NewView starts with everything up and nothing known. homes names the servers that each participant may use.
func NewView(servers, participants []string, homes map[string][]string) *View {
	return &View{
		Servers: servers, Participants: participants, homes: homes,
		roles: map[string]string{}, at: map[string]string{}, down: map[string]int{}, skewed: map[string]int{}, ended: map[string]int64{}, owned: map[string]int{},
	}
}

// Observe takes an event in.
func (v *View) Observe(e *history.Event) {
	switch e.Type {
	case history.Role:
		v.roles[e.Node] = e.F
	case history.OK:
		if e.F == "acquire" {
			v.holder, v.hold = e.Node, e.Hold
		}
	case history.Invoke:
		if e.F == "release" && e.Node == v.holder {
			v.end(v.hold, e.Time)
		}
	case history.Note:
		v.note(e)
	case history.Exit:
		delete(v.at, e.Node)
		delete(v.roles, e.Node)
		delete(v.owned, e.Node)
		v.depose(e.Node)
		if e.Node == v.holder {
			v.end(v.hold, e.Time)
		}
	}
}

func (v *View) note(e *history.Event) {
	switch e.F {
	case history.NoteConnected:
		v.at[e.Node] = e.Text
	case history.NoteSuspended, history.NoteExpired:
		delete(v.at, e.Node)
	case history.NoteLost:
		v.end(e.Hold, e.Time)
	case history.NoteElected:
		v.active = e.Node
	case history.NoteDeposed:
		v.depose(e.Node)
	case history.NoteAssigned:
		v.owned[e.Node]++
	case history.NoteRevoked:
		v.owned[e.Node]--
	}
}

func (v *View) depose(node string) {
	if v.active == node {
		v.active = ""
	}
}

func (v *View) end(hold string, at int64) {
	if _, known := v.ended[hold]; !known {
		v.ended[hold] = at
	}
	if hold == v.hold {
		v.holder, v.hold = "", ""
	}
}

// heldAt tells whether the hold was still held at that time, as far as has been seen.
func (v *View) heldAt(hold string, at int64) bool {
	end, over := v.ended[hold]
	return !over || end > at
}

// Leader is the server that leads by its own account, or "". Of two that do, the one listed first.
func (v *View) Leader() string {
	for _, s := range v.Servers {
		if v.down[s] == 0 && (v.roles[s] == "leader" || v.roles[s] == "standalone") {
			return s
		}
	}
	return ""
}

// candidates are the nodes that the target may mean now, in the order of their names.
func (v *View) candidates(t Target) []string {
	if t.Node != "" {
		return []string{t.Node}
	}
	switch t.Role {
	case Leader:
		return some(v.Leader())
	case Follower:
		return v.pick(v.Servers, func(s string) bool { return v.roles[s] == "follower" })
	case AnyServer:
		return v.pick(v.Servers, func(string) bool { return true })
	case Holder:
		return v.pick(some(v.holder), func(string) bool { return true })
	case HolderServer:
		return some(v.at[v.holder])
	case Waiter:
		return v.pick(v.Participants, func(p string) bool { return p != v.holder })
	case Participant:
		return v.pick(v.Participants, func(string) bool { return true })
	case Active:
		return v.pick(some(v.active), func(string) bool { return true })
	case ActiveServer:
		return some(v.at[v.active])
	case Owner:
		return v.pick(v.Participants, func(p string) bool { return v.owned[p] > 0 })
	}
	return v.pick(v.Participants, func(p string) bool { return spec.RoleOf(p) == string(t.Role) })
}

func (v *View) pick(nodes []string, want func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return v.down[n] > 0 || !want(n) })
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
