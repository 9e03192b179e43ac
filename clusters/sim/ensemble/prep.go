package ensemble

import (
	"fmt"
	"slices"
	"strings"

	"riven/harness/coord"
)

// record is what the leader must know of a node to judge the next write (PrepRequestProcessor.ChangeRecord).
type record struct {
	exists   bool
	version  int32
	creates  int32
	children int32
	owner    int64
}

// change is a node as it will be after a transaction that is proposed but not applied.
type change struct {
	record
	zxid int64
	path string
	prev int // number of the change of the same node before it, -1 if none
}

// changes are ZooKeeperServer.outstandingChanges. They are numbered from the start of the epoch.
type changes struct {
	list   []change
	base   int // number of list[0]
	latest map[string]int
}

func (c *changes) reset() {
	c.list, c.base = c.list[:0], 0
	if c.latest == nil {
		c.latest = map[string]int{}
	}
	clear(c.latest)
}

func (c *changes) put(zxid int64, path string, r record) {
	prev, found := c.latest[path]
	if !found {
		prev = -1
	}
	c.latest[path] = c.base + len(c.list)
	c.list = append(c.list, change{r, zxid, path, prev})
}

// undo takes back all changes but the first n (rollbackPendingChanges).
func (c *changes) undo(n int) {
	for i := len(c.list) - 1; i >= n; i-- {
		x := &c.list[i]
		if x.prev >= c.base {
			c.latest[x.path] = x.prev
		} else {
			delete(c.latest, x.path)
		}
	}
	c.list = c.list[:n]
}

// settle forgets what has been applied up to zxid.
func (c *changes) settle(zxid int64) {
	n := 0
	for ; n < len(c.list) && c.list[n].zxid <= zxid; n++ {
		if path := c.list[n].path; c.latest[path] == c.base+n {
			delete(c.latest, path)
		}
	}
	c.base += n
	c.list = slices.Delete(c.list, 0, n)
}

// record is getRecordForPath.
func (s *Server) record(path string) (record, bool) {
	c := &s.leader.changes
	if i, found := c.latest[path]; found {
		r := c.list[i-c.base].record
		return r, r.exists
	}
	n := s.tree.nodes[path]
	if n == nil {
		return record{}, false
	}
	return record{true, n.version, n.creates, int32(len(n.children)), n.owner}, true
}

// transaction is PrepRequestProcessor.pRequest: the request is judged against the tree with all that is proposed, and
// becomes a transaction that any server can apply without a question. One that fails becomes a transaction too.
func (s *Server) transaction(session int64, r *Request, owner uint64) *Txn {
	s.leader.last++
	x := &Txn{Zxid: s.leader.last, Session: session, Xid: r.Xid, Op: r.Op}
	switch r.Op {
	case opOpen:
		x.Timeout = r.timeout
		s.track(session, r.timeout)
		s.setOwner(session, owner)
	case OpClose:
		s.prepClose(x, r)
	case OpMulti:
		s.prepMulti(x, r, owner)
	default:
		x.Steps = x.one[:1]
		if err := s.prepStep(x, &x.Steps[0], r, owner); err != OK {
			x.Op, x.Err, x.Steps = OpError, err, nil
		}
	}
	return x
}

// prepMulti: all or nothing. The slots of one that failed say so.
func (s *Server) prepMulti(x *Txn, r *Request, owner uint64) {
	c := &s.leader.changes
	before := len(c.list)
	x.Steps = make([]Step, len(r.Ops))
	for i := range r.Ops {
		err := s.prepStep(x, &x.Steps[i], &r.Ops[i], owner)
		if err == OK {
			continue
		}
		c.undo(before)
		for j := range x.Steps {
			x.Steps[j] = Step{Op: OpError}
			if j > i {
				x.Steps[j].Err = RuntimeInconsistency
			}
		}
		x.Steps[i].Err = err
		return
	}
}

func (s *Server) prepStep(x *Txn, st *Step, r *Request, owner uint64) Code {
	if err := s.ownedBy(x.Session, owner); err != OK {
		return err
	}
	st.Op, st.Path = r.Op, r.Path
	switch r.Op {
	case OpCreate:
		return s.prepCreate(x, st, r)
	case OpDelete:
		return s.prepDelete(x, r)
	case OpSet:
		st.Data = r.Data
		return s.prepSet(x, st, r)
	case OpCheck:
		if !ValidPath(r.Path) {
			return BadArguments
		}
		n, found := s.record(r.Path)
		if !found {
			return NoNode
		}
		return n.matches(r.Version)
	}
	return BadArguments
}

func (r record) matches(version int32) Code {
	if version != coord.AnyVersion && version != r.version {
		return BadVersion
	}
	return OK
}

