package election

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
)

// tree is the nodes of an ensemble that serves one call at a time.
type tree struct {
	zxid  int64
	nodes map[string]*znode
	did   func(call string) error // after each call: an error is what the caller sees, though the call was done
}

type znode struct {
	data string
	stat coord.Stat
}

// session has the calls that controllers make.
type session struct {
	coord.Session
	*tree
	id      int64
	expired cond
	down    cond
}

func (s *session) ID() int64                  { return s.id }
func (s *session) Expired() coord.Signal      { return &s.expired }
func (s *session) Disconnected() coord.Signal { return &s.down }

func (s *session) done(call string, err error) error {
	if f := s.did; err == nil && f != nil {
		err = f(call)
	}
	return err
}

func (s *session) Create(path string, data []byte, m coord.Mode) (string, error) {
	if s.nodes[path] != nil {
		return "", coord.ErrNodeExists
	}
	s.zxid++
	n := &znode{data: string(data), stat: coord.Stat{Czxid: s.zxid, Mzxid: s.zxid}}
	if m == coord.Ephemeral {
		n.stat.EphemeralOwner = s.id
	}
	s.nodes[path] = n
	return path, s.done("create "+path, nil)
}

func (s *session) Get(path string) ([]byte, coord.Stat, error) {
	if n := s.nodes[path]; n != nil {
		return []byte(n.data), n.stat, s.done("get "+path, nil)
	}
	return nil, coord.Stat{}, coord.ErrNoNode
}

func (s *session) ExistsW(path string) (coord.Stat, bool, coord.Signal, error) {
	if n := s.nodes[path]; n != nil {
		return n.stat, true, new(cond), nil
	}
	return coord.Stat{}, false, new(cond), nil
}

func (s *session) Set(path string, data []byte, version int32) (coord.Stat, error) {
	n := s.nodes[path]
	switch {
	case n == nil:
		return coord.Stat{}, coord.ErrNoNode
	case version != n.stat.Version:
		return coord.Stat{}, coord.ErrBadVersion
	}
	s.zxid++
	n.data, n.stat.Mzxid, n.stat.Version = string(data), s.zxid, version+1
	return n.stat, s.done("set "+path, nil)
}

func (s *session) Delete(path string, version int32) error {
	n := s.nodes[path]
	switch {
	case n == nil:
		return coord.ErrNoNode
	case version != n.stat.Version:
		return coord.ErrBadVersion
	}
	s.zxid++
	delete(s.nodes, path)
	return s.done("delete "+path, nil)
}

// pair is controller1 in a session, with two services and a journal that say what they are told to. What it does is in log.
type pair struct {
	*controller
	w       *world
	tree    *tree
	answers map[string]string // by node and what is asked; without one there is no answer
	log     []string
}

func newPair(defects ...string) *pair {
	p := &pair{w: &world{id: "controller1.1"}, tree: &tree{zxid: 100, nodes: map[string]*znode{}}, answers: map[string]string{
		"service1 active": yes, "service1 standby": yes, "service2 standby": yes, "journal1 fence": yes,
	}}
	c := node(p.w, Controller, false, defects...)
	p.controller = &controller{cfg: cfg{c}, name: "controller1", service: "service1", healthy: true, changed: p.w.Cond(), session: &session{tree: p.tree, id: 1}}
	for _, name := range []string{"service1", "service2", "journal1"} {
		p.w.others[name] = func(_ string, m env.Message) env.Message {
			p.log = append(p.log, fmt.Sprintf("%s %s %d", name, m.Kind, m.Token))
			return answer(p.answers[name+" "+m.Kind])
		}
	}
	p.tree.did = func(call string) error {
		p.log = append(p.log, call)
		return nil
	}
	return p
}

// left has another controller's breadcrumb in place, written once, with the epoch 50.
func (p *pair) left(who string) {
	p.tree.nodes[crumb] = &znode{data: who + " " + who + ".9/1", stat: coord.Stat{Czxid: 50, Mzxid: 50}}
}

func (p *pair) kinds() (out []string) {
	for _, n := range p.w.notes {
		out = append(out, fmt.Sprintf("%s %s %d", n.Kind, n.Key, n.Token))
	}
	return out
}

