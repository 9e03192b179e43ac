package sim

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
	"riven/workloads"
)

// stage is a cluster of three servers on which two participants do what a test says.
type stage struct {
	t      *testing.T
	c      *Cluster
	events []history.Event
	lost   []nemesis.LostReply
	broken []string
}

func (s *stage) Record(e history.Event)               { s.events = append(s.events, e) }
func (s *stage) Returned(string, int64)               {}
func (s *stage) Decide(string, env.Request) env.Reply { return env.Reply{Accepted: true} }
func (s *stage) Fired(clusters.Fired)                 {}
func (s *stage) Lost(_ string, l nemesis.LostReply)   { s.lost = append(s.lost, l) }
func (s *stage) Broken(node string, err error)        { s.broken = append(s.broken, node+": "+err.Error()) }

// enter starts the stage. Each start of a participant begins with the task that main gives for it; nil: none.
func enter(t *testing.T, seed uint64, main func(e env.Env) func()) *stage {
	return enterAs(t, "", seed, main)
}

// enterAs starts it with clients of that profile.
func enterAs(t *testing.T, profile string, seed uint64, main func(e env.Env) func()) *stage {
	s := &stage{t: t}
	x := spec.Default()
	x.Client = profile
	x.Cluster, x.Participants, x.Seed = Name, 2, seed
	find := func(string, string) (workloads.Recipe, error) {
		return workloads.Recipe{Name: "test", New: func(c workloads.Config) workloads.Driven {
			if f := main(c.Env); f != nil {
				c.Env.Go("main", f)
			}
			return workloads.Idle{}
		}}, nil
	}
	c, err := New(clusters.Config{Spec: x, Observer: s}, find)
	require.NoError(t, err)
	s.c = c
	require.NoError(t, c.Start(t.Context()))
	return s
}

// session is the timeout that participants ask for and get.
const session = 4 * time.Second

func open(e env.Env) coord.Session {
	x, err := e.Open(coord.Options{Timeout: session})
	if err != nil {
		panic(err)
	}
	return x
}

func (s *stage) pass(d time.Duration) {
	require.NoError(s.t, s.c.Pass(s.t.Context(), d, func() bool { return false }))
}

// until lets time pass until it is so.
func (s *stage) until(what string, done func() bool) {
	require.NoError(s.t, s.c.await(s.t.Context(), time.Minute, what, done))
}

// exit ends the stage; nothing broke.
func (s *stage) exit() {
	require.NoError(s.t, s.c.Stop(s.t.Context()))
	require.Empty(s.t, s.broken)
}

// around are both directions of all edges of a node.
func (s *stage) around(node string) (edges []nemesis.Edge) {
	for _, o := range s.c.names {
		if o != node {
			edges = append(edges, nemesis.Edge{From: node, To: o}, nemesis.Edge{From: o, To: node})
		}
	}
	return edges
}

func (s *stage) cut(node string) {
	_, err := s.c.Cut(s.t.Context(), s.around(node))
	require.NoError(s.t, err)
}

func (s *stage) heal() {
	_, err := s.c.Cut(s.t.Context(), nil)
	require.NoError(s.t, err)
}

// notes are the kinds of those of a participant, in order, but for "ready".
func (s *stage) notes(node string) (kinds []string) {
	for _, e := range s.events {
		if e.Type == history.Note && e.Node == node && e.F != history.NoteReady {
			kinds = append(kinds, e.F)
		}
	}
	return kinds
}

// first says which participant an incarnation is of.
func first(e env.Env) bool { return e.ID()[:2] == "p1" }

// forever is for tasks that are only to be there.
func forever(e env.Env) { _, _ = e.Wait(e.Cond()) }

// TestSessionExpires: a client that can not reach the servers does not know that its session is dead before it can.
func TestSessionExpires(t *testing.T) {
	for seed := range uint64(10) {
		var x coord.Session
		var gone coord.Signal
		var after error
		s := enter(t, seed, func(e env.Env) func() {
			return func() {
				if first(e) {
					x = open(e)
					_, err := x.Create("/mine", nil, coord.Ephemeral)
					require.NoError(t, err)
					_, _ = e.Wait(x.Expired())
					_, after = x.Create("/again", nil, coord.Persistent)
					return
				}
				y := open(e)
				for found := false; !found; _, _ = e.Wait(e.After(10 * time.Millisecond)) {
					_, found, _ = y.Exists("/mine")
				}
				_, _, w, err := y.ExistsW("/mine")
				require.NoError(t, err)
				gone = w
				forever(e)
			}
		})
		s.until("a watch on the node", func() bool { return gone != nil })
		down := x.Disconnected()
		cut := s.c.Now()
		s.cut("p1")
		s.until("disconnected", down.Fired)
		require.LessOrEqual(t, s.c.Now()-cut, session*2/3)
		s.until("the ephemeral node's end", gone.Fired)
		require.Greater(t, s.c.Now()-cut, session*2/3)
		s.pass(time.Minute)
		require.False(t, x.Expired().Fired(), "seed %d: nobody told it", seed)
		s.heal()
		s.until("the news", x.Expired().Fired)
		s.pass(time.Second)
		require.Equal(t, coord.ErrExpired, after)
		require.Equal(t, []string{history.NoteConnected, history.NoteSuspended, history.NoteExpired}, s.notes("p1"))
		s.exit()
	}
}

