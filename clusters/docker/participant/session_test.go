//go:build docker

package participant

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/coord"
	"riven/harness/env"
	"riven/harness/history"
	"riven/workloads"
)

// told completes an op with what a call returned.
func told(op history.Op, err error) workloads.Completion {
	if err != nil {
		return workloads.Completion{Type: history.Fail, Error: err.Error()}
	}
	return ok(op)
}

// user is a recipe with one session and an op for each call that the tests make.
type user struct {
	env     env.Env
	session coord.Session
	watch   coord.Signal
}

const askedTimeout = time.Second

func (u *user) script() script {
	return script{
		"open": func(history.Op) workloads.Completion {
			s, err := u.env.Open(coord.Options{Timeout: askedTimeout})
			u.session = s
			if err != nil {
				return told(history.Op{}, err)
			}
			return ok(history.Op{Token: s.ID(), Text: s.Timeout().String()})
		},
		"close": func(history.Op) workloads.Completion {
			u.session.Close()
			return ok(history.Op{})
		},
		"create": func(op history.Op) workloads.Completion {
			path, err := u.session.Create(op.Key, []byte(op.Text), coord.Ephemeral)
			return told(history.Op{Key: path}, err)
		},
		"set": func(op history.Op) workloads.Completion {
			st, err := u.session.Set(op.Key, []byte(op.Text), int32(op.N))
			return told(history.Op{N: int64(st.Version), Token: st.Mzxid}, err)
		},
		"watch": func(op history.Op) workloads.Completion {
			data, st, w, err := u.session.GetW(op.Key)
			u.watch = w
			return told(history.Op{N: int64(st.Version), Text: string(data)}, err)
		},
		"wait": func(history.Op) workloads.Completion {
			i, err := u.env.Wait(u.session.Expired(), u.watch)
			return told(history.Op{N: int64(i)}, err)
		},
		"state": func(history.Op) workloads.Completion {
			return ok(history.Op{Text: fmt.Sprintf("disconnected %v expired %v", u.session.Disconnected().Fired(), u.session.Expired().Fired())})
		},
	}
}

func startUser(t *testing.T, servers ...protocol.Server) *rig {
	return start(t, servers, func(e env.Env) script { return (&user{env: e}).script() })
}

func straight() protocol.Server { return protocol.Server{Name: "zk1", Address: serverAddress} }

// notes are the kinds and texts of the notes so far.
func (r *rig) notes() (out []string) {
	for _, o := range r.of(string(history.Note)) {
		out = append(out, o.F+" "+o.Text)
	}
	return out
}

func TestExpiryIsForGood(t *testing.T) {
	noLeaks(t)
	g := newGate(t)
	r := startUser(t, protocol.Server{Name: "zk1", Address: g.address()})
	see := observer(t)

	opened := r.do(history.Op{F: "open"})
	require.Equal(t, "1s", opened.Text)
	require.Equal(t, "ok", r.do(history.Op{F: "create", Key: "/owned"}).Type)
	_, _, gone, err := see.GetW("/owned")
	require.NoError(t, err)

	g.set(true)
	r.awaitNote(history.NoteSuspended)
	late := r.invoke(history.Op{F: "create", Key: "/zombie"}) // waits inside go-zookeeper for a connection
	require.Equal(t, zk.EventNodeDeleted, (<-gone).Type)
	g.set(false)
	require.Equal(t, opened.Token, r.awaitNote(history.NoteExpired).Token)
	want := protocol.Out{Type: "fail", ID: late, Error: "session expired", Op: history.Op{F: "create"}}
	require.Equal(t, want, r.await(func(o protocol.Out) bool { return o.ID == late }))

	require.Equal(t, "disconnected true expired true", r.do(history.Op{F: "state"}).Text)
	require.Equal(t, "session expired", r.do(history.Op{F: "create", Key: "/zombie"}).Error)
	require.NotEqual(t, opened.Token, r.do(history.Op{F: "open"}).Token)
	require.Equal(t, "ok", r.do(history.Op{F: "create", Key: "/owned"}).Type)
	require.Equal(t, "ok", r.do(history.Op{F: "close"}).Type)
	require.NoError(t, r.end())

	_, err = see.Sync("/")
	require.NoError(t, err)
	for _, path := range []string{"/zombie", "/owned"} {
		found, _, err := see.Exists(path)
		require.NoError(t, err)
		require.False(t, found, path)
	}
	require.Equal(t, []string{"connected zk1", "suspended ", "expired ", "connected zk1"}, r.notes())
}

