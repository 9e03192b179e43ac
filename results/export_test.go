package results

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/harness/history"
	"riven/harness/spec"
	"riven/nemesis"
)

// What is packed is unpacked: the same bundle, in another folder.
func TestPackAndUnpack(t *testing.T) {
	b := newExample(1).write(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.Dir, ".verdict.json-123"), []byte("half"), 0o600))
	var packed, again bytes.Buffer
	require.NoError(t, Pack(b.Dir, &packed))
	require.NoError(t, Pack(b.Dir, &again))
	require.Equal(t, packed.Bytes(), again.Bytes())
	archive, folder := filepath.Join(t.TempDir(), "b.tar.gz"), t.TempDir()
	require.NoError(t, os.WriteFile(archive, packed.Bytes(), 0o644))
	dir, err := Unpack(archive, folder)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(folder, filepath.Base(b.Dir)), dir)
	require.NoFileExists(t, filepath.Join(dir, ".verdict.json-123"))
	want, err := Open(b.Dir)
	require.NoError(t, err)
	got, err := Open(dir)
	require.NoError(t, err)
	got.Dir = want.Dir
	require.Equal(t, want, got)
	_, err = Unpack(archive, folder)
	require.ErrorContains(t, err, "is there already")
	require.ErrorContains(t, Pack(t.TempDir(), &packed), "not a bundle of riven")
}