// TestProfiles: a call without a connection waits for the next one, or for the next attempt that fails; and clients that
// are not busy ping as often as others do.
func TestProfiles(t *testing.T) {
	for _, profile := range Clients() {
		for seed := range uint64(5) {
			var x coord.Session
			var told error
			ended := false
			s := enterAs(t, profile, seed, func(e env.Env) func() {
				return func() {
					if !first(e) {
						return
					}
					x = open(e)
					_, _ = e.Wait(x.Disconnected())
					_, told = x.Create("/late", nil, coord.Persistent)
					ended = true
					forever(e)
				}
			})
			s.until("a session", func() bool { return x != nil })
			s.pass(20 * time.Second)
			down := x.Disconnected()
			require.False(t, down.Fired(), "it lives by its pings")
			s.cut("p1")
			s.until("disconnected", down.Fired)
			lost := s.c.Now()
			if profile == "java" {
				s.until("the loss", func() bool { return ended })
				require.Equal(t, coord.ErrLoss, told)
				require.Less(t, s.c.Now()-lost, 2*time.Second+session)
			} else {
				s.pass(session / 10)
				require.False(t, ended)
				s.heal()
				s.until("the answer", func() bool { return ended })
				require.NoError(t, told)
			}
			s.heal()
			s.exit()
		}
	}
}

// TestSessionOutlivesItsServer: it goes on at another server, and its watch tells what happened meanwhile.
func TestSessionOutlivesItsServer(t *testing.T) {
	for seed := range uint64(10) {
		var x coord.Session
		var watch coord.Signal
		var write, written bool
		s := enter(t, seed, func(e env.Env) func() {
			return func() {
				z := open(e)
				if first(e) {
					_, err := z.Create("/a", nil, coord.Persistent)
					require.NoError(t, err)
					_, w, err := z.ChildrenW("/a")
					require.NoError(t, err)
					x, watch = z, w
					forever(e)
					return
				}
				for !write {
					_, _ = e.Wait(e.After(10 * time.Millisecond))
				}
				for tries := 0; ; tries++ { // its own server may be the leader's that is killed, or lose it
					_, err := z.Create("/a/b", nil, coord.Persistent)
					if err == nil || errors.Is(err, coord.ErrNodeExists) {
						break
					}
					require.ErrorIs(t, err, coord.ErrLoss)
				}
				written = true
				forever(e)
			}
		})
		s.until("a watch", func() bool { return watch != nil })
		id, down := x.ID(), x.Disconnected()
		_, _, err := s.c.Kill(t.Context(), "zk1") // p1's first
		require.NoError(t, err)
		s.until("disconnected", down.Fired)
		write = true
		s.until("the watch", func() bool { return written && watch.Fired() })
		require.False(t, x.Disconnected().Fired())
		require.False(t, x.Expired().Fired())
		require.Equal(t, id, x.ID())
		require.Equal(t, []string{history.NoteConnected, history.NoteSuspended, history.NoteConnected}, s.notes("p1"), "seed %d", seed)
		s.exit()
	}
}

// TestLostReply: the write is done, the caller does not know.
func TestLostReply(t *testing.T) {
	var x coord.Session
	var told error
	var found, over bool
	s := enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			return nil
		}
		return func() {
			x = open(e)
			_, _ = e.Wait(e.After(time.Second))
			_, told = x.Create("/a", nil, coord.Persistent)
			_, found, _ = x.Exists("/a")
			over = true
		}
	})
	s.until("a session", func() bool { return x != nil })
	require.NoError(t, s.c.LoseReply(t.Context(), "p1", "f1", "create", 1))
	s.until("the end", func() bool { return over })
	require.ErrorIs(t, told, coord.ErrLoss)
	require.True(t, found)
	require.Len(t, s.lost, 1)
	require.Equal(t, "create", s.lost[0].Op)
	s.exit()
}

