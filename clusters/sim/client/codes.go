package client

import (
	"fmt"

	"riven/clusters/sim/ensemble"
	"riven/harness/coord"
)

// Names of ops as the wire's record has them (ZooDefs.OpCode), by what sends them.
var opNames = [...]string{
	ensemble.OpPing: "ping", ensemble.OpCreate: "create", ensemble.OpDelete: "delete", ensemble.OpSet: "setData",
	ensemble.OpGet: "getData", ensemble.OpExists: "exists", ensemble.OpChildren: "getChildren2", ensemble.OpSync: "sync",
	ensemble.OpMulti: "multi", ensemble.OpCheck: "check", ensemble.OpSetWatches: "setWatches", ensemble.OpClose: "closeSession",
}

// KnowsOp tells whether a session sends requests of that name.
func KnowsOp(name string) bool {
	for _, n := range opNames {
		if n != "" && n == name {
			return true
		}
	}
	return false
}

var eventNames = [...]string{
	ensemble.NodeCreated: "NodeCreated", ensemble.NodeDeleted: "NodeDeleted",
	ensemble.NodeDataChanged: "NodeDataChanged", ensemble.NodeChildrenChanged: "NodeChildrenChanged",
}

var codeNames = map[ensemble.Code]string{
	ensemble.RuntimeInconsistency: "RuntimeInconsistency", ensemble.BadArguments: "BadArguments", ensemble.NoNode: "NoNode",
	ensemble.BadVersion: "BadVersion", ensemble.NoChildren: "NoChildrenForEphemerals", ensemble.NodeExists: "NodeExists",
	ensemble.NotEmpty: "NotEmpty", ensemble.SessionExpired: "SessionExpired",
}

// errorOf is what the caller is told: the server's word is definite.
func errorOf(c ensemble.Code) error {
	switch c {
	case ensemble.OK:
		return nil
	case ensemble.NoNode:
		return coord.ErrNoNode
	case ensemble.BadVersion:
		return coord.ErrBadVersion
	case ensemble.NoChildren:
		return coord.ErrNoChildren
	case ensemble.NodeExists:
		return coord.ErrNodeExists
	case ensemble.NotEmpty:
		return coord.ErrNotEmpty
	case ensemble.SessionExpired:
		return coord.ErrExpired
	case ensemble.BadArguments:
		return coord.ErrInvalid
	case ensemble.RuntimeInconsistency:
		return coord.ErrRolledBack
	}
	return fmt.Errorf("error %d of the server: %w", c, coord.ErrLoss)
}
