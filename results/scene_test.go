package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
)

func TestScene(t *testing.T) {
	b := &Bundle{Dir: t.TempDir()}
	b.Meta.OpsBegan = time.Date(2026, 1, 2, 23, 59, 59, 0, time.UTC)
	require.NoError(t, os.Mkdir(filepath.Join(b.Dir, dirLogs), 0o755))
	log := "Picked up something\n23:59:58.000 too early\n23:59:59.700 first <b>\n\tat a stack\n00:00:00.200 after midnight\n00:00:09.000 too late\n" +
		"23:59:59.800 " + strings.Repeat("x", 2*sceneWidth)
	require.NoError(t, os.WriteFile(filepath.Join(b.Dir, dirLogs, "zk1.log"), []byte(log), 0o644))
	zero := 100 * s
	event := func(at int64, typ history.Type, node, f string) {
		b.History = append(b.History, history.Event{Index: len(b.History), Time: zero + at, Type: typ, Node: node, Op: history.Op{F: f}})
	}
	event(0, history.Phase, "", history.PhaseOps)
	event(600*ms, history.Role, "zk1", "leader")
	event(700*ms, history.Wire, "p1", "reply")
	event(800*ms, history.OK, "p1", "acquire")
	event(900*ms, history.OK, "p2", "acquire")
	event(1000*ms, history.Fault, "zk1", "begin")
	event(3000*ms, history.OK, "p1", "release")
	got := b.scene([]string{"p1", "zk1"}, zero+s, zero+s+100*ms, zero)
	var rows []string
	for _, r := range got.Rows {
		rows = append(rows, r.Node+" "+r.What)
	}
	require.Equal(t, []string{"zk1 is leader", "p1 acquire done", "zk1 fault begin"}, rows)
	require.Equal(t, []logView{{Node: "zk1", Lines: []logLine{
		{"0.700000 s", "first <b>"}, {"1.200000 s", "after midnight"}, {"0.800000 s", strings.Repeat("x", sceneWidth) + "…"},
	}}}, got.Logs)
	require.Zero(t, got.Left)
	require.Empty(t, b.scene([]string{"p9"}, zero+50*s, zero+51*s, zero))
}

// Of a long time both ends are shown.
func TestSceneOfALongTime(t *testing.T) {
	b := &Bundle{Dir: t.TempDir()}
	for i := range int64(200) {
		b.History = append(b.History, history.Event{Index: int(i), Time: i * s, Type: history.OK, Node: "p1", Op: history.Op{F: fmt.Sprint(i)}})
	}
	got := b.scene([]string{"p1"}, 0, 199*s, 0)
	require.Equal(t, 200-2*sceneRows, got.Left)
	require.Len(t, got.Rows, 2*sceneRows)
	require.Equal(t, "0 done", got.Rows[0].What)
	require.Equal(t, "199 done", got.Rows[2*sceneRows-1].What)
}
