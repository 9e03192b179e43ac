package ensemble

import (
	"fmt"
	"slices"
)

// Defect is a named bug of the ensemble that Config.Defects can switch on.
type Defect struct {
	Name    string
	Bug     string // what is wrong, in one sentence
	Exposed string // by which fault
	Breaks  string // what the ensemble no longer promises
	flag    func(*defects) *bool
}

// defects are the bugs switched on.
type defects struct {
	smallQuorum, ignoreZxid, ackUnlogged, countAcks, noPromise bool
	staleTouches, keepEphemeral, loseWatches, readBehind       bool
	tornClose                                                  bool
}

// Defects are the bugs that a server can be given.
func Defects() []Defect {
	return []Defect{
		{"small-quorum", "half of the servers, rounded down, are a quorum", "partition into halves, kill of a leader", "acked writes survive, one history", func(d *defects) *bool { return &d.smallQuorum }},
		{"election-ignores-zxid", "votes are compared by epoch and id, and a follower ahead of its leader is let in and truncated", "kill or isolation of the leader while a follower lags", "acked writes survive", func(d *defects) *bool { return &d.ignoreZxid }},
		{"ack-before-log", "a proposal is acknowledged when it is received, and written when the sync is done", "kill or power loss of a quorum in the time of an fsync", "acked writes survive", func(d *defects) *bool { return &d.ackUnlogged }},
		{"counted-acks", "acknowledgements are counted, not collected: each counts for the oldest proposal that is open, whoever sent it and for whichever", "isolation or kill of a leader with several writes under way", "acked writes survive, one history", func(d *defects) *bool { return &d.countAcks }},
		{"no-epoch-promise", "no epoch is promised or remembered: a new leader takes the one after that of its last transaction, and a follower takes any", "kill or isolation of a leader while its proposals are on their way", "one leader per epoch, one history", func(d *defects) *bool { return &d.noPromise }},
		{"stale-touch-table", "a new leader judges sessions by when it last heard of them itself, in an earlier role", "change of leader", "a session that is used lives", func(d *defects) *bool { return &d.staleTouches }},
		{"ephemeral-kept", "the newest ephemeral node of a session that expires stays", "expiry of a session", "ephemerals go with their session", func(d *defects) *bool { return &d.keepEphemeral }},
		{"watch-lost", "watches that a client brings along on reconnect are armed without telling what it missed", "loss of a connection while a watched node changes", "a watch fires once for a change after it", func(d *defects) *bool { return &d.loseWatches }},
		{"read-behind", "a client is let in though it has seen more than the server", "reconnect to a server that lags", "a session never goes back in time", func(d *defects) *bool { return &d.readBehind }},
		{"torn-close", "the ephemerals of a closed session are deleted one by one after its transaction", "any close or expiry; kill of the leader leaves some for ever", "ephemerals go with their session, in one transaction", func(d *defects) *bool { return &d.tornClose }},
	}
}

func parseDefects(names []string) (d defects, err error) {
	known := Defects()
	for _, name := range names {
		i := slices.IndexFunc(known, func(k Defect) bool { return k.Name == name })
		if i < 0 {
			return d, fmt.Errorf("unknown defect %q of the ensemble", name)
		}
		*known[i].flag(&d) = true
	}
	return d, nil
}
