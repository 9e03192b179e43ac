package ensemble

// MessageKind is the type of a packet between servers (FastLeaderElection's notification, and the packets of Leader).
type MessageKind uint8

// Message kinds.
const (
	Notification MessageKind = iota // of the election; all others belong to a learner's connection
	FollowerInfo
	LeaderInfo
	AckEpoch
	Diff
	Trunc
	Snap
	Proposal
	Commit
	NewLeader
	UpToDate
	Ack
	Ping
	Revalidate
	Forward // REQUEST
	SyncDone
	Closed // the end of the connection, as a closed socket tells it
)

// Message is one packet between servers. Which fields have a meaning depends on its kind.
type Message struct {
	Kind   MessageKind
	Role   Role     // Notification: of the sender
	Valid  bool     // Revalidate: the answer
	Leader ServerID // Notification: the vote
	Seq    uint32   // number of the packet on its connection and direction: a gap means that the connection broke
	Link   uint64   // the learner's connection; 0 in notifications
	Zxid   int64
	Epoch  int64 // Notification: peer epoch of the vote; FollowerInfo, LeaderInfo, AckEpoch
	Round  int64 // Notification: logical clock

	Session int64 // Revalidate, Forward
	Timeout int64 // Revalidate, nanoseconds
	Txn     *Txn
	Request *Request
	Touches []Touch
	Log     []*Txn // Snap
}

// Touch is a session that a follower has heard of since it last told the leader.
type Touch struct {
	Session int64
	Timeout int64 // nanoseconds
}
