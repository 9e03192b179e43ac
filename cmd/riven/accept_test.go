//go:build accept

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/checkers"
	"riven/harness/history"
	"riven/results"
)

// table keeps the proofs in docs/acceptance.md, one line each: what was run, what came out, when and of which commit.
// A line is put in its place as soon as it is seen, so that one proof can be repeated and a run that is cut short leaves
// what it saw.
type table struct {
	t      *testing.T
	commit string // that the binary is built from
	lines  []string
}

const acceptance = "../../docs/acceptance.md"

// tableHead is above the lines.
func tableHead() string {
	return fmt.Sprintf("# Acceptance\n\nMade by `make accept`, on a machine with %d cores. All proofs take about 95 minutes; `make accept ROWS='counter|clocks'` repeats some.\n\n", runtime.NumCPU()) +
		"| proof | what was run | what came out | seen on | commit |\n| --- | --- | --- | --- | --- |\n"
}

func openTable(t *testing.T) *table {
	commit, err := exec.Command("git", "describe", "--always", "--abbrev=12", "--dirty=+changes").Output()
	require.NoError(t, err)
	kept, err := os.ReadFile(acceptance)
	require.NoError(t, err)
	a := &table{t: t, commit: strings.TrimSpace(string(commit))}
	if _, lines, ok := strings.Cut(string(kept), "| --- |\n"); ok {
		a.lines = strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	}
	return a
}

func (a *table) add(name, ran, came string) {
	a.t.Logf("%s | %s | %s", name, ran, came)
	line := fmt.Sprintf("| %s | `%s` | %s | %s | %s |", name, ran, strings.ReplaceAll(came, "|", "/"), time.Now().UTC().Format(time.DateOnly), a.commit)
	i := slices.IndexFunc(a.lines, func(l string) bool { return strings.HasPrefix(l, "| "+name+" |") })
	if i < 0 {
		a.lines = append(a.lines, line)
	} else {
		a.lines[i] = line
	}
	require.NoError(a.t, os.WriteFile(acceptance, []byte(tableHead()+strings.Join(a.lines, "\n")+"\n"), 0o644))
}

func TestAccept(t *testing.T) {
	a := openTable(t)
	for _, p := range []struct {
		name string
		run  func(*testing.T, *table)
	}{
		{"correct", acceptCorrect},
		{"counter", acceptCounter},
		{"every", acceptEvery},
		{"failovers", acceptFailovers},
		{"versions", acceptVersions},
		{"million", acceptMillion},
		{"monitors", acceptMonitors},
		{"unfenced", acceptUnfenced},
		{"holders", acceptTwoHolders},
		{"cuts", acceptCutsInTurn},
		{"hunted", acceptHunted},
		{"native", acceptNative},
		{"nothing", acceptNothingHappened},
		{"defects", acceptDefects},
		{"clocks", acceptClocks},
		{"killed", acceptKilled},
		{"checker", acceptCheckerKilled},
		{"beside", acceptBeside},
	} {
		t.Run(p.name, func(t *testing.T) { p.run(t, a) })
	}
}

// acceptClocks has the clocks of processes patched and restored that read them all the time: none may die, and the Go
// process may see no monotonic reading go back.
func acceptClocks(t *testing.T, a *table) {
	for _, p := range []struct{ name, dir, test, came string }{
		{"a busy Go process", "./nemesis/inject", "TestPatchAndRestoreOfABusyProcess",
			"no crash, no monotonic reading that went back, every skew and every restore seen by the process itself"},
		{"a busy Go process, monotonic rates", "./nemesis/inject", "TestMonotonicRatesOfABusyProcess",
			"no crash, no monotonic reading that went back, every rate kept and every rest of a skew seen by the process itself"},
		{"a serving JVM", "./clusters/docker/agent", "TestClockOfServer",
			"no crash, every skew and every restore seen in the server's own log, every request served"},
	} {
		args := []string{"test", "-count=1", "-tags", "docker", "-run", "^" + p.test + "$", p.dir, "-args", "-cycles", "500"}
		c := exec.Command("go", args...)
		c.Dir = "../.."
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		a.add("500 clocks patched and restored: "+p.name, "go "+strings.Join(args, " "), p.came)
	}
}

