package ensemble

import (
	"slices"
	"strings"
	"time"

	"riven/harness/coord"
)

// Txn is one transaction of the log (TxnHeader and its record). It is shared by all servers and never changed.
type Txn struct {
	Zxid    int64
	Session int64
	Xid     int32
	Op      Op            // OpCreate, OpDelete, OpSet, OpMulti, OpClose, OpError, opOpen
	Err     Code          // of OpError: a write that failed has its own zxid too (ErrorTxn)
	Timeout time.Duration // of opOpen
	Steps   []Step        // one, or those of OpMulti
	Gone    []string      // of OpClose: the ephemerals that go with the session (CloseSessionTxn)
	one     [1]Step
}

// Step is one change of a transaction.
type Step struct {
	Op        Op
	Ephemeral bool
	Err       Code
	Version   int32 // Set: the new version; Create: the parent's new count of creates
	Path      string
	Data      []byte
}

// node is a DataNode with its StatPersisted.
type node struct {
	data                []byte
	czxid, mzxid, pzxid int64
	version             int32
	creates             int32 // StatPersisted.cversion: children ever created, which numbers the sequential ones
	owner               int64
	children            []string // sorted
}

// stat is what clients see. cversion counts creates and deletes (DataNode.copyStat).
func (n *node) stat() coord.Stat {
	kids := int32(len(n.children))
	return coord.Stat{Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid, Version: n.version, Cversion: 2*n.creates - kids, EphemeralOwner: n.owner, NumChildren: kids}
}

// grant is a session in the database (ZKDatabase.sessionsWithTimeouts).
type grant struct {
	id      int64
	timeout time.Duration
}

// tree is a DataTree with its watches and the sessions that the log knows.
type tree struct {
	nodes      map[string]*node
	ephemerals map[int64][]string // in the order of their creation
	sessions   []grant            // ascending
	zxid       int64              // lastProcessedZxid
	applied    int                // length of the log that is in here
	data, kids watchTable
	send       func(*conn, EventKind, string)
	keepExtra  bool // a closed session's nodes that its transaction does not list stay
}

func (t *tree) reset() {
	t.nodes = map[string]*node{"/": {children: []string{"zookeeper"}}, "/zookeeper": {children: []string{"config", "quota"}}, "/zookeeper/config": {}, "/zookeeper/quota": {}}
	t.ephemerals = map[int64][]string{}
	t.sessions = t.sessions[:0]
	t.zxid, t.applied = 0, 0
	t.dropWatches()
}

// split gives a path's parent and its last name.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	if i == 0 {
		return "/", path[1:]
	}
	return path[:i], path[i+1:]
}

// apply is DataTree.processTxn. The results of a multi are appended to res if somebody waits for them.
func (t *tree) apply(x *Txn, res *[]Result) {
	switch x.Op {
	case opOpen:
		if i, found := t.session(x.Session); !found {
			t.sessions = slices.Insert(t.sessions, i, grant{x.Session, x.Timeout})
		}
	case OpClose:
		t.kill(x)
	case OpMulti:
		t.multi(x, res)
	case OpError:
	default:
		t.step(x, &x.Steps[0])
	}
	t.zxid = max(t.zxid, x.Zxid)
}

func (t *tree) session(id int64) (int, bool) {
	return slices.BinarySearchFunc(t.sessions, id, func(g grant, id int64) int {
		switch {
		case g.id < id:
			return -1
		case g.id > id:
			return 1
		}
		return 0
	})
}

func (t *tree) multi(x *Txn, res *[]Result) {
	failed := slices.ContainsFunc(x.Steps, func(s Step) bool { return s.Op == OpError })
	for i := range x.Steps {
		st := &x.Steps[i]
		r := Result{Op: st.Op, Err: st.Err}
		if failed {
			r.Op = OpError
		} else if n := t.step(x, st); st.Op == OpSet {
			r.Stat = n.stat()
		} else if st.Op == OpCreate {
			r.Path = st.Path
		}
		if res != nil {
			*res = append(*res, r)
		}
	}
}

func (t *tree) step(x *Txn, s *Step) *node {
	switch s.Op {
	case OpCreate:
		t.create(x, s)
	case OpDelete:
		t.delete(s.Path, x.Zxid)
	case OpSet:
		n := t.nodes[s.Path]
		if n == nil {
			return nil
		}
		n.data, n.version, n.mzxid = s.Data, s.Version, x.Zxid
		t.trigger(&t.data, s.Path, NodeDataChanged, nil)
		return n
	}
	return nil
}

func (t *tree) create(x *Txn, s *Step) {
	parent, name := split(s.Path)
	p := t.nodes[parent]
	if p == nil || t.nodes[s.Path] != nil {
		return
	}
	n := &node{data: s.Data, czxid: x.Zxid, mzxid: x.Zxid, pzxid: x.Zxid}
	if s.Ephemeral {
		n.owner = x.Session
		t.ephemerals[x.Session] = append(t.ephemerals[x.Session], s.Path)
	}
	t.nodes[s.Path] = n
	i, _ := slices.BinarySearch(p.children, name)
	p.children = slices.Insert(p.children, i, name)
	if s.Version > p.creates {
		p.creates, p.pzxid = s.Version, x.Zxid
	}
	t.trigger(&t.data, s.Path, NodeCreated, nil)
	t.trigger(&t.kids, parent, NodeChildrenChanged, nil)
}

func (t *tree) delete(path string, zxid int64) {
	n := t.nodes[path]
	if n == nil {
		return
	}
	parent, name := split(path)
	delete(t.nodes, path)
	if p := t.nodes[parent]; p != nil {
		if i, found := slices.BinarySearch(p.children, name); found {
			p.children = slices.Delete(p.children, i, i+1)
		}
		p.pzxid = max(p.pzxid, zxid)
	}
	if n.owner != 0 {
		own := t.ephemerals[n.owner]
		if i := slices.Index(own, path); i >= 0 {
			t.ephemerals[n.owner] = slices.Delete(own, i, i+1)
		}
	}
	told := t.trigger(&t.data, path, NodeDeleted, nil)
	t.trigger(&t.kids, path, NodeDeleted, told)
	t.trigger(&t.kids, parent, NodeChildrenChanged, nil)
}

// kill removes a session with its ephemerals, all under one zxid (DataTree.killSession).
func (t *tree) kill(x *Txn) {
	if i, found := t.session(x.Session); found {
		t.sessions = slices.Delete(t.sessions, i, i+1)
	}
	for _, path := range x.Gone {
		t.delete(path, x.Zxid)
	}
	if t.keepExtra {
		return
	}
	for own := t.ephemerals[x.Session]; len(own) > 0; own = t.ephemerals[x.Session] {
		t.delete(own[0], x.Zxid)
	}
	delete(t.ephemerals, x.Session)
}