func TestLostReply(t *testing.T) {
	noLeaks(t)
	r := startUser(t, straight())
	see := observer(t)
	session := r.do(history.Op{F: "open"}).Token
	r.send(protocol.In{Type: protocol.TypeOrder, Op: history.Op{Key: "f1", F: "create", N: 1}})
	r.send(protocol.In{Type: protocol.TypeOrder, Op: history.Op{Key: "f2", F: "fly", N: 1}})
	require.Equal(t, "f2", r.await(func(o protocol.Out) bool { return o.Type == protocol.TypeUnsupported }).Key)

	require.Equal(t, "node exists", r.do(history.Op{F: "create", Key: "/zookeeper"}).Error, "refused by the server: not lost")
	require.Equal(t, "connection loss: zk: connection closed", r.do(history.Op{F: "create", Key: "/lost"}).Error)
	found, st, err := see.Exists("/lost")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, session, st.EphemeralOwner)
	lost := r.of(protocol.TypeLost)
	require.Equal(t, []protocol.Out{{Type: protocol.TypeLost, Op: history.Op{Key: "f1", Text: "create", N: 2, Token: st.Czxid}}}, lost)

	require.Equal(t, "node exists", r.do(history.Op{F: "create", Key: "/lost"}).Error, "the session goes on")
	require.Equal(t, "ok", r.do(history.Op{F: "create", Key: "/kept"}).Type)
	require.Equal(t, []string{"connected zk1", "suspended ", "connected zk1"}, r.notes())
	require.NoError(t, r.end())
}

func TestWatchOverReconnect(t *testing.T) {
	noLeaks(t)
	g := newGate(t)
	r := startUser(t, protocol.Server{Name: "zk1", Address: g.address()})
	see := observer(t)
	session := r.do(history.Op{F: "open"}).Token
	require.Equal(t, "ok", r.do(history.Op{F: "create", Key: "/w", Text: "a"}).Type)
	require.Equal(t, "a", r.do(history.Op{F: "watch", Key: "/w"}).Text)
	wait := r.invoke(history.Op{F: "wait"})
	g.set(true)
	r.awaitNote(history.NoteSuspended)
	_, err := see.Set("/w", []byte("b"), 0)
	require.NoError(t, err)
	g.set(false)
	require.Equal(t, int64(1), r.await(func(o protocol.Out) bool { return o.ID == wait }).N)
	require.Equal(t, "b", r.do(history.Op{F: "watch", Key: "/w"}).Text)
	require.Equal(t, "disconnected false expired false", r.do(history.Op{F: "state"}).Text)
	require.Equal(t, int64(2), r.do(history.Op{F: "set", Key: "/w", N: 1}).N)
	r.do(history.Op{F: "wait"}) // the watch of the set
	for _, o := range r.of(string(history.Note)) {
		require.Equal(t, session, o.Token)
	}
	require.NoError(t, r.end())
}

func TestWireRecords(t *testing.T) {
	noLeaks(t)
	r := startUser(t, straight())
	session := fmt.Sprintf("0x%x", uint64(r.do(history.Op{F: "open"}).Token))
	r.do(history.Op{F: "create", Key: "/r", Text: "0"})
	r.do(history.Op{F: "watch", Key: "/r"})
	set := r.do(history.Op{F: "set", Key: "/r", Text: "1"})
	r.do(history.Op{F: "wait"})
	bad := r.do(history.Op{F: "set", Key: "/r", Text: "2"})
	require.Equal(t, "bad version", bad.Error)
	r.do(history.Op{F: "close"})
	require.NoError(t, r.end())

	wires := r.of(string(history.Wire))
	require.Equal(t, set.Token, wires[3].Token)
	for i := range wires { // sessions of other tests that expire meanwhile take zxids too
		if wires[i].F == "reply" {
			require.True(t, i == 0 || wires[i].Token >= wires[max(i-1, 0)].Token)
			wires[i].Token = 0
		}
	}
	wire := func(f, text, key string, n, zxid int64, code string) protocol.Out {
		return protocol.Out{Type: "wire", Error: code, Op: history.Op{F: f, Text: text, Key: key, Hold: session, N: n, Token: zxid}}
	}
	require.Equal(t, []protocol.Out{
		wire("reply", "create", "/r", 1, 0, ""),
		wire("reply", "getData", "/r", 2, 0, ""),
		wire("watch", "NodeDataChanged", "/r", -1, -1, ""),
		wire("reply", "setData", "/r", 3, 0, ""),
		wire("reply", "setData", "/r", 4, 0, "BadVersion"),
		wire("reply", "closeSession", "", 5, 0, ""),
	}, wires)
}

