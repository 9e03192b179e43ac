package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Script is a list of steps under a root of its own, which stands for the $ in them.
//
//	a open                       a session; it is named before it is opened
//	a create [-e] [-s] $/x data  the path as made
//	a get $/x · a exists $/x     data and Stat
//	a children $                 sorted
//	a set $/x data [version] · a delete $/x [version] · a sync $
//	a getw W $/x · a existsw W $/x · a childrenw W $    the same, and a watch named W is left
//	a fired W                    waits for the watch, up to a session timeout: fired or silent
//	a silent W                   whether it has not fired a moment after a sync
//	a close
type Script struct {
	Name  string
	Steps []string
}

// Scripts are those that were written by hand, in order of their names, and as many made at random from the seed.
func Scripts(seed uint64, random int) []Script {
	var out []Script
	for _, topic := range [][2]string{{"ephemeral", ofEphemeral}, {"errors", ofErrors}, {"sequence", ofSequence}, {"sessions", ofSessions}, {"stat", ofStat}, {"watches", ofWatches}} {
		for _, block := range strings.Split(topic[1], "\n\n") {
			s := Script{}
			for line := range strings.Lines(block) {
				line = strings.TrimSpace(line)
				switch name, is := strings.CutPrefix(line, "# "); {
				case is:
					s.Name = topic[0] + ": " + name
				case line != "":
					s.Steps = append(s.Steps, line)
				}
			}
			if len(s.Steps) > 0 {
				out = append(out, s)
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x636f6e66))
	for i := range random {
		out = append(out, randomScript(rng, fmt.Sprintf("random %d", i)))
	}
	return out
}

// randomScript has two sessions call what they like on a few nodes.
func randomScript(rng *rand.Rand, name string) Script {
	s := Script{Name: name, Steps: []string{"a open", "b open"}}
	paths := []string{"$/x", "$/y", "$/x/z", "$/y/z"}
	watches := 0
	for range 16 {
		who := []string{"a", "b"}[rng.IntN(2)]
		path := paths[rng.IntN(len(paths))]
		version := ""
		if rng.IntN(2) == 0 {
			version = fmt.Sprintf(" %d", rng.IntN(3))
		}
		step := ""
		switch rng.IntN(11) {
		case 0, 1, 2:
			step = "create " + []string{"", "", "-e ", "-s ", "-e -s "}[rng.IntN(5)] + path + fmt.Sprintf(" d%d", rng.IntN(9))
		case 3:
			step = fmt.Sprintf("set %s d%d%s", path, rng.IntN(9), version)
		case 4:
			step = "delete " + path + version
		case 5:
			step = "exists " + path
		case 6:
			step = "children " + []string{"$", "$/x"}[rng.IntN(2)]
		case 7:
			watches++
			step = fmt.Sprintf("%s w%d %s", []string{"getw", "existsw", "childrenw"}[rng.IntN(3)], watches, path)
		case 8:
			step = "sync $"
		default:
			step = "get " + path
		}
		// The other one's writes are seen by a reader only after a sync.
		s.Steps = append(s.Steps, who+" sync $", who+" "+step)
	}
	for i := range watches {
		s.Steps = append(s.Steps, fmt.Sprintf("a silent w%d", i+1))
	}
	s.Steps = append(s.Steps, "a close", "b sync $", "b children $", "b close")
	return s
}

// flags takes -e and -s out of the words.
func flags(words []string) (rest []string, ephemeral, sequential bool) {
	ephemeral, sequential = slices.Contains(words, "-e"), slices.Contains(words, "-s")
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "-e" || w == "-s" }), ephemeral, sequential
}