// An archive from somebody else writes nothing outside of its own folder.
func TestUnpackRefuses(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		`"../evil" is not in the bundle's folder`: {{Name: "../evil", Typeflag: tar.TypeReg}},
		`"/evil" is not in the bundle's folder`:   {{Name: "/evil", Typeflag: tar.TypeReg}},
		`"b/evil" is not in the bundle's folder`:  {{Name: "a/", Typeflag: tar.TypeDir}, {Name: "b/evil", Typeflag: tar.TypeReg}},
		`"a/../../evil" is not in`:                {{Name: "a/", Typeflag: tar.TypeDir}, {Name: "a/../../evil", Typeflag: tar.TypeReg}},
		`"a/link" is neither a file nor a folder`: {{Name: "a/", Typeflag: tar.TypeDir}, {Name: "a/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}},
		`file exists`:            {{Name: "a/", Typeflag: tar.TypeDir}, {Name: "a/x", Typeflag: tar.TypeReg}, {Name: "a/x", Typeflag: tar.TypeReg}},
		`there is nothing in it`: {},
	} {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		w := tar.NewWriter(zip)
		for _, h := range headers {
			h.Mode = 0o644
			require.NoError(t, w.WriteHeader(&h))
		}
		require.NoError(t, w.Close())
		require.NoError(t, zip.Close())
		root := t.TempDir()
		archive := filepath.Join(root, "x.tar.gz")
		require.NoError(t, os.WriteFile(archive, out.Bytes(), 0o644))
		_, err := Unpack(archive, filepath.Join(root, "in"))
		require.ErrorContains(t, err, name)
		left, err := os.ReadDir(root)
		require.NoError(t, err)
		require.Len(t, left, 2, "nothing beside the folder and the archive")
	}
	archive := filepath.Join(t.TempDir(), "x.tar.gz")
	require.NoError(t, os.WriteFile(archive, []byte("this is no gzip at all"), 0o644))
	_, err := Unpack(archive, t.TempDir())
	require.ErrorContains(t, err, "gzip: invalid header")
}

// The trace has every op once, every fault that was in force, and names for all tracks.
func TestPerfetto(t *testing.T) {
	b := newExample(1).write(t)
	var out bytes.Buffer
	require.NoError(t, b.WritePerfetto(&out))
	var trace struct {
		TraceEvents []traceEvent `json:"traceEvents"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &trace))
	named, ops, faults, anomalous := map[[2]int]bool{}, 0, 0, 0
	for _, e := range trace.TraceEvents {
		switch {
		case e.Phase == "M":
			named[[2]int{e.PID, e.TID}] = true
		case e.Phase == "X" && e.PID > 0 && e.TID >= trackOps:
			ops++
			require.Contains(t, []string{"ok", "fail", "info", "open"}, e.Args["status"])
		case e.Phase == "X" && e.PID == 0:
			faults++
		case e.PID == 0 && e.TID == trackNotes:
			anomalous++
		}
	}
	require.Equal(t, len(joinOps(b.History)), ops)
	require.Equal(t, 3, faults)
	require.Equal(t, len(anomalies(*b.Verdict, false)), anomalous)
	for _, e := range trace.TraceEvents {
		if e.PID > 0 {
			require.True(t, named[[2]int{e.PID, 0}], e)
			require.True(t, named[[2]int{e.PID, e.TID}], e)
		}
		require.GreaterOrEqual(t, e.Dur, 0.0)
	}
}

// Everything in a spec that makes a run another kind of run makes it another cell; the seed does not.
func TestCell(t *testing.T) {
	base := spec.Default()
	require.Equal(t, "lock/curator/docker/bookworm/3x4/partition+kill+pause", Cell(base, nemesis.Plan{Policy: "seeded"}))
	changed := map[string]func(*spec.Spec){
		"Workload": func(s *spec.Spec) { s.Workload = "counter" }, "Recipe": func(s *spec.Spec) { s.Recipe = "ephemeral" },
		"Defects": func(s *spec.Spec) { s.Defects = []string{"no-token"} }, "Cluster": func(s *spec.Spec) { s.Cluster = "sim" },
		"Broken":  func(s *spec.Spec) { s.Broken = []string{"no-epoch-promise"} },
		"Scripts": func(s *spec.Spec) { s.Scripts = "# none" },
		"Client":  func(s *spec.Spec) { s.Client = "java" },
		"Image":   func(s *spec.Spec) { s.Image = "zookeeper:3.9" }, "Participant": func(s *spec.Spec) { s.Participant = "my/lock" },
		"Suite": func(s *spec.Spec) { s.Suite = "trixie" }, "Servers": func(s *spec.Spec) { s.Servers = 5 },
		"Participants": func(s *spec.Spec) { s.Participants = 5 }, "Roles": func(s *spec.Spec) { s.Roles = []spec.Role{{Name: "controller", Count: 2}} },
		"Timing": func(s *spec.Spec) { s.Timing.SyncLimit++ }, "Time": func(s *spec.Spec) { s.Time++ },
		"Faults": func(s *spec.Spec) { s.Faults = []string{"kill"} }, "Fencing": func(s *spec.Spec) { s.Fencing = false },
		"Hold": func(s *spec.Spec) { s.Hold++ }, "Pause": func(s *spec.Spec) { s.Pause = 1 },
		"Staged": func(s *spec.Spec) { s.Staged = true }, "Pins": func(s *spec.Spec) { s.Pins = []spec.Pin{{Participant: "p1", Server: "leader"}} }, "Claims": func(s *spec.Spec) { s.Claims = []string{"belief"} },
	}
	seen := map[string]string{Cell(base, nemesis.Plan{}): "nothing"}
	for i := range reflect.TypeFor[spec.Spec]().NumField() {
		name := reflect.TypeFor[spec.Spec]().Field(i).Name
		if name == "Version" || name == "Seed" {
			continue
		}
		require.Contains(t, changed, name, "a new field of a spec: a cell must tell it")
		s := base
		changed[name](&s)
		require.Emptyf(t, seen[Cell(s, nemesis.Plan{})], "%s makes no difference", name)
		seen[Cell(s, nemesis.Plan{})] = name
	}
	file := Cell(base, nemesis.Plan{Policy: "file", Steps: []nemesis.Step{{ID: "f1"}}})
	require.Regexp(t, `/plan-[0-9a-f]{8}$`, file)
	require.NotEqual(t, file, Cell(base, nemesis.Plan{Policy: "file", Steps: []nemesis.Step{{ID: "f2"}}}))
	s := base
	s.Timing.Session++
	require.Contains(t, Cell(s, nemesis.Plan{}), "/session=2.000000001s")
	s.Faults, s.Seed = nil, 3
	require.Contains(t, Cell(s, nemesis.Plan{}), "/none/")
}

func TestMeasures(t *testing.T) {
	at := func(ms int64) int64 { return ms * int64(time.Millisecond) }
	e := func(ms int64, typ history.Type, id int64, f string) history.Event {
		return history.Event{Time: at(ms), Type: typ, Node: "p1", ID: id, Op: history.Op{F: f}}
	}
	m := measure([]history.Event{
		e(0, history.Invoke, 1, "add"), e(500, history.OK, 1, "add"), // before
		e(1000, history.Phase, 0, history.PhaseOps),
		e(1000, history.Invoke, 2, "add"), e(1010, history.OK, 2, "add"),
		e(1100, history.Invoke, 3, "add"), e(1130, history.OK, 3, "add"),
		e(1200, history.Invoke, 4, "read"), e(1300, history.Fail, 4, "read"),
		e(1400, history.Invoke, 5, "add"), e(1500, history.Info, 5, "add"),
		e(2900, history.Invoke, 6, "add"),
		e(3000, history.Phase, 0, history.PhaseHeal),
		e(3100, history.OK, 6, "add"), // after
	})
	require.Equal(t, Measures{OK: 2, Fail: 1, Info: 1, Seconds: 2, PerSecond: 1, Latency: map[string]Latency{"add": {10, 30, 30, 30}}}, m)
	require.Equal(t, Measures{}, measure(nil))
}

// The values are those of tables.
func TestIntervals(t *testing.T) {
	low, high := Wilson(0, 0)
	require.Equal(t, []float64{0, 1}, []float64{low, high})
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{0, 3, 0, 0.5615}, {3, 3, 0.4385, 1}, {1, 3, 0.0615, 0.7923}, {8, 10, 0.4902, 0.9433}, {50, 100, 0.4038, 0.5962}} {
		low, high := Wilson(c.k, c.n)
		require.InDelta(t, c.low, low, 1e-4)
		require.InDelta(t, c.high, high, 1e-4)
	}
	for freedom, want := range map[float64]float64{1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042, 1000: 1.962} {
		require.InEpsilon(t, want, student95(freedom), 0.01, "%v degrees of freedom", freedom)
	}
	r := ratioOf([]float64{2, 2, 2}, []float64{1, 1, 1})
	require.InDelta(t, 2, r.Low, 1e-9)
	require.InDelta(t, 2, r.High, 1e-9)
	r = ratioOf([]float64{1, 2, 4}, []float64{1, 2, 4})
	require.InDelta(t, 1, r.Estimate, 1e-9)
	require.InDelta(t, 1, r.Low*r.High, 1e-9, "as far below as above, in logarithms")
	require.InDelta(t, math.Exp(2.776*math.Sqrt(2*math.Ln2*math.Ln2/3)), r.High, 0.1)
}

func TestThin(t *testing.T) {
	b := newExample(1).write(t)
	before, err := Size(b.Dir)
	require.NoError(t, err)
	require.NoError(t, Thin(b.Dir))
	after, err := Size(b.Dir)
	require.NoError(t, err)
	require.Less(t, after, before/2)
	brief, err := OpenBrief(b.Dir)
	require.NoError(t, err)
	require.True(t, brief.Meta.Thinned)
	require.Equal(t, b.Verdict, brief.Verdict)
	require.Equal(t, b.Measures, brief.Measures)
	require.Equal(t, b.Receipts, brief.Receipts)
	_, err = Open(b.Dir)
	require.ErrorContains(t, err, "it was thinned: its verdict is kept, its history is not")
	r := create(t)
	require.NoError(t, r.Close())
	require.ErrorContains(t, Thin(r.Dir), "no verdict yet")
	gone, err := Size(filepath.Join(r.Dir, "nowhere"))
	require.NoError(t, err)
	require.Zero(t, gone)
}