func TestFirstActive(t *testing.T) {
	p := newPair()
	require.NoError(t, p.becomeActive())
	require.Equal(t, []string{"create " + crumb, "get " + crumb, "service1 active 101"}, p.log)
	require.Equal(t, []env.Note{{Kind: history.NoteElected, Hold: "controller1.1/1", Token: 101}}, p.w.notes)
	require.Equal(t, "controller1 controller1.1/1", p.tree.nodes[crumb].data)
}

func TestFencesBeforeItWritesTheBreadcrumb(t *testing.T) {
	p := newPair()
	p.left("controller2")
	require.NoError(t, p.becomeActive())
	require.Equal(t, []string{"get " + crumb, "service2 standby 50", "get " + crumb, "set " + crumb, "service1 active 101"}, p.log)
	require.Equal(t, []string{"fencing controller2 50", "fenced controller2 50", "elected  101"}, p.kinds())
}

func TestFencesAtTheJournal(t *testing.T) {
	for _, says := range []string{"", no, unsure} {
		p := newPair()
		p.left("controller2")
		p.answers["service2 standby"] = says
		require.NoError(t, p.becomeActive())
		require.Equal(t, []string{"get " + crumb, "service2 standby 50", "journal1 fence 50", "get " + crumb, "set " + crumb, "service1 active 101"}, p.log)
	}
}

func TestNothingFences(t *testing.T) {
	unfenced := func(defects ...string) *pair {
		p := newPair(defects...)
		p.left("controller2")
		p.answers["service2 standby"], p.answers["journal1 fence"] = unsure, unsure
		return p
	}
	p := unfenced()
	require.ErrorIs(t, p.becomeActive(), errFence)
	require.Equal(t, []string{"fencing controller2 50"}, p.kinds())
	require.Equal(t, "controller2 controller2.9/1", p.tree.nodes[crumb].data)

	p = unfenced(ignoreFenceFailure)
	require.NoError(t, p.becomeActive())
	require.Equal(t, []string{"fencing controller2 50", "elected  101"}, p.kinds())

	p = unfenced(noFencing)
	require.NoError(t, p.becomeActive())
	require.Equal(t, []string{"elected  101"}, p.kinds())
}

// TestFollowsItself: its own term before is fenced too, and nobody is told.
func TestFollowsItself(t *testing.T) {
	p := newPair()
	p.left("controller1")
	p.answers["service1 standby"] = unsure
	require.NoError(t, p.becomeActive())
	require.Equal(t, []string{"get " + crumb, "service1 standby 50", "journal1 fence 50", "get " + crumb, "set " + crumb, "service1 active 101"}, p.log)
	require.Equal(t, []string{"elected  101"}, p.kinds())
}

// TestAnothersBreadcrumb: the epoch of a breadcrumb that another one wrote meanwhile is not taken for the own one.
func TestAnothersBreadcrumb(t *testing.T) {
	t.Run("over the one just created", func(t *testing.T) {
		p := newPair()
		p.tree.did = func(call string) error {
			if call == "create "+crumb {
				other := &session{tree: &tree{zxid: 200, nodes: p.tree.nodes}, id: 2}
				_, err := other.Set(crumb, []byte("controller2 controller2.1/1"), 0)
				require.NoError(t, err)
			}
			return nil
		}
		require.ErrorIs(t, p.becomeActive(), coord.ErrNodeExists)
		require.Empty(t, p.w.notes)
	})
	t.Run("where there was none", func(t *testing.T) {
		p := newPair()
		p.left("controller2")
		_, err := p.writeCrumb("controller1.1/1", 0, false)
		require.ErrorIs(t, err, coord.ErrNodeExists)
	})
	t.Run("over the one that was fenced", func(t *testing.T) {
		p := newPair()
		p.left("controller2")
		_, err := p.writeCrumb("controller1.1/1", 3, true)
		require.ErrorIs(t, err, coord.ErrBadVersion)
	})
}

