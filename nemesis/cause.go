package nemesis

import (
	"slices"
	"strings"
)

// serverRoles are the roles that a server has.
var serverRoles = []Role{Leader, Follower, AnyServer, HolderServer, ActiveServer}

// Cause is what kinds of faults a plan consists of, each once and in order: "partition from-peers", "pause of a participant".
func (p Plan) Cause() (kinds []string) {
	for _, s := range p.Steps {
		kinds = append(kinds, s.Fault.kind())
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func (f Fault) kind() string {
	switch {
	case f.Kind == Partition:
		return string(f.Kind) + " " + string(f.Shape)
	case f.Kind == LoseReply:
		return string(f.Kind) + " " + f.Op
	case slices.Contains(serverRoles, f.Target.Role) || strings.HasPrefix(f.Target.Node, "zk"):
		return string(f.Kind) + " of a server"
	}
	return string(f.Kind) + " of a participant"
}
