package agent

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

func TestSrvr(t *testing.T) {
	datadriven.RunTest(t, "testdata/srvr", func(_ *testing.T, d *datadriven.TestData) string {
		role, zxid, err := parseSrvr(d.Input + "\n")
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %#x", role, zxid)
	})
}

func FuzzSrvr(f *testing.F) {
	f.Add("Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2022-02-25 08:49 UTC\nLatency min/avg/max: 0/0.0/0\nZxid: 0x100000003\nMode: follower\nNode count: 5\n")
	f.Add("This ZooKeeper instance is not currently serving requests\n")
	f.Add("Mode: leader\r\nZxid: 0xffffffffffffffff\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		role, zxid, err := parseSrvr(answer)
		switch {
		case err != nil:
			require.Empty(t, role)
		case role == roleNone:
			require.Zero(t, zxid)
		default:
			require.Contains(t, answer, role)
			again, z, err := parseSrvr(fmt.Sprintf("Zxid: 0x%x\nMode: %s\n", uint64(zxid), role))
			require.NoError(t, err)
			require.Equal(t, []any{role, zxid}, []any{again, z})
		}
		require.False(t, strings.ContainsAny(role, " \n"))
	})
}
