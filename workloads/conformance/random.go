package conformance

import (
	"fmt"
	"math/rand/v2"
)

// Random is how many scripts are made at random, from the spec's seed.
const Random = 150

// randomScript has two sessions call what they like on a few nodes.
func randomScript(rng *rand.Rand, name string) Script {
	s := Script{Topic: "random", Name: name}
	add := func(who, what string) { s.Steps = append(s.Steps, Step{Text: who + " " + what}) }
	add("a", "open")
	add("b", "open")
	watches := 0
	for range 16 {
		who := []string{"a", "b"}[rng.IntN(2)]
		// The other one's writes are seen by a reader only after a sync.
		add(who, "sync $")
		add(who, randomCall(rng, &watches))
	}
	for i := range watches {
		add("a", fmt.Sprintf("silent w%d", i+1))
	}
	add("a", "close")
	add("b", "sync $")
	add("b", "children $")
	add("b", "close")
	return s
}

func randomCall(rng *rand.Rand, watches *int) string {
	paths := []string{"$/x", "$/y", "$/x/z", "$/y/z"}
	path := paths[rng.IntN(len(paths))]
	version := ""
	if rng.IntN(2) == 0 {
		version = fmt.Sprintf(" %d", rng.IntN(3))
	}
	switch rng.IntN(11) {
	case 0, 1, 2:
		return "create " + []string{"", "", "-e ", "-s ", "-e -s "}[rng.IntN(5)] + path + fmt.Sprintf(" d%d", rng.IntN(9))
	case 3:
		return fmt.Sprintf("set %s d%d%s", path, rng.IntN(9), version)
	case 4:
		return "delete " + path + version
	case 5:
		return "exists " + path
	case 6:
		return "children " + []string{"$", "$/x"}[rng.IntN(2)]
	case 7:
		*watches++
		return fmt.Sprintf("%s w%d %s", []string{"getw", "existsw", "childrenw"}[rng.IntN(3)], *watches, path)
	case 8:
		return "sync $"
	default:
		return "get " + path
	}
}