// TestLostReplies: what was done without a reply is found, and not done twice.
func TestLostReplies(t *testing.T) {
	for _, lost := range []string{"create " + crumb, "get " + crumb, "set " + crumb} {
		for _, exists := range []bool{false, true} {
			p := newPair()
			if exists {
				p.left("controller2")
			}
			p.tree.did = func(call string) error {
				if call == lost {
					p.tree.did = nil
					return coord.ErrLoss
				}
				return nil
			}
			require.NoError(t, p.becomeActive(), "%s %v", lost, exists)
			require.Equal(t, p.tree.nodes[crumb].stat.Mzxid, p.epoch)
			require.Equal(t, int64(101), p.tree.zxid, "one write")
		}
	}
}

func TestLockOfALostCreate(t *testing.T) {
	take := func(defects ...string) (bool, error) {
		p := newPair(defects...)
		p.tree.did = func(string) error {
			p.tree.did = nil
			return coord.ErrLoss
		}
		mine, _, err := p.take()
		return mine, err
	}
	mine, err := take()
	require.NoError(t, err)
	require.True(t, mine)
	mine, err = take(existsIsOther)
	require.NoError(t, err)
	require.False(t, mine)
}

func TestLockOfAnother(t *testing.T) {
	p := newPair()
	p.tree.nodes[lock] = &znode{data: "controller2", stat: coord.Stat{EphemeralOwner: 2}}
	mine, _, err := p.take()
	require.NoError(t, err)
	require.False(t, mine)
}

func TestResigns(t *testing.T) {
	p := newPair()
	require.NoError(t, p.becomeActive())
	p.log = nil
	require.ErrorIs(t, p.resign(), errLeave)
	require.Equal(t, []string{"service1 standby 101", "get " + crumb, "delete " + crumb}, p.log)
	require.Equal(t, resigned, p.w.notes[1].Text)

	p = newPair()
	require.NoError(t, p.becomeActive())
	p.answers["service1 standby"] = unsure
	require.ErrorIs(t, p.resign(), errLeave)
	require.Equal(t, "could not make its service standby", p.w.notes[1].Text)
	require.NotNil(t, p.tree.nodes[crumb], "the next one has to fence")
}

// lead becomes active with the lock, and something happens at once.
func (p *pair) leads(what func(p *pair, s *session, watch env.Cond)) error {
	s := p.session.(*session)
	watch := p.w.Cond()
	p.w.waiting = func() { what(p, s, watch) }
	return p.lead(watch, s.Disconnected())
}

func TestTermsEnd(t *testing.T) {
	for _, c := range []struct {
		why  string
		what func(p *pair, s *session, watch env.Cond)
		err  error
	}{
		{"the session expired", func(_ *pair, s *session, _ env.Cond) { s.expired.Fire() }, coord.ErrExpired},
		{"disconnected", func(_ *pair, s *session, _ env.Cond) { s.down.Fire() }, nil},
		{"the lock is gone", func(_ *pair, _ *session, watch env.Cond) { watch.Fire() }, nil},
		{"the service is not active", func(p *pair, _ *session, _ env.Cond) { p.found(false, nil) }, errLeave},
		{resigned, func(p *pair, _ *session, _ env.Cond) { p.serve("client1", answer(askCede)) }, errLeave},
	} {
		t.Run(c.why, func(t *testing.T) {
			p := newPair()
			require.ErrorIs(t, p.leads(c.what), c.err)
			last := p.w.notes[len(p.w.notes)-1]
			require.Equal(t, env.Note{Kind: history.NoteDeposed, Hold: "controller1.1/1", Token: 101, Text: c.why}, last)
			require.Empty(t, p.hold)
			require.Equal(t, c.why == resigned, p.tree.nodes[crumb] == nil, "only a term in good order leaves no breadcrumb")
		})
	}
}

// TestIllWhileItBecameActive: ill health is news also when it came before the term began.
func TestIllWhileItBecameActive(t *testing.T) {
	p := newPair()
	active := p.w.others["service1"]
	p.w.others["service1"] = func(from string, m env.Message) env.Message {
		p.found(false, nil)
		return active(from, m)
	}
	require.ErrorIs(t, p.leads(func(*pair, *session, env.Cond) { t.Error("it waits") }), errLeave)
	require.NotNil(t, p.tree.nodes[crumb])
}