const faults = "--faults partition,kill,pause --time 30s"

func acceptCorrect(t *testing.T, a *table) {
	passed, acquired, receipts := 0, 0, 0
	for seed := 1; seed <= 10; seed++ {
		o := runLock(t, append(strings.Fields(faults), "--recipe", "curator", "--fencing", "--seed", fmt.Sprint(seed))...)
		if o.Code == 0 {
			passed++
		} else {
			t.Errorf("seed %d: %s", seed, o.Verdict.Sentence)
		}
		for _, f := range o.Verdict.Floors {
			switch {
			case f.Name == "acquisitions":
				acquired += f.Got
			case strings.HasSuffix(f.Name, "faults applied"):
				receipts += f.Got
			}
		}
	}
	a.add("the correct recipe passes under faults", "riven run lock --recipe curator --fencing "+faults+" --seed 1..10",
		fmt.Sprintf("%d of 10 pass, %d acquisitions, %d faults applied with receipts", passed, acquired, receipts))
}

func acceptCounter(t *testing.T, a *table) {
	const seeds = 5
	passed, added, unknown := 0, 0, 0
	for seed := 1; seed <= seeds; seed++ {
		o := runWorkload(t, "counter", append(strings.Fields(faults), "--seed", fmt.Sprint(seed))...)
		if o.Code == 0 {
			passed++
		} else {
			t.Errorf("seed %d: %s", seed, o.Verdict.Sentence)
		}
		for _, f := range o.Verdict.Floors {
			if f.Name == "additions" {
				added += f.Got
			}
		}
		b, err := results.Open(o.Bundle)
		require.NoError(t, err)
		for _, e := range b.History {
			if e.Type == history.Info && e.F == checkers.OpAdd {
				unknown++
			}
		}
	}
	a.add("the counter passes under faults", "riven run counter "+faults+" --seed 1..5",
		fmt.Sprintf("%d of %d pass, %d additions acknowledged, %d ended unknown", passed, seeds, added, unknown))
}

// acceptEvery has each workload's correct recipe pass five runs under every fault of its mission, its coverage met.
func acceptEvery(t *testing.T, a *table) {
	const every = "--faults partition,kill,pause,clock --time 30s"
	for _, recipe := range shipped {
		t.Run(recipe, func(t *testing.T) { passesEvery(t, a, recipe, every) })
	}
}

func passesEvery(t *testing.T, a *table, recipe, every string) {
	workload, name, _ := strings.Cut(recipe, "/")
	passed, hazards := 0, 0
	did := map[string]int{}
	var told []string
	for seed := 11; seed <= 15; seed++ {
		o := runWorkload(t, workload, append(strings.Fields(every), "--recipe", name, "--seed", fmt.Sprint(seed))...)
		if o.Code == 0 {
			passed++
		} else {
			t.Errorf("%s seed %d: %s", recipe, seed, o.Verdict.Sentence)
		}
		for _, f := range o.Verdict.Floors {
			if _, known := did[f.Name]; !known {
				told = append(told, f.Name)
			}
			did[f.Name] += f.Got
		}
		for _, c := range o.Verdict.Checks {
			for _, x := range c.Anomalies {
				if x.Hazard {
					hazards++
				}
			}
		}
	}
	for i, name := range told {
		told[i] = fmt.Sprintf("%d %s", did[name], name)
	}
	a.add(recipe+" passes under every fault", "riven run "+workload+" --recipe "+name+" "+every+" --seed 11..15",
		fmt.Sprintf("%d of 5 pass, %d hazards; %s", passed, hazards, strings.Join(told, ", ")))
}

