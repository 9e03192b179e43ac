package ensemble

import (
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	faultTime = 12 * time.Second
	restTime  = 8 * time.Second
)

// chaos is one run of a seed.
func chaos(seed uint64, servers int, defect string) *world {
	w := newWorld(seed, servers, defect)
	w.plan(faultTime)
	w.run(faultTime + restTime)
	w.check.end()
	return w
}

func TestChaos(t *testing.T) {
	var sum tally2
	for seed := range uint64(seeds()) {
		w := chaos(seed, 3+2*int(seed%2), "")
		if w.check.failed != "" {
			t.Fatal(w.check.failed)
		}
		sum.add(w)
	}
	t.Logf("%+v", sum)
}

func TestDefects(t *testing.T) {
	for _, d := range Defects() {
		found := 0
		first := ""
		for seed := range uint64(100) {
			if w := chaos(seed, 3+2*int(seed%2), d.Name); w.check.failed != "" {
				found++
				if first == "" {
					first = w.check.failed
				}
			}
		}
		t.Logf("%s: %d of 100: %s", d.Name, found, first)
	}
}

func seeds() int {
	if n, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil {
		return n
	}
	return 1000
}

type tally2 struct{ events, committed, elections, expiries, gone, acked int }

func (s *tally2) add(w *world) {
	s.events += w.events
	s.committed += len(w.check.committed)
	s.elections += w.check.elections
	s.expiries += w.check.expiries
	for _, c := range w.clients {
		s.gone += c.gone
		s.acked += c.acked
	}
}
