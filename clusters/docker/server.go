package docker

import (
	"fmt"
	"net/netip"
	"strings"

	"riven/clusters/docker/agent"
	"riven/harness/spec"
)

// Ports and paths of a server, inside its node.
const (
	clientPort   = 2181
	messagePort  = 7400 // of participants
	quorumPort   = 2888
	electionPort = 3888
	configPath   = "/zoo.cfg"    // named by the server image's command
	dataDir      = "/riven-data" // of our own: an image's may belong to somebody else
)

// javaOptions make the servers' log readable: one line an event, with the wall clock, on standard error, and none for
// each four-letter word that the agent asks.
const javaOptions = "-Dorg.slf4j.simpleLogger.defaultLogLevel=info" +
	" -Dorg.slf4j.simpleLogger.showDateTime=true" +
	" -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS" +
	" -Dorg.slf4j.simpleLogger.showShortLogName=true" +
	" -Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=warn"

// quickElections are for short ticks: ZooKeeper's own values are made for ticks of seconds. The keys are system properties without
// their prefix "zookeeper." (QuorumCnxManager, FastLeaderElection, Leader), which QuorumPeerConfig sets from the file.
const quickElections = `cnxTimeout=200
fastleader.minNotificationInterval=50
fastleader.maxNotificationInterval=200
leader.maxTimeToWaitForEpoch=400
`

// zooConfig is the servers' common zoo.cfg; addrs[i] is the address of server i+1.
func zooConfig(t spec.Timing, addrs []netip.Addr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tickTime=%d\ninitLimit=%d\nsyncLimit=%d\n", t.TickTime, t.InitLimit, t.SyncLimit)
	fmt.Fprintf(&b, "dataDir=%s\nclientPort=%d\n", dataDir, clientPort)
	b.WriteString("maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\nstandaloneEnabled=false\n")
	// KB; the default of 64 MB is a waste on logs of seconds.
	b.WriteString("preAllocSize=1024\n")
	if t == spec.Timings["fast"] {
		b.WriteString(quickElections)
	}
	for i, a := range addrs {
		fmt.Fprintf(&b, "server.%d=%s:%d:%d\n", i+1, a, quorumPort, electionPort)
	}
	return b.String()
}

// theirs tell an image that is laid out as the official one where its configuration and data are (its
// docker-entrypoint.sh reads the first two, zkEnv.sh the third).
var theirs = []string{"ZOO_CONF_DIR=/", "ZOO_DATA_DIR=" + dataDir, "ZOOCFGDIR=/"}

// serverLaunch starts server id. Its files are written before the first start only: they outlive the child.
func serverLaunch(img Image, id int, config string) func(incarnation int) *agent.Launch {
	return func(incarnation int) *agent.Launch {
		l := &agent.Launch{
			Argv: img.Command, Env: append([]string{"JAVA_TOOL_OPTIONS=" + javaOptions}, theirs...),
			Dir: "/", UID: img.UID, GID: img.GID, Incarnation: incarnation, ClientPort: clientPort,
			EpochFile: dataDir + "/version-2/currentEpoch",
		}
		if incarnation == 1 {
			l.Dirs = []string{dataDir}
			l.Files = []agent.File{{Path: configPath, Text: config}, {Path: dataDir + "/myid", Text: fmt.Sprintf("%d\n", id)}}
		}
		return l
	}
}