// acceptFailovers has ensembles of three, five and seven lose their leader again and again, alone and with as many others as they
// bear, and one more: how long until the next leader, and until the next write.
func acceptFailovers(t *testing.T, a *table) {
	const args = "--recipe ensemble --faults kill --time 45s"
	for _, servers := range []int{3, 5, 7} {
		var leader, serving []float64
		passed := 0
		for seed := 1; seed <= 2; seed++ {
			o := runWorkload(t, "election", append(strings.Fields(args), "--servers", fmt.Sprint(servers), "--seed", fmt.Sprint(seed))...)
			if o.Code == 0 {
				passed++
			} else {
				t.Errorf("%d servers, seed %d: %s", servers, seed, o.Verdict.Sentence)
			}
			b, err := results.Open(o.Bundle)
			require.NoError(t, err)
			for _, f := range b.Measures.Failovers {
				leader, serving = append(leader, f.Leader), append(serving, f.Serving)
			}
		}
		require.NotEmpty(t, leader)
		spread := func(ms []float64) string {
			slices.Sort(ms)
			return fmt.Sprintf("%.0f to %.0f ms, median %.0f", ms[0], ms[len(ms)-1], ms[len(ms)/2])
		}
		a.add(fmt.Sprintf("from a leader's death to the next, %d servers", servers), fmt.Sprintf("riven run election %s --servers %d --seed 1..2", args, servers),
			fmt.Sprintf("%d of 2 pass; %d deaths; next leader %s; next write %s", passed, len(leader), spread(leader), spread(serving)))
	}
}

// acceptMonitors compares the monitors with porcupine on more random histories than the unit tests do.
func acceptMonitors(t *testing.T, a *table) {
	const cases = "1000000"
	out, err := exec.Command("go", "test", "-count=1", "-timeout", "60m", "-v", "-run", "AgainstPorcupine", "riven/checkers", "-args", "-cases", cases).CombinedOutput()
	require.NoError(t, err, string(out))
	said := regexp.MustCompile(`\d+ histories, \d+ linearizable`).FindAllString(string(out), -1)
	require.NotEmpty(t, said, string(out))
	a.add("the monitors of counters and registers agree with porcupine", "go test riven/checkers -run AgainstPorcupine -args -cases "+cases, strings.Join(said, "; ")+", no disagreement")
}

func acceptUnfenced(t *testing.T, a *table) {
	found := 0
	var last string
	for seed := 1; seed <= 3; seed++ {
		o := runLock(t, "--recipe", "curator", "--fencing=false", "--faults", "pause", "--time", "30s", "--seed", fmt.Sprint(seed))
		if slices.Contains(violated(o.Verdict), checkers.ClaimExclusion) {
			found++
			last = o.Verdict.Sentence
		} else {
			t.Errorf("seed %d: %s", seed, o.Verdict.Sentence)
		}
	}
	a.add("without fencing a paused holder writes after its successor", "riven run lock --recipe curator --fencing=false --faults pause --time 30s --seed 1..3",
		fmt.Sprintf("exclusion violated at the resource in %d of 3; %s", found, last))
}

// example runs examples/NAME.json with its plan.
func example(t *testing.T, name string, args ...string) outcome {
	t.Helper()
	file := "../../examples/" + name
	return riven(t, append([]string{"run", "--json", "--dir", bundleDir(t), "--spec", file + ".json", "--plan", file + "-plan.json"}, args...)...)
}

// exampleTold is the command line of example, for people.
func exampleTold(name string) string {
	return fmt.Sprintf("riven run --spec examples/%s.json --plan examples/%s-plan.json", name, name)
}

// acceptTwoHolders shows the case that no pause and no fault of a client's link is needed for.
func acceptTwoHolders(t *testing.T, a *table) {
	const tries = 3
	var overlaps []string
	for seed := 1; seed <= tries; seed++ {
		o := example(t, "two-holders", "--claim", "belief", "--seed", fmt.Sprint(seed))
		require.Contains(t, violated(o.Verdict), checkers.ClaimBelief, o.Verdict.Sentence)
		overlaps = append(overlaps, fmt.Sprintf("%.1f s", longest(o.Verdict, checkers.ClaimBelief).Seconds()))
	}
	a.add("two holders, nobody paused, no client's link touched", exampleTold("two-holders")+" --claim belief --seed 1..3",
		fmt.Sprintf("belief violated in %d of %d, both believed for %s", len(overlaps), tries, strings.Join(overlaps, ", ")))
	o := example(t, "two-holders", "--fencing", "--seed", "1")
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	a.add("the fenced recipe passes the same plan", exampleTold("two-holders")+" --fencing", o.Verdict.Sentence)
}

