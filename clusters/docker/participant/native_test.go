//go:build docker

package participant

import (
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
	"riven/workloads"
	"riven/workloads/lock"
)

func startNative(t *testing.T, servers ...protocol.Server) *rig {
	return startRecipe(t, servers, func(_, _ string) (workloads.Recipe, error) {
		return workloads.Recipe{Name: "zk.Lock", Native: true}, nil
	})
}

// answer replies to the access of that number.
func (r *rig) answer(id int64, accepted bool) protocol.Out {
	access := r.await(func(o protocol.Out) bool { return o.Type == protocol.TypeAccess && o.ID == id })
	r.send(protocol.In{Type: protocol.TypeReply, ID: id, Seq: id, Accepted: accepted})
	return access
}

func TestNativeLock(t *testing.T) {
	noLeaks(t)
	r := startNative(t, straight())
	see := observer(t)
	require.Equal(t, lock.NotHeld, r.do(history.Op{F: lock.Work, N: 10}).Error)
	require.Equal(t, lock.NotHeld, r.do(history.Op{F: lock.Release}).Error)
	require.Equal(t, protocol.Out{Type: "ok", ID: 3, Op: history.Op{F: lock.List}}, r.do(history.Op{F: lock.List}))

	acquired := r.do(history.Op{F: lock.Acquire})
	names, _, err := see.Children(lock.Root)
	require.NoError(t, err)
	_, st, err := see.Exists(lock.Root + "/" + names[0])
	require.NoError(t, err)
	require.Equal(t, protocol.Out{Type: "ok", ID: 4, Op: history.Op{F: lock.Acquire, Hold: "p1.2/1", Token: st.Czxid}}, acquired)
	require.Equal(t, history.Op{F: lock.List, N: 1, Text: names[0]}, r.do(history.Op{F: lock.List}).Op)

	work := r.invoke(history.Op{F: lock.Work, N: 60_000})
	access := r.answer(1, true)
	require.Equal(t, history.Op{Key: lock.Register, Hold: "p1.2/1", Token: st.Czxid, N: 1}, access.Op)
	r.answer(2, false)
	worked := r.await(func(o protocol.Out) bool { return o.ID == work && o.Type == "ok" })
	require.Equal(t, history.Op{F: lock.Work, Hold: "p1.2/1", Token: st.Czxid, N: 1, Text: lock.Lost}, worked.Op)

	// The reply to the delete is lost: the second try finds no node.
	r.send(protocol.In{Type: protocol.TypeOrder, Op: history.Op{Key: "f1", F: "delete", N: 1}})
	require.Equal(t, history.Op{F: lock.Release, Hold: "p1.2/1", Token: st.Czxid}, r.do(history.Op{F: lock.Release}).Op)
	require.Len(t, r.of(protocol.TypeLost), 1)
	require.NoError(t, r.end())
}

// One lost reply to a create is handled by Lock; when the reply to its search is lost as well it fails, and leaves a node.
func TestNativeLockOrphan(t *testing.T) {
	noLeaks(t)
	r := startNative(t, straight())
	require.Equal(t, "ok", r.do(history.Op{F: lock.Acquire}).Type) // makes the parent
	require.Equal(t, "ok", r.do(history.Op{F: lock.Release}).Type)
	lose := func(fault, op string) {
		r.send(protocol.In{Type: protocol.TypeOrder, Op: history.Op{Key: fault, F: op, N: 1}})
	}
	lose("f1", "create")
	require.Equal(t, "ok", r.do(history.Op{F: lock.Acquire}).Type)
	require.Equal(t, "ok", r.do(history.Op{F: lock.Release}).Type)
	lose("f2", "create")
	lose("f3", "getChildren2")
	failed := r.do(history.Op{F: lock.Acquire})
	require.Equal(t, protocol.Out{Type: "info", ID: 5, Error: zk.ErrConnectionClosed.Error(), Op: history.Op{F: lock.Acquire}}, failed)
	require.Equal(t, int64(1), r.do(history.Op{F: lock.List}).N, "nodes left")
	var lost []string
	for _, o := range r.of(protocol.TypeLost) {
		lost = append(lost, o.Key+" "+o.Text)
	}
	require.Equal(t, []string{"f1 create", "f2 create", "f3 getChildren2"}, lost)
	require.NoError(t, r.end())
	see := observer(t)
	for { // the next test finds an empty lock
		names, _, ch, err := see.ChildrenW(lock.Root)
		require.NoError(t, err)
		if len(names) == 0 {
			break
		}
		<-ch
	}
}

// An acquire while the last hold was never released gives that one up first.
func TestNativeLockCutOff(t *testing.T) {
	noLeaks(t)
	r := startNative(t, straight())
	first := r.do(history.Op{F: lock.Acquire})
	second := r.do(history.Op{F: lock.Acquire})
	require.Equal(t, "p1.2/2", second.Hold)
	require.Greater(t, second.Token, first.Token)
	note := r.awaitNote(history.NoteLost)
	require.Equal(t, history.Op{F: history.NoteLost, Hold: "p1.2/1", Token: first.Token}, note.Op)
	require.Equal(t, "ok", r.do(history.Op{F: lock.Release}).Type)
	require.NoError(t, r.end())
}

// The connection renews its session, as the library does: the hold is gone, and the next acquire is made in a new one.
func TestNativeLockExpires(t *testing.T) {
	noLeaks(t)
	g := newGate(t)
	r := startNative(t, protocol.Server{Name: "zk1", Address: g.address()})
	see := observer(t)
	require.Equal(t, "ok", r.do(history.Op{F: lock.Acquire}).Type)
	names, _, err := see.Children(lock.Root)
	require.NoError(t, err)
	require.Len(t, names, 1)
	_, _, gone, err := see.GetW(lock.Root + "/" + names[0])
	require.NoError(t, err)
	g.set(true)
	require.Equal(t, zk.EventNodeDeleted, (<-gone).Type)
	g.set(false)
	released := r.do(history.Op{F: lock.Release})
	require.Contains(t, []string{"ok", "fail"}, released.Type) // ok: a first try broke with the connection
	require.Equal(t, "p1.2/2", r.do(history.Op{F: lock.Acquire}).Hold)
	require.Equal(t, "ok", r.do(history.Op{F: lock.Release}).Type)
	require.Equal(t, []string{"connected zk1", "suspended ", "expired ", "connected zk1"}, r.notes())
	require.NoError(t, r.end())
}