func TestSignalsFireAtClose(t *testing.T) {
	noLeaks(t)
	r := start(t, []protocol.Server{straight()}, func(e env.Env) script {
		return script{"all": func(history.Op) workloads.Completion {
			s, err := e.Open(coord.Options{Timeout: askedTimeout})
			if err != nil {
				return told(history.Op{}, err)
			}
			_, _, data, err1 := s.GetW("/")
			_, _, exist, err2 := s.ExistsW("/nothing")
			_, child, err3 := s.ChildrenW("/")
			signals := []coord.Signal{data, exist, child, s.Disconnected(), s.Expired()}
			e.Go("close", s.Close)
			for _, signal := range signals {
				if _, err := e.Wait(signal); err != nil {
					return told(history.Op{}, err)
				}
			}
			_, _, err4 := s.Get("/")
			return ok(history.Op{Text: fmt.Sprint(err1, err2, err3, err4)})
		}}
	})
	require.Equal(t, "<nil> <nil> <nil> session expired", r.do(history.Op{F: "all"}).Text)
	require.NoError(t, r.end())
}

// Calls of several tasks of one session reach the server in the order in which they were made.
func TestCallsInOrder(t *testing.T) {
	noLeaks(t)
	const tasks = 64
	r := start(t, []protocol.Server{straight()}, func(e env.Env) script {
		return script{"all": func(history.Op) workloads.Completion {
			s, err := e.Open(coord.Options{Timeout: askedTimeout})
			if err != nil {
				return told(history.Op{}, err)
			}
			called, made, done := 0, make([]string, tasks), e.Cond()
			for range tasks {
				e.Go("create", func() {
					mine := called // the token makes this the order of the calls
					called++
					made[mine], _ = s.Create("/order-", nil, coord.Ephemeral|coord.Sequential)
					if mine == tasks-1 {
						done.Fire()
					}
				})
			}
			if _, err := e.Wait(done); err != nil {
				return told(history.Op{}, err)
			}
			for i := 1; i < tasks; i++ {
				if made[i-1] >= made[i] {
					return told(history.Op{}, fmt.Errorf("call %d made %s, call %d %s", i-1, made[i-1], i, made[i]))
				}
			}
			s.Close()
			return ok(history.Op{N: int64(called)})
		}}
	})
	require.Equal(t, protocol.Out{Type: "ok", ID: 1, Op: history.Op{F: "all", N: tasks}}, r.do(history.Op{F: "all"}))
	require.NoError(t, r.end())
}

// A session that stands still is left for the next server within its share of the session timeout.
func TestHandshakeIsBounded(t *testing.T) {
	noLeaks(t)
	silent, err := newSilent(t)
	require.NoError(t, err)
	r := startUser(t, protocol.Server{Name: "silent", Address: silent}, straight())
	require.Equal(t, "ok", r.do(history.Op{F: "open"}).Type)
	require.Equal(t, []string{"connected zk1"}, r.notes())
	require.NoError(t, r.end())
}

func TestNoServerInTime(t *testing.T) {
	noLeaks(t)
	silent, err := newSilent(t)
	require.NoError(t, err)
	r := startUser(t, protocol.Server{Name: "silent", Address: silent})
	require.Equal(t, "no session within 2s: connection loss", r.do(history.Op{F: "open"}).Error)
	require.NoError(t, r.end())
}
