package image

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// release is what a Debian release has of ZooKeeper.
type release struct {
	zookeeper string   // version of ZooKeeper, held against the package that gets installed
	jars      []string // in /usr/share/java: the class path, as far as their manifests do not name it themselves
}

// releases are the known suites. Another one needs no code but a look at whether its server starts.
var releases = map[string]release{
	"bullseye": {zookeeper: "3.4.13", jars: []string{"zookeeper.jar", "slf4j-api.jar", "slf4j-simple.jar"}},
	"bookworm": {zookeeper: "3.8.0", jars: []string{"zookeeper.jar", "slf4j-simple.jar"}},
	"trixie":   {zookeeper: "3.9.3", jars: []string{"zookeeper.jar", "slf4j-simple.jar"}},
}

// Suites lists the Debian releases that Server knows.
func Suites() []string { return slices.Sorted(maps.Keys(releases)) }

// ZooKeeperVersion is the version of ZooKeeper that a Debian release has, like "3.8.0". The error names the known
// releases.
func ZooKeeperVersion(suite string) (string, error) {
	r, err := releaseOf(suite)
	return r.zookeeper, err
}

func releaseOf(suite string) (release, error) {
	r, ok := releases[suite]
	if !ok {
		return release{}, fmt.Errorf("unknown Debian suite %q (known: %s)", suite, strings.Join(Suites(), ", "))
	}
	return r, nil
}

// serverUser is the user zookeeper that install makes.
var serverUser = User{UID: 2181, GID: 2181}

// command starts a server on the configuration /zoo.cfg, tuned for a short life among many: a small heap, the
// collector and the compiler that cost least at the start, and a transaction log that is allocated by the MiB
// (preAllocSize is in KiB) and not by 64.
func (r release) command() []string {
	var classPath []string
	for _, jar := range r.jars {
		classPath = append(classPath, "/usr/share/java/"+jar)
	}
	return []string{
		"java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dzookeeper.preAllocSize=1024",
		"-cp", strings.Join(classPath, ":"),
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", "/zoo.cfg",
	}
}

// install is run by sh -e in a container of plain Debian, with the expected version of ZooKeeper as $1. It takes the
// library package: the package zookeeper adds nothing but scripts, and a Java runtime with a screen.
const install = `
export DEBIAN_FRONTEND=noninteractive
cat >/etc/dpkg/dpkg.cfg.d/riven <<END
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
END
mkdir -p /usr/share/man/man1 # the Java package makes links there
apt-get -qq -o Acquire::Languages=none update
apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends default-jre-headless libzookeeper-java libslf4j-java
version=$(dpkg-query -W -f '${Version}' libzookeeper-java)
case $version in
"$1"-*) ;;
*) echo "libzookeeper-java $version is not ZooKeeper $1" >&2; exit 1 ;;
esac
groupadd --gid 2181 zookeeper
useradd --uid 2181 --gid 2181 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin zookeeper
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /tmp/*
`

// serverRef is the name of the server image of a suite; it changes with all that goes into one.
func (b *Builder) serverRef(suite string, r release) string {
	recipe := strings.Join(append([]string{install, bootstrapScript, serverUser.String()}, r.command()...), "\x00")
	sum := sha256.Sum256([]byte(recipe))
	return fmt.Sprintf("%s:%s-%x", b.repo(Server), suite, sum[:4])
}