// prepCreate is pRequest2TxnCreate. The number of a sequential node is that of the parent's creates so far.
func (s *Server) prepCreate(x *Txn, st *Step, r *Request) Code {
	if !strings.HasPrefix(r.Path, "/") {
		return BadArguments
	}
	parent, _ := split(r.Path)
	p, found := s.record(parent)
	if !found {
		return NoNode
	}
	if r.Mode&coord.Sequential != 0 {
		st.Path = r.Path + number(p.creates)
	}
	if !ValidPath(st.Path) {
		return BadArguments
	}
	if _, found := s.record(st.Path); found {
		return NodeExists
	}
	if p.owner != 0 {
		return NoChildren
	}
	p.creates++
	p.children++
	n := record{exists: true}
	if r.Mode&coord.Ephemeral != 0 {
		n.owner, st.Ephemeral = x.Session, true
	}
	st.Version, st.Data = p.creates, r.Data
	s.leader.changes.put(x.Zxid, parent, p)
	s.leader.changes.put(x.Zxid, st.Path, n)
	return OK
}

// number is %010d.
func number(n int32) string {
	if n < 0 {
		return fmt.Sprintf("%010d", n)
	}
	var digits [10]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return string(digits[:])
}

func (s *Server) prepDelete(x *Txn, r *Request) Code {
	if !strings.HasPrefix(r.Path, "/") || special(r.Path) {
		return BadArguments
	}
	parent, _ := split(r.Path)
	p, found := s.record(parent)
	if !found {
		return NoNode
	}
	n, found := s.record(r.Path)
	if !found {
		return NoNode
	}
	if err := n.matches(r.Version); err != OK {
		return err
	}
	if n.children > 0 {
		return NotEmpty
	}
	p.children--
	s.leader.changes.put(x.Zxid, parent, p)
	s.leader.changes.put(x.Zxid, r.Path, record{})
	return OK
}

func (s *Server) prepSet(x *Txn, st *Step, r *Request) Code {
	if !ValidPath(r.Path) {
		return BadArguments
	}
	n, found := s.record(r.Path)
	if !found {
		return NoNode
	}
	if err := n.matches(r.Version); err != OK {
		return err
	}
	n.version++
	st.Version = n.version
	s.leader.changes.put(x.Zxid, r.Path, n)
	return OK
}

// prepClose lists what goes with the session: its ephemerals in the tree and those that are only proposed.
func (s *Server) prepClose(x *Txn, r *Request) {
	gone := slices.Clone(s.tree.ephemerals[x.Session])
	c := &s.leader.changes
	for i := range c.list {
		at := slices.Index(gone, c.list[i].path)
		switch {
		case !c.list[i].exists && at >= 0:
			gone = slices.Delete(gone, at, at+1)
		case c.list[i].exists && c.list[i].owner == x.Session && at < 0:
			gone = append(gone, c.list[i].path)
		}
	}
	if s.has.keepEphemeral && r.Xid == 0 && len(gone) > 0 {
		gone = gone[:len(gone)-1]
	}
	if t := s.session(x.Session); t != nil {
		t.closing = true
	}
	if s.has.tornClose {
		s.requests.torn = gone
		return
	}
	x.Gone = gone
	for _, path := range gone {
		c.put(x.Zxid, path, record{})
	}
}

// tear is the defect: what a close should have taken along goes one by one.
func (s *Server) tear(session int64) {
	gone := s.requests.torn
	s.requests.torn = nil
	for _, path := range gone {
		s.leader.last++
		x := &Txn{Zxid: s.leader.last, Session: session, Op: OpDelete}
		x.Steps = append(x.one[:0], Step{Op: OpDelete, Path: path})
		s.leader.changes.put(x.Zxid, path, record{})
		s.propose(x)
	}
}

// special is DataTree.isSpecialPath.
func special(path string) bool {
	return path == "/" || path == "/zookeeper" || path == "/zookeeper/quota" || path == "/zookeeper/config"
}

// ValidPath is PathUtils.validatePath.
func ValidPath(path string) bool {
	if path == "/" {
		return true
	}
	if path == "" || path[0] != '/' || path[len(path)-1] == '/' {
		return false
	}
	start := 1
	for i, c := range path {
		switch {
		case c <= 0x1f || c >= 0x7f && c <= 0x9f || c >= 0xd800 && c <= 0xf8ff || c >= 0xfff0 && c <= 0xffff:
			return false
		case c == '/' && i > 0:
			if !validName(path[start:i]) {
				return false
			}
			start = i + 1
		}
	}
	return validName(path[start:])
}

func validName(name string) bool { return name != "" && name != "." && name != ".." }
