package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rooms from the roof to the ground: a package may import only rooms below its own. A folder that is not listed belongs
// to the room above it in the tree.
var rooms = []string{
	"cmd/riven",
	"harness/hunt",
	"harness/run",
	"harness/campaign",
	"results/web",
	"results",
	"clusters/docker",
	"clusters/docker/participant",
	"clusters/docker/agent",
	"clusters/docker/image",
	"clusters/docker/protocol",
	"clusters/sim",
	"clusters/sim/client",
	"clusters/sim/network",
	"clusters/sim/kernel",
	"clusters/sim/ensemble",
	"clusters",
	"workloads/catalogue",
	"workloads/lock",
	"workloads/counter",
	"workloads/conformance",
	"workloads/register",
	"workloads/election",
	"workloads/rebalance",
	"workloads",
	"checkers",
	"nemesis",
	"nemesis/inject",
	"harness/env/lint",
	"harness/env",
	"harness/coord",
	"harness/spec",
	"harness/history",
	"harness/config",
}

// pure rooms are data and functions of data: none of these may be imported there, not even by name.
var (
	pure      = []string{"checkers", "nemesis", "workloads/lock", "workloads/counter", "workloads/register", "workloads/election", "workloads/rebalance", "workloads/catalogue", "workloads", "clusters/sim", "clusters/sim/client", "clusters/sim/network", "clusters/sim/kernel", "clusters/sim/ensemble", "harness/env", "harness/coord", "harness/spec", "harness/history"}
	forbidden = []string{"os", "os/exec", "net", "testing", "syscall", "golang.org/x/sys/unix", "github.com/go-zookeeper/zk", "github.com/moby/moby/client", "github.com/testcontainers/testcontainers-go"}
)

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func room(path string) int {
	best := -1
	for i, r := range rooms {
		if p := "riven/" + r; path == p || strings.HasPrefix(path, p+"/") {
			if best < 0 || len(r) > len(rooms[best]) {
				best = i
			}
		}
	}
	return best
}

// TestRooms holds the import graph against the design.
func TestRooms(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "docker,browser", "-json=ImportPath,Imports", "riven/...").Output()
	require.NoError(t, err)
	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		seen++
		checkRoom(t, p)
	}
	require.Greater(t, seen, len(rooms)/2)
}

func checkRoom(t *testing.T, p listedPackage) {
	from := room(p.ImportPath)
	if from < 0 {
		t.Errorf("%s is in no room of the design", p.ImportPath)
		return
	}
	for _, imp := range p.Imports {
		if slices.Contains(pure, rooms[from]) && slices.Contains(forbidden, imp) {
			t.Errorf("%s must not know %s", p.ImportPath, imp)
		}
		if !strings.HasPrefix(imp, "riven/") {
			continue
		}
		if to := room(imp); to < from {
			t.Errorf("%s imports upwards: %s", p.ImportPath, imp)
		}
	}
}
