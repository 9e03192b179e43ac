package register

import (
	"riven/checkers"
	"riven/workloads"
)

// Defects of znode.
const (
	plainRead     = "plain-read"
	blindRetry    = "blind-retry"
	lossIsFailure = "loss-is-failure"
)

func znodeRecipe() workloads.Recipe {
	return workloads.Recipe{
		Name: "znode",
		Doc: "A node's data is the value and its version the number of writes: setData with any version, or with the version that was just read. A node that is created again counts anew, so what is told of it is also the zxid " +
			"of its creation; that of its deletion is the pzxid of its folder, in which it is alone. A read that must be the newest writes to a scratch node " +
			"first, in the same session: ZooKeeper's sync goes through no quorum (ZOOKEEPER-1675). A write whose reply is lost is unknown.",
		New: newZnode,
		Claims: []checkers.Claim{
			{Name: checkers.ClaimRegister, Rule: "Writes, compare-and-sets, creates, deletes, refusals of them, and reads through a write are linearizable, register by register."},
			{Name: checkers.ClaimSession, Rule: "Within a session no read shows an older state of a register (zxid of its creation or deletion, then version) than one that the session has read or made before."},
			{Name: checkers.ClaimServed, Rule: "After the last fault is healed a write of every participant is acknowledged within a bounded time."},
		},
		Defects: []workloads.Defect{
			{
				Name:    plainRead,
				Bug:     "A read that must be the newest is a plain one: the session's server answers with what it has.",
				Exposed: "partition from-peers of a follower that a participant reads from: it answers for tickTime × syncLimit more, with old values; lag alone shows it now and then.",
				Breaks:  []string{checkers.ClaimRegister},
			},
			{
				Name:    blindRetry,
				Bug:     "A write whose reply was lost is made again as it is: it takes effect twice, and what others wrote in between is gone.",
				Exposed: "lose-reply of setData at a participant: every time that the lost reply was a success and anybody reads in between or after.",
				Breaks:  []string{checkers.ClaimRegister},
			},
			{
				Name:    lossIsFailure,
				Bug:     "A write whose reply was lost is taken for failed.",
				Exposed: "lose-reply of setData at a participant: every time that the lost reply was a success and anybody reads it.",
				Breaks:  []string{checkers.ClaimRegister},
			},
		},
	}
}
