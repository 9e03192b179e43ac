package docker

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
	"riven/harness/spec"
)

// participantLaunch starts an incarnation of a participant with a Hello of its own.
func participantLaunch(img Image, name string, s spec.Spec, servers, peers []protocol.Server) func(incarnation int) *agent.Launch {
	return func(incarnation int) *agent.Launch {
		return &agent.Launch{
			Argv: img.Command, Dir: "/", UID: img.UID, GID: img.GID, Incarnation: incarnation,
			Participant: &protocol.Hello{
				Version: protocol.Version, Node: name, Incarnation: incarnation,
				Seed: seedOf(s.Seed, name, incarnation), Servers: servers, Peers: peers, Spec: s,
			},
		}
	}
}

// seedOf derives the seed of an incarnation from the run's.
func seedOf(run uint64, node string, incarnation int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", run, node, incarnation)
	return h.Sum64()
}

// serversOf are the servers that the i-th participant may use, in the order in which it should try them: those that it
// is pinned to, else all, beginning with another one for each participant.
func serversOf(i int, name string, servers []protocol.Server, pinned map[string][]string) []protocol.Server {
	var own []protocol.Server
	for _, pin := range pinned[name] {
		for _, s := range servers {
			if s.Name == pin {
				own = append(own, s)
			}
		}
	}
	if own != nil {
		return own
	}
	k := i % len(servers)
	return append(append(own, servers[k:]...), servers[:k]...)
}

// resolvePins tells which servers each pinned participant is tied to, given the servers' roles.
func resolvePins(pins []spec.Pin, servers []string, nodes map[string]state) (map[string][]string, error) {
	byRole := map[string]string{}
	followers := 0
	for _, name := range servers {
		byRole[name] = name
		switch nodes[name].role {
		case roleLeader:
			byRole[roleLeader] = name
		case roleFollower:
			followers++
			byRole[roleFollower+strconv.Itoa(followers)] = name
		}
	}
	byRole[roleFollower] = byRole[roleFollower+"1"]
	pinned := map[string][]string{}
	for _, p := range pins {
		server := byRole[p.Server]
		if server == "" {
			return nil, fmt.Errorf("pin %s to %s: the ensemble has no such server", p.Participant, p.Server)
		}
		pinned[p.Participant] = append(pinned[p.Participant], server)
	}
	return pinned, nil
}
