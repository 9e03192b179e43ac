package ensemble

// Disk is what a server keeps over its incarnations: the transaction log (FileTxnLog, SyncRequestProcessor), the
// accepted and the current epoch (QuorumPeer's two files, written atomically and synced at once).
type Disk struct {
	log      []*Txn
	written  int // length of log that a kill leaves: all of it, but for a defect
	synced   int // length of log that a power loss leaves
	accepted int64
	current  int64
	links    uint64 // numbers given to connections to leaders
}

// NewDisk is an empty disk.
func NewDisk() *Disk { return &Disk{} }

// Kill is the death of the process: what was written stays.
func (d *Disk) Kill() { d.cut(d.written) }

// LosePower is the death of the machine: only what was synced stays.
func (d *Disk) LosePower() { d.cut(d.synced) }

// Log is the transactions on disk, oldest first, for reading only. Its end may not be committed.
func (d *Disk) Log() []*Txn { return d.log }

// cut keeps the first n entries. Whoever was given the log before keeps what it saw: appending copies.
func (d *Disk) cut(n int) {
	d.log = d.log[:n:n]
	d.written, d.synced = min(d.written, n), min(d.synced, n)
}

// truncate drops all entries after zxid (FileTxnLog.truncate), and tells whether there is one with just that zxid.
func (d *Disk) truncate(zxid int64) bool {
	n := len(d.log)
	for n > 0 && d.log[n-1].Zxid > zxid {
		n--
	}
	d.cut(n)
	return n > 0 && d.log[n-1].Zxid == zxid || n == 0 && zxid == 0
}

// replace installs a snapshot; that is synced at once (Learner.syncWithLeader: syncSnapshot).
func (d *Disk) replace(log []*Txn) {
	n := len(log)
	d.log, d.written, d.synced = log[:n:n], n, n
}

// log appends a transaction and has the group of all unsynced ones synced (SyncRequestProcessor).
func (s *Server) log(t *Txn) {
	d := s.disk
	d.log = append(d.log, t)
	if !s.has.ackUnlogged {
		d.written = len(d.log)
	}
	s.flush()
}

// flush begins a sync unless one is under way: what comes meanwhile goes with the next one.
func (s *Server) flush() {
	if s.syncing != 0 || s.disk.synced == len(s.disk.log) {
		return
	}
	s.syncs++
	s.syncing, s.syncLen = s.syncs, len(s.disk.log)
	s.host.Sync(s.syncing)
}

// Synced says that the Host's Sync(n) is done.
func (s *Server) Synced(n uint64) {
	if n != s.syncing {
		return
	}
	d := s.disk
	s.syncing = 0
	d.synced = s.syncLen
	d.written = max(d.written, d.synced)
	s.logged()
	s.flush()
}

// logged acknowledges what may be acknowledged (AckRequestProcessor, SendAckRequestProcessor).
func (s *Server) logged() {
	switch {
	case s.busy == Stopping:
	case s.role == Leading:
		s.leaderLogged()
	case s.role == Following:
		s.followerLogged()
	}
}

// safe is the length of the log that this server may acknowledge.
func (s *Server) safe() int {
	if s.has.ackUnlogged {
		return len(s.disk.log)
	}
	return s.disk.synced
}