// acceptCutsInTurn shows that a session timeout longer than tickTime*syncLimit is no remedy where a server is cut from its
// peers and its client from it after that, and that belief is not claimed there.
func acceptCutsInTurn(t *testing.T, a *table) {
	const tries = 5
	var overlaps []string
	for seed := 1; seed <= tries; seed++ {
		o := example(t, "cuts-in-turn", "--claim", "belief", "--seed", fmt.Sprint(seed))
		if slices.Contains(violated(o.Verdict), checkers.ClaimBelief) {
			overlaps = append(overlaps, fmt.Sprintf("%.2f s", longest(o.Verdict, checkers.ClaimBelief).Seconds()))
		}
	}
	require.NotEmpty(t, overlaps)
	a.add("two actives by belief, with a session twice tickTime*syncLimit", exampleTold("cuts-in-turn")+" --claim belief --seed 1..5",
		fmt.Sprintf("belief violated in %d of %d, both believed for %s", len(overlaps), tries, strings.Join(overlaps, ", ")))
	o := example(t, "cuts-in-turn", "--seed", "1")
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	a.add("the same is no violation where belief is not claimed", exampleTold("cuts-in-turn"), o.Verdict.Sentence)
}

// longest is the longest time that an anomaly of the claim spans.
func longest(v checkers.Verdict, claim string) (d time.Duration) {
	for _, c := range v.Checks {
		for _, x := range c.Anomalies {
			if c.Claim == claim {
				d = max(d, time.Duration(x.To-x.From))
			}
		}
	}
	return d
}

func acceptNative(t *testing.T, a *table) {
	for _, n := range []armed{
		{"zk.Lock", "expiry", "--time 12s --participants 3 --session 800ms --hold 2400ms --fencing=false",
			step("f1", "2s", "2400ms", midHold, `{"kind": "partition", "shape": "from-servers", `+holder), nil},
		{"zk.Lock", "lost create and search", quick, step("f1", "1s", "5s", "", `{"kind": "lose-reply", "op": "create", `+p1) + "," +
			step("f2", "1s", "5s", "", `{"kind": "lose-reply", "op": "getChildren2", `+p1), nil},
		{"zk.Lock", "lost delete", quick, step("f1", "1s", "5s", "", `{"kind": "lose-reply", "op": "delete", `+p1), nil},
	} {
		o := runLock(t, n.command(t, 1, false)...)
		a.add("go-zookeeper's own lock, "+n.defect, "riven run lock --recipe zk.Lock "+n.args, o.Verdict.Sentence)
	}
}

func acceptNothingHappened(t *testing.T, a *table) {
	o := runLock(t, strings.Fields(quick+" --recipe curator --faults none --seed 1")...)
	require.Equal(t, 0, o.Code, o.Verdict.Sentence)
	a.add("an empty plan that was asked for", "riven run lock --faults none "+quick, o.Verdict.Sentence)
	n := armed{"curator", "no-effect", quick, step("f1", "1s", "3s", "", `{"kind": "lose-reply", "op": "setData", `+p1), nil}
	o = runLock(t, n.command(t, 1, false)...)
	require.Equal(t, 2, o.Code, o.Verdict.Sentence)
	a.add("a fault without effect is no pass", "riven run lock --plan (a reply to setData is lost) "+quick, o.Verdict.Sentence)
	n.plan = ""
	file := t.TempDir() + "/empty.json"
	require.NoError(t, os.WriteFile(file, []byte(`{"steps": []}`), 0o644))
	o = runLock(t, append(strings.Fields(quick), "--recipe", "curator", "--plan", file, "--seed", "1")...)
	require.Equal(t, 2, o.Code, o.Verdict.Sentence)
	a.add("an empty plan that was not asked for is no pass", "riven run lock --plan (empty) "+quick, o.Verdict.Sentence)
}