// TestOpenGivesUp after two of its timeouts.
func TestOpenGivesUp(t *testing.T) {
	var took time.Duration
	var told error
	start := false
	s := enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			return nil
		}
		return func() {
			for !start {
				_, _ = e.Wait(e.After(time.Millisecond))
			}
			began := e.Mono()
			_, told = e.Open(coord.Options{Timeout: session})
			took = e.Mono() - began
		}
	})
	s.cut("p1")
	start = true
	s.until("the end", func() bool { return took != 0 })
	require.ErrorIs(t, told, coord.ErrLoss)
	require.InDelta(t, 2*session, took, float64(time.Millisecond))
	s.exit()
}

// TestOpenEndsWithItsNode: who is told to stop does not wait for a session.
func TestOpenEndsWithItsNode(t *testing.T) {
	var told error
	start := false
	s := enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			return nil
		}
		return func() {
			for !start {
				_, _ = e.Wait(e.After(time.Millisecond))
			}
			_, told = e.Open(coord.Options{Timeout: session})
		}
	})
	s.cut("p1")
	start = true
	s.pass(session / 10)
	require.NoError(t, told)
	s.exit()
	require.ErrorIs(t, told, env.ErrStopped)
}

// TestKilledParticipant: what it deferred has no effect, so its node stays until its session expires; the next start is
// another incarnation.
func TestKilledParticipant(t *testing.T) {
	var holds, second, unwound bool
	var gone coord.Signal
	s := enter(t, 3, func(e env.Env) func() {
		return func() {
			switch {
			case e.ID() == "p1.2":
				second = true
			case first(e):
				x := open(e)
				path, err := x.Create("/lock", nil, coord.Ephemeral)
				require.NoError(t, err)
				defer func() {
					unwound = true
					_ = x.Delete(path, coord.AnyVersion)
				}()
				holds = true
				forever(e)
			default:
				y := open(e)
				for !holds {
					_, _ = e.Wait(e.After(time.Millisecond))
				}
				_, found, w, err := y.ExistsW("/lock")
				require.NoError(t, err)
				require.True(t, found)
				gone = w
				forever(e)
			}
		}
	})
	s.until("a watch", func() bool { return gone != nil })
	killed := s.c.Now()
	r, _, err := s.c.Kill(t.Context(), "p1")
	require.NoError(t, err)
	require.True(t, r.Gone)
	require.True(t, unwound)
	_, _, err = s.c.Restart(t.Context(), "p1")
	require.NoError(t, err)
	s.until("the node's end", gone.Fired)
	require.Greater(t, s.c.Now()-killed, session*2/3)
	require.True(t, second)
	s.exit()
}

// TestMessages: an answer, none through a cut, none of a node that does not serve.
func TestMessages(t *testing.T) {
	var got []string
	ask, next := 0, 0
	s := enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			e.Serve(func(from string, m env.Message) env.Message {
				return env.Message{Kind: "re", Text: from + " " + m.Text}
			})
			return nil
		}
		return func() {
			for {
				for ask == next {
					_, _ = e.Wait(e.After(time.Millisecond))
				}
				next++
				m, err := e.Ask("p2", env.Message{Kind: "hello", Text: fmt.Sprint(next)}, time.Second)
				if err != nil {
					require.ErrorIs(t, err, env.ErrNoAnswer)
					m.Text = "none"
				}
				got = append(got, m.Text)
			}
		}
	})
	once := func(want string) {
		t.Helper()
		ask++
		n := len(got)
		s.until("an answer", func() bool { return len(got) > n })
		require.Equal(t, want, got[n])
	}
	once("p1 1")
	s.cut("p2")
	once("none")
	s.heal()
	once("p1 3")
	_, _, err := s.c.Kill(t.Context(), "p2")
	require.NoError(t, err)
	once("none")
	_, _, err = s.c.Kill(t.Context(), "p1")
	require.NoError(t, err)
	s.exit()
}

// TestFindings: a recipe that panics, and one that goes on for ever when its node stops.
func TestFindings(t *testing.T) {
	s := enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			return nil
		}
		return func() { panic("out of luck") }
	})
	s.pass(time.Second)
	require.NoError(t, s.c.Stop(t.Context()))
	require.Len(t, s.broken, 1)
	require.Contains(t, s.broken[0], "p1: task main of p1.1 panicked: out of luck")

	s = enter(t, 1, func(e env.Env) func() {
		if !first(e) {
			return nil
		}
		return func() {
			for { // and never looks at the error
				_, _ = e.Wait(e.After(time.Second))
			}
		}
	})
	require.NoError(t, s.c.Stop(t.Context()))
	require.Len(t, s.broken, 1)
	require.Contains(t, s.broken[0], "p1: task main of p1.1 panicked: 100001 calls while no time passed")
}