// acceptDefects wants each defect to break its own claim within five runs, and the same runs without it to break none.
func acceptDefects(t *testing.T, a *table) {
	for _, d := range defects {
		t.Run(d.recipe+"/"+d.defect, func(t *testing.T) {
			for seed := 1; seed <= 5; seed++ {
				o := d.run(t, seed, true)
				if !d.breaksOwn(o.Verdict) {
					continue
				}
				control := "none"
				for s := 1; s <= seed; s++ {
					c := d.run(t, s, false)
					if v := violated(c.Verdict); len(v) > 0 {
						control = fmt.Sprintf("%v with seed %d: %s", v, s, c.Verdict.Sentence)
						t.Error(control)
					}
				}
				a.add("defect "+d.recipe+" "+d.defect, d.told("--defect "+d.defect+" "),
					fmt.Sprintf("violated in run %d: %s; without the defect, same plan and seeds: %s", seed, strings.Join(violated(o.Verdict), ", "), control))
				return
			}
			t.Errorf("%s was not found in 5 runs", d.defect)
			a.add("defect "+d.recipe+" "+d.defect, d.told("--defect "+d.defect+" "), "not found in 5 runs")
		})
	}
}

// told is the command line without plan and seed, for people.
func (a armed) told(words string) string {
	workload, recipe := a.names()
	return fmt.Sprintf("riven run %s --recipe %s %s%s", workload, recipe, words, a.args)
}

// acceptKilled kills the harness at random moments.
func acceptKilled(t *testing.T, a *table) {
	const kills = 20
	rng := rand.New(rand.NewPCG(1, 1))
	path, err := binary()
	require.NoError(t, err)
	checked := 0
	for i := range kills {
		dir := t.TempDir()
		cmd := exec.Command(path, "run", "lock", "--dir", dir, "--time", "30s", "--session", "1s", "--seed", fmt.Sprint(i))
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(rng.Int64N(int64(15 * time.Second)))) // the moment is the point
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		bundle := onlyDir(t, dir)
		run := bundle[strings.LastIndex(bundle, "/")+1:]
		require.Eventually(t, func() bool { return nodes(t, run) == 0 }, 10*time.Second, 100*time.Millisecond)
		b, err := results.Open(bundle)
		require.NoError(t, err)
		_, err = b.Ledger()
		require.NoError(t, err)
		o := riven(t, "check", bundle, "--json")
		require.Contains(t, []int{0, 1, 2}, o.Code, o.Stdout+o.Stderr)
		checked++
	}
	a.add("the harness is killed at random moments", "kill -9 within the first 15 s of riven run lock, 20 times",
		fmt.Sprintf("no container of the run after 10 s, ledger readable and riven check works in %d of %d", checked, kills))
}

// acceptCheckerKilled kills the checker at once: history and receipts are on disk before it starts.
func acceptCheckerKilled(t *testing.T, a *table) {
	o := runLock(t, strings.Fields(quick+" --recipe curator --faults kill --seed 1")...)
	require.NoError(t, os.Remove(o.Bundle+"/verdict.json"))
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.Command(path, "check", o.Bundle)
	require.NoError(t, cmd.Start())
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	again := riven(t, "check", o.Bundle, "--json")
	require.Equal(t, o.Verdict, again.Verdict)
	a.add("killing the checker loses nothing", "riven check BUNDLE, kill -9, riven check BUNDLE", "the same verdict as at first")
}

func acceptBeside(t *testing.T, a *table) {
	other := make(chan outcome, 1)
	args := strings.Fields(faults + " --recipe curator --seed 2")
	go func() { other <- runLock(t, args...) }()
	o, p := runLock(t, args...), <-other
	require.Equal(t, []int{0, 0}, []int{o.Code, p.Code}, o.Verdict.Sentence+"\n"+p.Verdict.Sentence)
	a.add("two runs at once on one engine", "riven run lock "+faults+" --seed 2, twice at once", "both pass")
	for range 2 {
		out, err := exec.Command("make", "-C", "../..", "run", "ARGS=--time 15s --faults kill --seed 1 --dir "+t.TempDir()).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	a.add("make run twice in a row", "make run ARGS='--time 15s --faults kill --seed 1'", "both pass")
}
